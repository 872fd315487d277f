// Arrays of constrained vectors and matrices, and, by Stan's own indexing, some of their elements.
parameters {
  simplex[4] p[3];
  cholesky_factor_corr[3] L[2];
  ordered[2] o[2, 3];
  matrix[2, 3] m[2];
  real x[2, 3];
  real<lower=0> one[1];
}
transformed parameters {
  real p_3_2 = p[3, 2];
  real L_2_3_1 = L[2][3, 1];
  real o_1_3_2 = o[1, 3][2];
  real m_2_1_3 = m[2][1, 3];
  real x_2_1 = x[2, 1];
  real one_1 = one[1];
}
model {
  for (i in 1:3) p[i] ~ dirichlet(rep_vector(2.0 * i, 4));
  for (k in 1:2) L[k] ~ lkj_corr_cholesky(3);
  for (i in 1:2) for (j in 1:3) {
    o[i, j] ~ normal(10 * i + j, 1);
    x[i, j] ~ normal(100 * i + 10 * j, 1);
    for (k in 1:2) m[k][i, j] ~ normal(1000 * k + 10 * i + j, 1);
  }
  one ~ lognormal(0, 1);
}
