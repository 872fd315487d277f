// Rubin's eight schools (1981), non-centred: the same model, and the same evidence, without the funnel.
data {
  int<lower=1> J;
  real y[J];
  real<lower=0> sigma[J];
}
parameters {
  real mu;
  real<lower=0> tau;
  real theta_raw[J];
}
transformed parameters {
  real theta[J];
  for (j in 1:J) theta[j] = mu + tau * theta_raw[j];
}
model {
  mu ~ normal(0, 5);
  tau ~ cauchy(0, 5);  // a half of it, which Stan does not double: ln of the evidence lacks ln 2
  theta_raw ~ normal(0, 1);
  y ~ normal(theta, sigma);
}
