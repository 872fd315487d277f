#!/usr/bin/env Rscript
# Prints the table of tests/diagnostics/golden_bridge.inc: what R's bridgesampling makes of draws that a
# formula gives, the same one as in tests/diagnostics/bridge_test.cpp. Needs bridgesampling from CRAN or
# Debian (r-cran-bridgesampling).
#
#     tools/golden_bridge.R > tests/diagnostics/golden_bridge.inc
#
# ln Z is the package's own. The two terms of the relative mean squared error are by its formula for
# independent draws: version 1.1 multiplies the second by a spectral density that is not normalised.

suppressPackageStartupMessages(library(bridgesampling))

state <- 0
uniform <- function() {
  state <<- (1664525 * state + 1013904223) %% 2^32
  (state + 0.5) / 2^32
}
normal <- function() {
  u <- uniform()
  v <- uniform()
  sqrt(-2 * log(u)) * cos(2 * pi * v)
}
normals <- function(n, seed) {
  state <<- seed
  vapply(seq_len(n), function(i) normal(), 0)
}

# p is a standard normal of which ln p is known but for `offset`; q is a normal.
bridge <- function(name, n_p, n_q, mean, sd, offset, worth) {
  x_p <- normals(n_p, 101)
  x_q <- mean + sd * normals(n_q, 202)
  log_p <- function(x) offset - x^2 / 2
  log_q <- function(x) dnorm(x, mean, sd, log = TRUE)
  found <- bridgesampling:::.run.iterative.scheme(
    q11 = log_p(x_p), q12 = log_q(x_p), q21 = log_p(x_q), q22 = log_q(x_q), r0 = 0.5, tol = 1e-14,
    L = NULL, method = "normal", maxiter = 10000, silent = TRUE, criterion = "r", neff = worth)
  s <- worth / (worth + n_q)
  ratio <- function(x) exp(log_p(x) - found$logml - log_q(x))
  f1 <- ratio(x_q) / (s * ratio(x_q) + 1 - s)
  f2 <- 1 / (s * ratio(x_p) + 1 - s)
  cat(sprintf("{\"%s\", %d, %d, %.17g, %.17g, %.17g, %.17g,\n %.16g, %.14g, %.14g},\n",
              name, n_p, n_q, mean, sd, offset, worth,
              found$logml, var(f1) / mean(f1)^2 / n_q, var(f2) / mean(f2)^2 / n_p))
}

cat("// By tools/golden_bridge.R, bridgesampling", format(packageVersion("bridgesampling")), "\n")
bridge("near", 1000, 1000, 0.3, 1.2, 0, 1000)
bridge("narrow", 1000, 1000, 0, 0.5, 3, 1000)
bridge("wide", 500, 2000, 0, 4, -7, 500)
bridge("far", 1000, 1000, 3, 1, 0.5, 1000)
bridge("few-of-p", 60, 3000, 0.5, 1, 0, 60)
bridge("worth-less", 1000, 1000, 0.3, 1.2, 0, 137.5)
bridge("offset", 400, 400, -0.5, 1.5, -12345.678, 400)
