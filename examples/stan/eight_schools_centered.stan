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
  tau ~ cauchy(0, 5);
  target += log(2);  // the half of the Cauchy that is used, so that the evidence is that of the model
  theta ~ normal(mu, tau);
  y ~ normal(theta, sigma);
}
