data {
  int<lower=1> n;
  int<lower=1> groups;
  int<lower=1> group[n];
  vector[n] x;
  vector[n] y;
}
parameters {
  vector[2] effect[groups];
  vector[2] mean_effect;
  vector<lower=0>[2] sd_effect;
  cholesky_factor_corr[2] correlation;
  real<lower=0> sd_y;
}
model {
  mean_effect ~ normal(0, 5);
  sd_effect ~ normal(0, 2);
  correlation ~ lkj_corr_cholesky(2);
  sd_y ~ normal(0, 2);
  effect ~ multi_normal_cholesky(mean_effect, diag_pre_multiply(sd_effect, correlation));
  for (i in 1:n) y[i] ~ normal(effect[group[i], 1] + effect[group[i], 2] * x[i], sd_y);
}
