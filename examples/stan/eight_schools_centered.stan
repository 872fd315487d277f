// Rubin's eight schools (1981), centred: a funnel between tau and theta.
data {
  int<lower=1> J;
  real y[J];
  real<lower=0> sigma[J];
}
parameters {
  real mu;
  real<lower=0> tau;
  real theta[J];
}
model {
  mu ~ normal(0, 5);
  tau ~ cauchy(0, 5);  // a half of it, which Stan does not double: ln of the evidence lacks ln 2
  theta ~ normal(mu, tau);
  y ~ normal(theta, sigma);
}
