// The rate of exponential waiting times.
data {
  int<lower=1> N;
  vector<lower=0>[N] y;
}
parameters {
  real<lower=0> rate;
}
model {
  rate ~ gamma(3, 2);
  y ~ exponential(rate);
}
generated quantities {
  real rate_sim = gamma_rng(3, 2);
  vector[N] y_sim;
  real log_lik = exponential_lpdf(y | rate);
  for (n in 1:N) y_sim[n] = exponential_rng(rate_sim);
}
