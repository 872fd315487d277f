// Generated quantities: of observations, at random, a matrix, and one that is missing where mu > 5.
data {
  int<lower=0> N;
  vector[N] y;
}
transformed data {
  real noise = normal_rng(0, 1);
}
parameters {
  real mu;
  real<lower=0> sigma;
}
transformed parameters {
  real twice = 2 * mu;
}
model {
  mu ~ normal(0, 5);
  sigma ~ lognormal(0, 1);
  y ~ normal(mu, sigma);
}
generated quantities {
  real standard = normal_rng(0, 1);
  vector[N] log_lik;
  real y_rep[N];
  matrix[2, 3] m;
  int count = poisson_rng(3);
  real data_noise = noise;
  for (n in 1:N) {
    log_lik[n] = normal_lpdf(y[n] | mu, sigma);
    y_rep[n] = normal_rng(mu, sigma);
  }
  for (i in 1:2) for (j in 1:3) m[i, j] = (10 * i + j) * mu + twice;
  if (mu > 5) count = poisson_rng(-1);
}
