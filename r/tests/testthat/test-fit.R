test_that("a fit tells the evidence, within its error, and a verdict", {
  fit <- riffle_fit(banana, names = c("x", "y"), normalized = TRUE, seed = 1)
  expect_equal(fit$report$verdict, "reliable")
  expect_s3_class(fit$verdict(), "riffle_verdict")
  z <- fit$log_z()
  expect_s3_class(z, "bridge")
  expect_lt(abs(z$logml - log(pi)), 4 * z$se)
  expect_false(z$up_to_a_constant)
  expect_output(print(fit), "verdict: reliable")
  summary <- fit$summary()
  expect_equal(summary$variable, c("x", "y"))
  expect_lt(abs(summary$mean[2] - 1), 5 * summary$mcse[2])
  expect_equal(fit$summary("y")$variable, "y")
  expect_equal(nrow(as.data.frame(fit)), 4000)
})

test_that("the same seed gives the same draws; without one, set.seed() rules", {
  draws <- function(...) riffle_fit(normal, dim = 3, n_draws = 200, ...)$draws(format = "matrix")
  expect_identical(draws(seed = 7), draws(seed = 7))
  expect_false(identical(draws(seed = 7), draws(seed = 8)))
  set.seed(3)
  first <- draws()
  set.seed(3)
  expect_identical(first, draws())
})

test_that("constrained values are what draws are of", {
  scale <- function(z) c(mu = z[1], sigma = exp(z[2]))
  fit <- riffle_fit(normal, dim = 2, constrain = scale, seed = 1)
  draws <- fit$draws(format = "matrix")
  expect_equal(colnames(draws), c("mu", "sigma"))
  expect_true(all(draws[, "sigma"] > 0))
  expect_lt(abs(mean(log(draws[, "sigma"]))), 0.1)
})

test_that("draws are weighted on demand, and resampled where the verdict asks for it", {
  skewed <- function(x) structure(x - exp(x), gradient = 1 - exp(x)) # ln of Exp(1): mean digamma(1)
  fit <- riffle_fit(skewed, dim = 1, flow = "affine-full", iterations = 200, run.method = "staged", seed = 2)
  raw <- fit$draws(format = "matrix", weights = TRUE)
  expect_equal(colnames(raw)[2], ".log_weight")
  w <- exp(raw[, 2] - max(raw[, 2]))
  expect_lt(abs(sum(w * raw[, 1]) / sum(w) - digamma(1)), 0.1)
  expect_equal(riffle:::resampled_rows(log(c(0.1, 0.6, 0.3))), c(2, 2, 3))
  w <- rexp(1000)
  counts <- tabulate(riffle:::resampled_rows(log(w)), 1000)
  expect_equal(sum(counts), 1000)
  expect_true(all(abs(counts - 1000 * w / sum(w)) <= 1)) # systematic: no more than one off
})

test_that("formats are those of package posterior", {
  skip_if_not_installed("posterior")
  fit <- riffle_fit(normal, names = c("a", "theta[1]", "theta[2]"), seed = 1)
  expect_s3_class(fit$draws(), "draws_array")
  expect_equal(posterior::variables(fit$draws()), c("a", "theta[1]", "theta[2]"))
  expect_equal(posterior::variables(fit$draws("theta")), c("theta[1]", "theta[2]"))
  expect_length(fit$draws(format = "draws_rvars")$theta, 2)
  expect_equal(sum(stats::weights(fit$draws(weights = TRUE))), 1)
  expect_error(fit$draws("b"), "theta", class = "riffle_usage_error")
  expect_error(fit$draws(format = "tibble"), "draws_df", class = "riffle_usage_error")
})

test_that("bridgesampling compares evidences", {
  skip_if_not_installed("bridgesampling")
  a <- riffle_fit(normal, dim = 2, seed = 1)$log_z()
  b <- riffle_fit(function(x) structure(-sum(x^2) / 2 - log(4), gradient = -x), dim = 2, seed = 1)$log_z()
  expect_equal(bridgesampling::bf(a, b)$bf, 4, tolerance = 1e-6)
  expect_equal(unname(bridgesampling::post_prob(a, b)), c(0.8, 0.2), tolerance = 1e-6)
})

test_that("settings are checked, by name and value", {
  expect_error(riffle_fit(normal, dim = 2, sed = 1), "sed", class = "riffle_usage_error")
  expect_error(riffle_fit(normal, dim = 2, seed = -1), "seed", class = "riffle_usage_error")
  expect_error(riffle_fit(normal, dim = 2, max_seconds = -1), "max_seconds", class = "riffle_usage_error")
  expect_error(riffle_fit(normal, dim = 2, flow = "plannar:2"), "plannar", class = "riffle_usage_error")
  expect_error(riffle_fit(normal, dim = 2, flow = 3), class = "riffle_error")
  expect_match(riffle:::settings_toml(list(seed = 3, run.max_seconds = 1.5, flow = "a\"b", threads = NULL)),
               "seed = 3\nmax_seconds = 1.5\n\n[flow]\nlayers = \"a\\\"b\"", fixed = TRUE)
})

test_that("a fit survives saveRDS(), a target says that it does not", {
  fit <- riffle_fit(normal, dim = 2, seed = 1)
  path <- withr::local_tempfile()
  saveRDS(fit, path)
  again <- readRDS(path)
  expect_identical(again$draws(format = "matrix"), fit$draws(format = "matrix"))
  expect_identical(again$flow()$sample(5), fit$flow()$sample(5))
  expect_error(again$diagnose(), "another session")
  expect_equal(fit$diagnose()$verdict, "reliable")
})

test_that("loo takes log_lik", {
  skip_if_not_installed("loo")
  set.seed(1)
  y <- rnorm(20, 1)
  posterior <- function(x) structure(sum(dnorm(y, x, log = TRUE)), gradient = sum(y - x))
  values <- function(x) c(x, dnorm(y, x, log = TRUE))
  fit <- riffle_fit(posterior, dim = 1, constrain = values, parameters = 1,
                    names = c("mu", paste0("log_lik.", 1:20)), seed = 1)
  # Of a normal mean with known variance, a point left out has a closed form.
  exact <- sum(vapply(seq_along(y), function(i) dnorm(y[i], mean(y[-i]), sqrt(1 + 1 / 19), log = TRUE), 0))
  expect_equal(fit$loo()$estimates["elpd_loo", "Estimate"], exact, tolerance = 0.01)
})
