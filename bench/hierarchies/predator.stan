functions {
  real[] rates(real t, real[] z, real[] theta, real[] unused, int[] none) {
    return {(theta[1] - theta[2] * z[2]) * z[1], (-theta[3] + theta[4] * z[1]) * z[2]};
  }
}
data {
  int<lower=1> n;
  real t[n];
  real start[2];
  real y[n, 2];
}
transformed data {
  real unused[0];
  int none[0];
}
parameters {
  real<lower=0> theta[4];
}
model {
  real z[n, 2] = integrate_ode_rk45(rates, start, 0.0, t, theta, unused, none);
  theta[1] ~ normal(1, 0.5);
  theta[2] ~ normal(0.05, 0.05);
  theta[3] ~ normal(1, 0.5);
  theta[4] ~ normal(0.05, 0.05);
  for (i in 1:n) y[i] ~ lognormal(log(z[i]), 0.25);
}
