data {
  int<lower=1> N;
  vector[N] x;
  int<lower=0, upper=1> y[N];
}
parameters {
  real alpha;
  real beta;
}
model {
  alpha ~ normal(0, 1.5);
  beta ~ normal(0, 1.5);
  y ~ bernoulli_logit(alpha + beta * x);
}
generated quantities {
  real alpha_sim = normal_rng(0, 1.5);
  real beta_sim = normal_rng(0, 1.5);
  int y_sim[N];
  real log_lik = bernoulli_logit_lpmf(y | alpha + beta * x);
  for (n in 1:N) y_sim[n] = bernoulli_rng(inv_logit(alpha_sim + beta_sim * x[n]));
}
