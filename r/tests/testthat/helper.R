# ln p of a banana, whose integral is pi, with its gradient.
banana <- function(x) {
  bend <- x[1]^2 - x[2]
  structure(-x[1]^2 / 2 - 2 * bend^2, gradient = c(-x[1] - 8 * x[1] * bend, 4 * bend))
}
banana_rows <- function(x) {
  bend <- x[, 1]^2 - x[, 2]
  structure(-x[, 1]^2 / 2 - 2 * bend^2, gradient = cbind(-x[, 1] - 8 * x[, 1] * bend, 4 * bend))
}
normal <- function(x) structure(-sum(x^2) / 2, gradient = -x)
