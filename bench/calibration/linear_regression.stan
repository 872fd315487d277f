// A line with normal errors of unknown size.
data {
  int<lower=1> N;
  vector[N] x;
  vector[N] y;
}
parameters {
  real alpha;
  real beta;
  real<lower=0> sigma;
}
model {
  alpha ~ normal(0, 1);
  beta ~ normal(0, 1);
  sigma ~ lognormal(0, 0.5);
  y ~ normal(alpha + beta * x, sigma);
}
generated quantities {
  real alpha_sim = normal_rng(0, 1);
  real beta_sim = normal_rng(0, 1);
  real sigma_sim = lognormal_rng(0, 0.5);
  vector[N] y_sim;
  real log_lik = normal_lpdf(y | alpha + beta * x, sigma);
  for (n in 1:N) y_sim[n] = normal_rng(alpha_sim + beta_sim * x[n], sigma_sim);
}
