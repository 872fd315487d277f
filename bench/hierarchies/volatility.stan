data {
  int<lower=1> n;
  vector[n] y;
}
parameters {
  real mu;
  real<lower=-1, upper=1> phi;
  real<lower=0> sigma;
  vector[n] raw;
}
transformed parameters {
  vector[n] h = raw * sigma;
  h[1] /= sqrt(1 - square(phi));
  h += mu;
  for (t in 2:n) h[t] += phi * (h[t - 1] - mu);
}
model {
  mu ~ normal(0, 5);
  (phi + 1) / 2 ~ beta(20, 1.5);
  sigma ~ normal(0, 1);
  raw ~ normal(0, 1);
  y ~ normal(0, exp(h / 2));
}
