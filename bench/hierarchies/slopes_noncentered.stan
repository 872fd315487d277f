data {
  int<lower=1> n;
  int<lower=1> groups;
  int<lower=1> group[n];
  vector[n] x;
  vector[n] y;
}
parameters {
  matrix[2, groups] raw;
  vector[2] mean_effect;
  vector<lower=0>[2] sd_effect;
  cholesky_factor_corr[2] correlation;
  real<lower=0> sd_y;
}
transformed parameters {
  matrix[2, groups] effect = rep_matrix(mean_effect, groups) + diag_pre_multiply(sd_effect, correlation) * raw;
}
model {
  mean_effect ~ normal(0, 5);
  sd_effect ~ normal(0, 2);
  correlation ~ lkj_corr_cholesky(2);
  sd_y ~ normal(0, 2);
  to_vector(raw) ~ normal(0, 1);
  for (i in 1:n) y[i] ~ normal(effect[1, group[i]] + effect[2, group[i]] * x[i], sd_y);
}
