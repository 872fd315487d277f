data {
  int<lower=1> subjects;
  int<lower=1> times;
  vector[times] age;
  matrix[subjects, times] y;
}
parameters {
  vector[subjects] intercept;
  vector[subjects] slope;
  real mean_intercept;
  real mean_slope;
  real<lower=0> variance_y;
  real<lower=0> variance_intercept;
  real<lower=0> variance_slope;
}
model {
  mean_intercept ~ normal(0, 100);
  mean_slope ~ normal(0, 100);
  variance_y ~ inv_gamma(0.001, 0.001);
  variance_intercept ~ inv_gamma(0.001, 0.001);
  variance_slope ~ inv_gamma(0.001, 0.001);
  intercept ~ normal(mean_intercept, sqrt(variance_intercept));
  slope ~ normal(mean_slope, sqrt(variance_slope));
  for (t in 1:times) y[, t] ~ normal(intercept + slope * (age[t] - age[3]), sqrt(variance_y));
}
