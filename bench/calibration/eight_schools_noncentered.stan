// Eight schools, non-centred.
data {
  int<lower=1> J;
  vector[J] y;
  vector<lower=0>[J] sigma;
}
parameters {
  real mu;
  real<lower=0> tau;
  vector[J] theta_raw;
}
transformed parameters {
  vector[J] theta = mu + tau * theta_raw;
}
model {
  mu ~ normal(0, 5);
  tau ~ normal(0, 5);
  theta_raw ~ normal(0, 1);
  y ~ normal(theta, sigma);
}
generated quantities {
  real mu_sim = normal_rng(0, 5);
  real tau_sim = fabs(normal_rng(0, 5));
  vector[J] theta_raw_sim;
  vector[J] y_sim;
  real log_lik = normal_lpdf(y | theta, sigma);
  for (j in 1:J) {
    theta_raw_sim[j] = normal_rng(0, 1);
    y_sim[j] = normal_rng(mu_sim + tau_sim * theta_raw_sim[j], sigma[j]);
  }
}
