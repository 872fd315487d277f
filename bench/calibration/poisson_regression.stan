data {
  int<lower=1> N;
  vector[N] x;
  int<lower=0> y[N];
}
parameters {
  real alpha;
  real beta;
}
model {
  alpha ~ normal(1, 0.5);
  beta ~ normal(0, 1);
  y ~ poisson_log(alpha + beta * x);
}
generated quantities {
  real alpha_sim = normal_rng(1, 0.5);
  real beta_sim = normal_rng(0, 1);
  int y_sim[N];
  real log_lik = poisson_log_lpmf(y | alpha + beta * x);
  for (n in 1:N) y_sim[n] = poisson_log_rng(alpha_sim + beta_sim * x[n]);
}
