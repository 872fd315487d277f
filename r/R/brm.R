#' Fit a model of brms
#'
#' brms writes the Stan program and its data; Riffle fits it. brms keeps all constants, so that the evidence is one
#' where every prior is proper: flat priors, as brms' own for slopes, have none, and a warning says so.
#' @param formula,data,family,prior as of brms::brm().
#' @param ... further arguments of brms::make_stancode() and make_standata() with a name that they have, and of
#'   [riffle_fit()].
#' @returns an object of class `riffle_fit`; parameters have the names of brms' Stan program (`b`, `sd_1`, ...),
#'   with `$stancode` and `$standata`.
#' @examples
#' \dontrun{
#' fit <- riffle_brm(count ~ zAge + (1 | patient), brms::epilepsy, family = poisson(),
#'                   prior = brms::prior(normal(0, 1), class = b))
#' fit$log_z()
#' }
#' @export
riffle_brm <- function(formula, data, prior = NULL, family = stats::gaussian(), ...) {
  need_package("brms", "riffle_brm()")
  others <- list(...)
  of_brms <- names(others) %in% c("autocor", "data2", "knots", "sample_prior", "sparse", "stanvars", "threads_per_chain")
  given <- c(list(formula = formula, data = data, family = family), if (!is.null(prior)) list(prior = prior),
             others[of_brms])
  code <- do.call(brms::make_stancode, given)
  data_list <- unclass(do.call(brms::make_standata, given))
  attributes(data_list) <- list(names = names(data_list))
  flat <- flat_priors(given)
  if (length(flat)) {
    warning("the prior of ", paste(flat, collapse = ", "), " is flat and improper: log Z is no evidence; ",
            "set a prior to compare models", call. = FALSE)
  }
  do.call(riffle_fit, c(list(as.character(code), data = data_list), others[!of_brms]))
}

# Classes of coefficients whose prior is flat, as brms tells of them.
flat_priors <- function(given) {
  table <- do.call(brms::get_prior, given[intersect(names(given), c("formula", "data", "family", "autocor", "data2"))])
  set <- given$prior
  is_set <- function(class) !is.null(set) && any(set$class == class & nzchar(set$prior))
  flat <- unique(table$class[table$prior == "" & table$coef == "" & table$group == ""])
  flat[!vapply(flat, is_set, NA) & flat == "b"]
}
