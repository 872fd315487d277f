// What the data become, by name.
data {
  real x[2, 3];
  matrix[2, 3] m;
  int k[3, 2, 2];
  real none[0];
  int n_rows;
  matrix[n_rows, 2] no_rows;
  vector[2] no_vectors[n_rows];
  real nothing[n_rows, 0, 3];
  vector[3] edges;
}
parameters {
  real a;
}
transformed parameters {
  real x_copy[2, 3] = x;
  matrix[2, 3] m_copy = m;
  real k_copy[3, 2, 2];
  vector[3] edges_copy = edges;
  for (i in 1:3) for (j in 1:2) for (l in 1:2) k_copy[i, j, l] = k[i, j, l];
}
model {
  a ~ normal(0, 1);
}
