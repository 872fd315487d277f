// The mean of normal numbers of a known variance.
data {
  int<lower=1> N;
  vector[N] y;
}
parameters {
  real mu;
}
model {
  mu ~ normal(0, 1);
  y ~ normal(mu, 2);
}
generated quantities {
  real mu_sim = normal_rng(0, 1);
  vector[N] y_sim;
  real log_lik = normal_lpdf(y | mu, 2);
  for (n in 1:N) y_sim[n] = normal_rng(mu_sim, 2);
}
