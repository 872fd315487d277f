data {
  int<lower=1> persons;
  int<lower=1> items;
  int<lower=0, upper=1> y[persons, items];
}
parameters {
  vector[persons] ability;
  vector[items] difficulty;
  vector<lower=0>[items] slope;
  real mean_difficulty;
  real<lower=0> sd_difficulty;
  real<lower=0> sd_slope;
  real mean_log_slope;
}
model {
  ability ~ normal(0, 1);
  mean_difficulty ~ normal(0, 2);
  sd_difficulty ~ normal(0, 2);
  sd_slope ~ normal(0, 1);
  mean_log_slope ~ normal(0, 1);
  difficulty ~ normal(mean_difficulty, sd_difficulty);
  slope ~ lognormal(mean_log_slope, sd_slope);
  for (i in 1:items) {
    for (p in 1:persons) y[p, i] ~ bernoulli_logit(slope[i] * (ability[p] - difficulty[i]));
  }
}
