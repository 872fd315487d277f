test_that("a Stan program is fitted, with its parameters' names and its evidence", {
  skip_if_not(nzchar(Sys.getenv("RIFFLE_TEST_STAN")), "RIFFLE_TEST_STAN is not set: models would be compiled")
  code <- "
    data { int<lower=0> J; vector[J] y; vector<lower=0>[J] sigma; }
    parameters { real mu; real<lower=0> tau; vector[J] theta_raw; }
    transformed parameters { vector[J] theta = mu + tau * theta_raw; }
    model {
      target += normal_lpdf(mu | 0, 5) + cauchy_lpdf(tau | 0, 5) - cauchy_lccdf(0 | 0, 5);
      target += std_normal_lpdf(theta_raw) + normal_lpdf(y | theta, sigma);
    }
    generated quantities { vector[J] log_lik; for (j in 1:J) log_lik[j] = normal_lpdf(y[j] | theta[j], sigma[j]); }"
  schools <- list(J = 8, y = c(28, 8, -3, 7, -1, 1, 18, 12), sigma = c(15, 10, 16, 11, 9, 11, 10, 18))
  fit <- riffle_fit(code, data = schools, seed = 1)
  expect_false(fit$report$verdict == "unreliable")
  expect_lt(abs(fit$log_z()$logml - -31.3113), 0.02)
  expect_true(all(c("mu", "tau", "theta[8]") %in% fit$summary()$variable))
  expect_s3_class(fit$loo(), "loo")
})
