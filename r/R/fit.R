#' Fit a log density: draws, evidence and a verdict
#'
#' Without settings the fit finds out by itself what the target needs: a normal, a flow on top of it,
#' a component for each mode. With `flow` and the like it trains that flow as told.
#'
#' @param target,data,... what to fit, and what [riffle_target()] takes; `...` also takes any key of a
#'   spec, such as `run.evaluation_draws = 50000`.
#' @param seed of all random numbers; the same seed gives the same bits on any number of threads.
#'   Without it, one is drawn by R's generator, so that set.seed() rules.
#' @param threads 0: one for each core. Functions of R run on one.
#' @param n_draws how many draws the result holds.
#' @param max_seconds,max_gradients end within this budget, with what there is.
#' @param flow,base,objective,optimizer,schedule,iterations,batch,learning_rate train this flow, such as
#'   `"planar:16"`, by these settings.
#' @param fits independent fits to compare; the best is kept.
#' @param quiet say nothing; by default stages are told as they end, in interactive sessions.
#' @returns an object of class `riffle_fit`, of which `$` gives
#'   \describe{
#'   \item{`draws(variables, format, weights)`}{of the posterior, of package posterior where it is installed
#'     (`format`: `"draws_array"`, `"draws_matrix"`, `"draws_df"`, `"draws_rvars"`, or `"matrix"`). Equally
#'     weighted: as they are where the verdict is `reliable`, resampled by their importance weights
#'     elsewhere. With `weights = TRUE`: the raw draws, and their weights as posterior::weight_draws()
#'     keeps them.}
#'   \item{`summary(variables)`}{mean, sd, Monte Carlo error and quantiles, weighted where the verdict asks
#'     for it}
#'   \item{`log_z()`}{the evidence with its standard error, as an object of class `bridge` that
#'     bridgesampling::bf() and post_prob() take}
#'   \item{`verdict()`}{`reliable`, `reliable-after-reweighting` or `unreliable`, with reasons}
#'   \item{`loo()`}{loo::loo() of the values named `log_lik`}
#'   \item{`flow()`}{the trained flow: see [riffle_load_flow()]}
#'   \item{`diagnose(draws, seed)`}{weighs fresh draws anew}
#'   \item{`report`}{all figures, as a list}
#'   }
#' @examples
#' banana <- function(x) {
#'   structure(-x[1]^2 / 2 - 2 * (x[2] - x[1]^2)^2,
#'             gradient = c(-x[1] + 8 * x[1] * (x[2] - x[1]^2), -4 * (x[2] - x[1]^2)))
#' }
#' fit <- riffle_fit(banana, names = c("x", "y"), seed = 1)
#' fit
#' fit$log_z()
#' @export
riffle_fit <- function(target, data = NULL, ..., seed = NULL, threads = NULL, n_draws = NULL, max_seconds = NULL,
                       max_gradients = NULL, flow = NULL, base = NULL, objective = NULL, optimizer = NULL,
                       schedule = NULL, iterations = NULL, batch = NULL, learning_rate = NULL, fits = NULL,
                       quiet = !interactive()) {
  others <- list(...)
  of_target <- names(others) %in% names(formals(riffle_target))
  target <- do.call(riffle_target, c(list(target, data = data, quiet = quiet), others[of_target]))
  toml <- settings_toml(c(
    list(seed = seed_or_random(seed), threads = threads, n_draws = n_draws, max_seconds = max_seconds,
         max_gradients = max_gradients, flow = flow, base = base, objective = objective, optimizer = optimizer,
         schedule = schedule, iterations = iterations, batch = batch, learning_rate = learning_rate, fits = fits),
    others[!of_target]
  ))
  report <- calling(target$state, .Call(riffle_r_fit, target$handle, toml, if (quiet) NULL else tell_stage))
  new_fit(report, target)
}

#' Learn the density of points
#'
#' By maximum likelihood; every tenth point is held out to stop it.
#' @param points a numeric matrix or data frame with a row a point; names of columns are kept.
#' @param ...,seed,threads,flow,iterations,quiet as of [riffle_fit()].
#' @returns an object of class `riffle_fit`, with `draws()`, `flow()` and `report`.
#' @examples
#' fit <- riffle_fit_samples(faithful, seed = 1, iterations = 500)
#' fit$report$log_likelihood
#' @export
riffle_fit_samples <- function(points, ..., seed = NULL, threads = NULL, flow = NULL, iterations = NULL,
                               quiet = !interactive()) {
  if (is.data.frame(points)) {
    bad <- names(points)[!vapply(points, is.numeric, NA)]
    if (length(bad)) stop_riffle(paste0("column ", bad[1L], " holds no numbers"))
    points <- as.matrix(points)
  }
  if (!is.matrix(points) || !is.numeric(points)) stop_riffle("points should be a matrix of numbers, a row a point")
  names <- colnames(points)
  columns <- t(points)
  storage.mode(columns) <- "double"
  toml <- settings_toml(c(list(seed = seed_or_random(seed), threads = threads, flow = flow, iterations = iterations),
                          list(...)))
  new_fit(.Call(riffle_r_fit_samples, columns, names, toml, if (quiet) NULL else tell_stage), NULL)
}

tell_stage <- function(name, message, gradients, seconds) {
  message(formatC(name, width = -8), message, sprintf(" (%.1f s)", seconds))
}

# All that a report has is copied, the flow as the text of its file, so that a fit survives saveRDS().
new_fit <- function(report, target) {
  figures <- jsonlite::fromJSON(.Call(riffle_r_report_json, report), simplifyDataFrame = FALSE)
  found <- list(values = value_matrix(report), log_weights = raw_log_weights(report))
  flow_file <- flow_bytes(report)
  self <- new.env(parent = emptyenv())
  self$report <- figures
  self$target <- target
  self$draws <- function(variables = NULL, format = NULL, weights = FALSE) {
    fit_draws(found, figures, variables, format, weights)
  }
  self$summary <- function(variables = NULL) fit_summary(found, figures, variables)
  self$log_z <- function() log_evidence(figures)
  self$verdict <- function() fit_verdict(figures)
  self$loo <- function(...) fit_loo(self, ...)
  self$flow <- function() flow_of_bytes(flow_file)
  self$diagnose <- function(draws = 20000, seed = 1) {
    if (is.null(target)) stop_riffle("the density of points has no target to diagnose against")
    json <- calling(target$state, .Call(riffle_r_diagnose, flow_of_bytes(flow_file)$handle, target$handle,
                                        one_number(draws, "draws", 1, 1e9, TRUE),
                                        one_number(seed, "seed", 0, 2^53, TRUE)))
    jsonlite::fromJSON(json, simplifyDataFrame = FALSE)
  }
  lockEnvironment(self)
  structure(self, class = "riffle_fit")
}

report_names <- function(report, values, n) .Call(riffle_r_report_names, report, values, as.integer(n))

# theta.1.2 as package posterior writes it.
bracketed_names <- function(names) {
  indexed <- grepl("[.][0-9]+$", names)
  stem <- sub("([.][0-9]+)+$", "", names)
  index <- substring(names, nchar(stem) + 2L)
  names[indexed] <- paste0(stem[indexed], "[", gsub(".", ",", index[indexed], fixed = TRUE), "]")
  names
}

# Values of the draws, a row a draw, with names: of the model where it has any, else coordinates.
value_matrix <- function(report) {
  values <- .Call(riffle_r_report_array, report, "values")
  of_model <- !is.null(values)
  if (!of_model) values <- .Call(riffle_r_report_array, report, "draws")
  names <- report_names(report, of_model, nrow(values))
  values <- t(values)
  colnames(values) <- bracketed_names(ifelse(names == "", paste0("z.", seq_along(names)), names))
  values
}

raw_log_weights <- function(report) {
  weights <- .Call(riffle_r_report_array, report, "log_weights")
  if (is.null(weights)) NULL else as.vector(weights)
}

selected <- function(values, variables) {
  if (is.null(variables)) return(values)
  stems <- sub("\\[.*", "", colnames(values))
  unknown <- setdiff(variables, c(stems, colnames(values)))
  if (length(unknown)) {
    stop_riffle(paste0("there is no variable ", unknown[1L], "; there are ", paste(unique(stems), collapse = ", ")))
  }
  values[, unlist(lapply(variables, function(v) which(colnames(values) == v | stems == v))), drop = FALSE]
}

# Systematic resampling; which rows to take. Uses no random number: the draws are independent, and in
# no order, so that a fixed offset serves.
resampled_rows <- function(log_weights) {
  w <- exp(log_weights - max(log_weights))
  n <- length(w)
  findInterval((seq_len(n) - 0.5) / n, c(0, cumsum(w) / sum(w)), rightmost.closed = TRUE)
}

fit_draws <- function(found, figures, variables, format, weights) {
  values <- selected(found$values, variables)
  log_weights <- found$log_weights
  has_posterior <- requireNamespace("posterior", quietly = TRUE)
  if (is.null(format)) format <- if (has_posterior) "draws_array" else "matrix"
  formats <- c("draws_array", "draws_matrix", "draws_df", "draws_rvars", "draws_list", "matrix")
  if (!format %in% formats) {
    stop_riffle(paste0("there is no format \"", format, "\"; there are ", paste(formats, collapse = ", ")))
  }
  if (weights && is.null(log_weights)) stop_riffle("these draws have no weights: nothing was to be weighted")
  if (!weights && !is.null(log_weights) && !identical(figures$verdict, "reliable") && any(is.finite(log_weights))) {
    values <- values[resampled_rows(ifelse(is.nan(log_weights), -Inf, log_weights)), , drop = FALSE]
  }
  if (format == "matrix") {
    return(if (weights) cbind(values, .log_weight = log_weights) else values)
  }
  need_package("posterior", paste0("draws(format = \"", format, "\")"))
  draws <- posterior::as_draws_matrix(values)
  if (weights) draws <- posterior::weight_draws(draws, log_weights, log = TRUE)
  switch(format, draws_matrix = draws, draws_array = posterior::as_draws_array(draws),
         draws_df = posterior::as_draws_df(draws), draws_list = posterior::as_draws_list(draws),
         draws_rvars = posterior::as_draws_rvars(draws))
}

fit_summary <- function(found, figures, variables) {
  rows <- figures$parameters
  if (!is.list(rows) || !length(rows)) {
    values <- selected(found$values, variables)
    quantiles <- apply(values, 2L, stats::quantile, c(0.05, 0.5, 0.95), names = FALSE)
    table <- data.frame(variable = colnames(values), mean = colMeans(values), sd = apply(values, 2L, stats::sd),
                        mcse = apply(values, 2L, stats::sd) / sqrt(nrow(values)),
                        q5 = quantiles[1L, ], q50 = quantiles[2L, ], q95 = quantiles[3L, ])
    row.names(table) <- NULL
    return(table)
  }
  names <- bracketed_names(names(rows))
  column <- function(key) vapply(rows, function(row) if (is.null(row[[key]])) NA_real_ else as.double(row[[key]]), 0)
  table <- data.frame(variable = names, mean = column("mean"), sd = column("sd"), mcse = column("mcse"),
                      q5 = column("q5"), q50 = column("q50"), q95 = column("q95"))
  if (!is.null(variables)) {
    index <- matrix(seq_along(names), 1L, dimnames = list(NULL, names))
    table <- table[selected(index, variables), ]
    row.names(table) <- NULL
  }
  table
}

fit_verdict <- function(figures) {
  if (is.null(figures$verdict)) return(NULL)
  structure(figures$verdict, reasons = figures$verdict_reasons, warnings = figures$warnings, class = "riffle_verdict")
}

#' @export
print.riffle_verdict <- function(x, ...) {
  cat("verdict: ", unclass(x), "\n", sep = "")
  for (reason in c(attr(x, "reasons"), attr(x, "warnings"))) {
    cat(strwrap(reason, width = 0.9 * getOption("width"), initial = "  - ", prefix = "    "), sep = "\n")
  }
  invisible(x)
}

fit_loo <- function(fit, ...) {
  need_package("loo", "loo()")
  log_lik <- fit$draws("log_lik", format = "matrix")
  suppressWarnings(loo::loo(log_lik, r_eff = rep(1, ncol(log_lik)), ...))
}

#' @export
print.riffle_fit <- function(x, ...) {
  figures <- x$report
  cat("<riffle_fit> ", figures$target, ", ", figures$dim,
      if (figures$dim == 1L) " coordinate" else " coordinates", ": ", figures$flow, "\n", sep = "")
  if (!is.null(figures$verdict)) {
    print(x$log_z())
    print(x$verdict())
  } else if (!is.null(figures$log_likelihood)) {
    cat(sprintf("log likelihood a point %.4f +- %.4f%s\n", figures$log_likelihood,
                if (is.null(figures$log_likelihood_se)) NA else figures$log_likelihood_se,
                if (isTRUE(figures$held_out > 0)) " (held out)" else ""))
  } else if (!is.null(figures$elbo)) {
    cat(sprintf("ELBO %.4f +- %.4f\n", figures$elbo, figures$elbo_se))
  }
  table <- x$summary()
  shown <- utils::head(table, 12L)
  print(shown, digits = 3, row.names = FALSE)
  if (nrow(table) > nrow(shown)) cat("... and ", nrow(table) - nrow(shown), " more: $summary()\n", sep = "")
  invisible(x)
}

#' @export
summary.riffle_fit <- function(object, ...) object$summary(...)

#' @export
as.data.frame.riffle_fit <- function(x, row.names = NULL, optional = FALSE, ...) {
  as.data.frame(x$draws(format = "matrix"), row.names = row.names, optional = optional)
}
