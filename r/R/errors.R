# What riffle/c.h calls the codes of its errors, as classes of conditions.
error_classes <- c(
  "64" = "riffle_usage_error", "65" = "riffle_data_error", "66" = "riffle_no_input",
  "70" = "riffle_internal_error", "71" = "riffle_no_memory", "73" = "riffle_cannot_create",
  "74" = "riffle_io_error", "76" = "riffle_callback_error", "130" = "riffle_cancelled"
)

# Called from C with the library's message; never returns.
stop_riffle <- function(message, code = 64L) {
  class <- error_classes[as.character(code)]
  if (is.na(class)) class <- "riffle_internal_error"
  stop(errorCondition(message, code = code, class = c(unname(class), "riffle_error"), call = NULL))
}

need_package <- function(package, what) {
  if (!requireNamespace(package, quietly = TRUE)) {
    stop_riffle(paste0(what, " needs the package ", package, ": install.packages(\"", package, "\")"))
  }
}

# One number, whole where it has to be, in [low, high].
one_number <- function(x, what, low = -Inf, high = Inf, whole = FALSE) {
  if (!is.numeric(x) || length(x) != 1L || is.na(x) || x < low || x > high || (whole && x != round(x))) {
    range <- if (is.finite(high)) paste0(" of ", low, " to ", format(high, scientific = FALSE))
             else if (is.finite(low)) paste0(" of at least ", low) else ""
    stop_riffle(paste0(what, " should be one ", if (whole) "whole " else "", "number", range, ", not ",
                       paste(deparse(x, width.cutoff = 60L)[1L], collapse = " ")))
  }
  as.double(x)
}

one_text <- function(x, what) {
  if (!is.character(x) || length(x) != 1L || is.na(x)) {
    stop_riffle(paste0(what, " should be one text, not ", deparse(x, width.cutoff = 60L)[1L]))
  }
  x
}
