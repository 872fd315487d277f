data {
  int<lower=1> n;
  vector[n] y;
}
parameters {
  vector[2] mu;
  vector<lower=0>[2] sigma;
  real<lower=0, upper=1> share;
}
model {
  mu ~ normal(0, 2);
  sigma ~ normal(0, 2);
  share ~ beta(5, 5);
  for (i in 1:n)
    target += log_mix(share, normal_lpdf(y[i] | mu[1], sigma[1]), normal_lpdf(y[i] | mu[2], sigma[2]));
}
