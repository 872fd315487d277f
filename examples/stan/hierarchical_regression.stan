// A linear regression whose intercepts and slopes vary over groups, together.
data {
  int<lower=1> N;
  int<lower=1> G;
  int<lower=1, upper=G> group[N];
  vector[N] x;
  vector[N] y;
}
parameters {
  vector[2] mean_effect;
  vector<lower=0>[2] spread;
  cholesky_factor_corr[2] L;
  matrix[2, G] raw;
  real<lower=0> sigma;
}
transformed parameters {
  matrix[G, 2] effect;
  effect = rep_matrix(mean_effect', G) + (diag_pre_multiply(spread, L) * raw)';
}
model {
  vector[N] fitted;
  mean_effect ~ normal(0, 5);
  spread ~ exponential(1);
  L ~ lkj_corr_cholesky(2);
  to_vector(raw) ~ normal(0, 1);
  sigma ~ exponential(1);
  for (n in 1:N) fitted[n] = effect[group[n], 1] + effect[group[n], 2] * x[n];
  y ~ normal(fitted, sigma);
}
