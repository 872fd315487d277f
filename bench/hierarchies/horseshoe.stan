data {
  int<lower=1> n;
  int<lower=1> p;
  matrix[n, p] x;
  vector[n] y;
}
parameters {
  vector[p] raw;
  vector<lower=0>[p] lambda;
  real<lower=0> tau;
  real<lower=0> slab;
  real<lower=0> sigma;
}
transformed parameters {
  vector[p] shrunk = lambda .* sqrt(slab ./ (slab + square(tau) * square(lambda)));
  vector[p] beta = tau * (raw .* shrunk);
}
model {
  raw ~ normal(0, 1);
  lambda ~ student_t(3, 0, 1);
  tau ~ student_t(3, 0, 0.1);
  slab ~ inv_gamma(2, 8);
  sigma ~ normal(0, 2);
  y ~ normal(x * beta, sigma);
}
