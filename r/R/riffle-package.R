#' riffle: variational inference with normalizing flows
#'
#' [riffle_fit()] fits a log density, [riffle_fit_samples()] a table of points, [riffle_brm()] a model of brms.
#' @useDynLib riffle, .registration = TRUE
#' @keywords internal
"_PACKAGE"
