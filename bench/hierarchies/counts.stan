data {
  int<lower=1> sites;
  int<lower=1> years;
  vector[years] x;
  int<lower=0> y[sites, years];
}
parameters {
  real mu;
  real beta;
  vector[sites] site;
  vector[years] year;
  real<lower=0> sd_site;
  real<lower=0> sd_year;
}
model {
  mu ~ normal(0, 5);
  beta ~ normal(0, 2);
  sd_site ~ normal(0, 1);
  sd_year ~ normal(0, 1);
  site ~ normal(0, sd_site);
  year ~ normal(0, sd_year);
  for (t in 1:years) y[, t] ~ poisson_log(mu + site + beta * x[t] + year[t]);
}
