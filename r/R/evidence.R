# The evidence as an object of class "bridge", of which bridgesampling's bf() and post_prob() read
# `logml`.
log_evidence <- function(figures) {
  if (is.null(figures$log_z)) stop_riffle("this fit has no evidence: only one of a posterior without settings has")
  structure(list(logml = figures$log_z, se = figures$log_z_se, elbo = figures$elbo, niter = 1L, method = "riffle",
                 verdict = figures$verdict, up_to_a_constant = isTRUE(figures$log_z_up_to_a_constant)),
            class = c("riffle_log_z", "bridge"))
}

#' @export
print.riffle_log_z <- function(x, ...) {
  cat(sprintf("log Z %.4f +- %.4f%s%s\n", x$logml, x$se, if (x$up_to_a_constant) ", up to a constant" else "",
              if (identical(x$verdict, "unreliable")) " (unreliable)" else ""))
  invisible(x)
}

#' @export
summary.riffle_log_z <- function(object, ...) {
  data.frame(log_z = object$logml, se = object$se, elbo = object$elbo, verdict = object$verdict)
}
