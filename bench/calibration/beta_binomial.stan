// Shares of four groups.
data {
  int<lower=1> G;
  int<lower=0> n[G];
  int<lower=0> y[G];
}
parameters {
  vector<lower=0, upper=1>[G] p;
}
model {
  p ~ beta(2, 3);
  y ~ binomial(n, p);
}
generated quantities {
  vector[G] p_sim;
  int y_sim[G];
  real log_lik = binomial_lpmf(y | n, p);
  for (g in 1:G) {
    p_sim[g] = beta_rng(2, 3);
    y_sim[g] = binomial_rng(n[g], p_sim[g]);
  }
}
