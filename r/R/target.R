#' Something to fit: an unnormalised log density
#'
#' Most users hand what a target is made of to [riffle_fit()] itself. A target of its own serves for
#' [check_gradient()], for several fits, and to look at ln p.
#'
#' @param target one of
#'   - the path of a Stan program (`.stan`), which is compiled, or of a library with BridgeStan's
#'     interface (`.so`);
#'   - the text of a Stan program;
#'   - a function that returns ln p: see below;
#'   - a formula of R whose right side is ln p, in the grammar of Riffle's formulas:
#'     `~ -x^2/2 - (y - x^2)^2`;
#'   - the name of a built-in target, such as `"funnel"`.
#' @param data of a Stan program: a list, or JSON as a text, or the path of a `.json` file.
#' @param dim of a function: the number of its coordinates.
#' @param names of a function: names of its coordinates, or of the values of `constrain`; names with
#'   indices (`theta[1]` or `theta.1`) are elements of arrays.
#' @param gradient of a function: another one that returns the gradient of ln p at a point. Without
#'   it, and without an attribute `"gradient"` of what `target` returns, gradients are taken by
#'   central differences (4 dim evaluations each), and a message says so.
#' @param constrain of a function: one that takes a point to the values of interest, on their own
#'   scale; the first `parameters` of them are parameters, the others computed from them.
#' @param parameters how many of the values of `constrain` are parameters; all by default.
#' @param vectorized of a function: whether it takes a matrix with a row a point, and returns a
#'   vector, with a matrix as attribute `"gradient"` (or of `gradient`), a row a point.
#' @param normalized of a function: whether ln p has all its constants (a likelihood times a prior
#'   that integrates to 1), so that log Z is an evidence.
#' @param options of a built-in target: a list, such as `list(dim = 5)`.
#' @param seed of random numbers in the transformed data of a Stan program.
#' @param generated_quantities of a Stan program: whether they are computed.
#' @param quiet say nothing.
#'
#' @details A function of R gets a numeric vector of length `dim` and returns one number, ln p up to
#'   a constant, for all of R^dim: parameters that are bounded are to be transformed, with the
#'   Jacobian. `-Inf` is outside the support; `NA` or `NaN` is a point that failed, which is counted
#'   and reported. An error of the function ends the fit, and is raised as it is.
#' @returns an object of class `riffle_target`: `$dim`, `$log_density(points)` and
#'   `$gradient(points)`, where points are a vector of length dim or a matrix with a row a point.
#' @examples
#' target <- riffle_target(~ -x^2/2 - 2*(y - x^2)^2)
#' target$log_density(c(1, 1))
#' check_gradient(target)
#' @export
riffle_target <- function(target, data = NULL, dim = NULL, names = NULL, gradient = NULL, constrain = NULL,
                          parameters = NULL, vectorized = FALSE, normalized = FALSE, options = NULL, seed = 1,
                          generated_quantities = TRUE, quiet = FALSE) {
  if (inherits(target, "riffle_target")) return(target)
  made <- if (is.function(target)) {
    function_target(target, dim, names, gradient, constrain, parameters, vectorized, normalized, quiet)
  } else if (inherits(target, "formula")) {
    formula_target(target, names)
  } else if (inherits(target, "stanmodel")) {
    stan_target(target@model_code, data, seed, generated_quantities, quiet)
  } else {
    one_text(target, "target")
    if (grepl("[.](stan|so|dylib)$", target)) stan_target(target, data, seed, generated_quantities, quiet)
    else if (grepl("[\n{]", target)) stan_target(target, data, seed, generated_quantities, quiet)
    else list(handle = .Call(riffle_r_target_built_in, target, settings_section(options)), what = target)
  }
  new_target(made)
}

new_target <- function(made) {
  handle <- made$handle
  state <- made$state
  dim <- .Call(riffle_r_target_dim, handle)
  evaluate <- function(points) {
    points <- point_columns(points, dim)
    calling(state, .Call(riffle_r_target_evaluate, handle, points))
  }
  self <- list(
    handle = handle, what = made$what, dim = dim, state = state,
    log_density = function(points) evaluate(points)$log_density,
    gradient = function(points) {
      gradient <- evaluate(points)$gradient
      if (is.matrix(points)) t(gradient) else as.vector(gradient)
    }
  )
  structure(self, class = "riffle_target")
}

#' @export
print.riffle_target <- function(x, ...) {
  cat("<riffle_target> ", x$what, ", ", x$dim, if (x$dim == 1L) " coordinate\n" else " coordinates\n", sep = "")
  invisible(x)
}

# Options as the inside of a section of TOML.
settings_section <- function(options) {
  if (is.null(options)) return(NULL)
  if (!is.list(options) || is.null(names(options))) {
    stop_riffle("options should be a list with names, such as list(dim = 5)")
  }
  paste0(names(options), " = ", mapply(toml_value, options, names(options)), collapse = "\n")
}

formula_target <- function(formula, names) {
  if (length(formula) != 2L) {
    stop_riffle("the formula should have a right side only, which is ln p: ~ -x^2/2 - y^2/2")
  }
  text <- paste(deparse(formula[[2L]], width.cutoff = 500L), collapse = " ")
  coordinates <- if (is.null(names)) NULL else paste(names, collapse = ",")
  list(handle = .Call(riffle_r_target_formula, text, TRUE, coordinates), what = paste("ln p =", text))
}

# RIFFLE_NO_GENERATED and RIFFLE_QUIET of riffle/c.h.
no_generated_flag <- 4L
quiet_flag <- 8L

stan_target <- function(program, data, seed, generated_quantities, quiet) {
  what <- "Stan program"
  if (grepl("[\n{]", program)) {
    # The compiler keeps libraries by the program's text, so a file that is gone costs nothing.
    path <- file.path(tempdir(), paste0("model_", text_digest(program), ".stan"))
    if (!file.exists(path)) writeLines(enc2utf8(program), path, useBytes = TRUE)
  } else {
    path <- normalizePath(program, mustWork = FALSE)
    if (!file.exists(path)) stop_riffle(paste0("there is no file ", program), 66L)
    what <- paste("Stan model", basename(path))
  }
  flags <- (if (generated_quantities) 0L else no_generated_flag) + (if (quiet) quiet_flag else 0L)
  list(handle = .Call(riffle_r_target_stan, path, stan_json(data), one_number(seed, "seed", 0, 2^53, TRUE), flags),
       what = what)
}

# A name for a text that two texts do not share by chance.
text_digest <- function(text) {
  file <- tempfile()
  on.exit(unlink(file))
  writeLines(enc2utf8(text), file, useBytes = TRUE)
  unname(tools::md5sum(file))
}

# Data for Stan as JSON: vectors of length one are scalars, unless they are arrays (as.array(x), as
# rstan has it); factors and logicals are numbers.
stan_json <- function(data) {
  if (is.null(data)) return(NULL)
  if (is.character(data)) {
    one_text(data, "data")
    if (grepl("[.]json$", data)) {
      if (!file.exists(data)) stop_riffle(paste0("there is no file ", data), 66L)
      return(normalizePath(data))
    }
    return(data)
  }
  if (is.environment(data)) data <- as.list(data)
  if (!is.list(data) || (length(data) && (is.null(names(data)) || any(names(data) == "")))) {
    stop_riffle("data should be a list with names, JSON, or the path of a .json file")
  }
  values <- vapply(names(data), function(name) {
    x <- data[[name]]
    if (is.data.frame(x)) x <- as.matrix(x)
    if (is.factor(x)) x <- as.integer(x)
    scalar <- is.atomic(x) && length(x) == 1L && is.null(dim(x))
    if (scalar) json_numbers(x, name) else json_arrays(x, name)
  }, "")
  paste0("{", paste0(vapply(names(data), function(name) as.character(jsonlite::toJSON(name, auto_unbox = TRUE)), ""),
                     ":", values, collapse = ","), "}")
}

# Numbers that read back as the same bits, for which jsonlite writes two digits too few.
json_numbers <- function(x, name) {
  if (!is.numeric(x) && !is.logical(x)) {
    stop_riffle(paste0("data$", name, " is of type ", class(x)[1L], ", and Stan takes numbers"))
  }
  if (any(is.na(x) & !is.nan(x))) {
    stop_riffle(paste0("data$", name, " has missing values (NA), which Stan does not take"))
  }
  text <- if (is.double(x)) formatC(x, digits = 17L, format = "g", width = 1L) else as.character(as.integer(x))
  ifelse(is.finite(x), text, paste0("\"", trimws(text), "\""))
}

# Rows outermost, as CmdStan has it; lists are arrays of arrays.
json_arrays <- function(x, name) {
  parts <- if (is.list(x)) vapply(x, json_arrays, "", name)
           else if (length(dim(x)) < 2L) json_numbers(as.vector(x), name)
           else if (dim(x)[1L] == 0L) character(0)
           else apply(x, 1L, json_arrays, name)
  paste0("[", paste(parts, collapse = ","), "]")
}

function_target <- function(f, dim, names, gradient, constrain, parameters, vectorized, normalized, quiet) {
  if (is.null(dim)) {
    if (is.null(names) || !is.null(constrain)) {
      stop_riffle("a function needs dim, the number of its coordinates, or their names")
    }
    dim <- length(names)
  }
  dim <- one_number(dim, "dim", 1, 1e6, whole = TRUE)
  if (!is.null(gradient) && !is.function(gradient)) stop_riffle("gradient should be a function")
  if (!is.null(constrain) && !is.function(constrain)) stop_riffle("constrain should be a function")

  # What went wrong in a callback is kept here, and raised when the library has returned.
  state <- new.env(parent = emptyenv())
  state$condition <- NULL
  state$differences <- FALSE

  values <- NULL
  if (!is.null(constrain)) {
    example <- constrain(numeric(dim))
    if (!is.numeric(example) || !length(example)) stop_riffle("constrain should return a vector of numbers")
    if (is.null(names)) names <- base::names(example)
    if (is.null(names)) names <- paste0("value.", seq_along(example))
    if (length(names) != length(example)) {
      stop_riffle(paste0("there are ", length(names), " names, and constrain returns ", length(example), " values"))
    }
    values <- function(point) as.double(constrain(point))
  } else if (!is.null(names) && length(names) != dim) {
    stop_riffle(paste0("there are ", length(names), " names of ", dim, " coordinates"))
  }
  if (!is.null(names)) names <- dotted_names(names)
  if (is.null(parameters)) parameters <- length(names)
  parameters <- one_number(parameters, "parameters", 0, length(names), whole = TRUE)

  evaluate <- if (vectorized) rows_evaluator(f, gradient, dim, state) else point_evaluator(f, gradient, dim, state)
  tried <- evaluate(matrix(0, dim, 1L)) # errors of arguments show here, as themselves
  if (state$differences && !quiet) {
    message("No gradient is given: it is taken by differences, ", 4 * dim, " evaluations each.")
  }
  handle <- .Call(riffle_r_target_function, as.integer(dim), guarded(evaluate, state),
                  if (is.null(values)) NULL else guarded(values, state), names, as.integer(parameters),
                  isTRUE(normalized))
  list(handle = handle, what = "function of R", state = state)
}

# theta[1,2] and theta.1.2 are one element of an array; reports write the latter.
dotted_names <- function(names) {
  names <- as.character(names)
  indexed <- grepl("^[^]\\[]+\\[[0-9, ]+\\]$", names)
  names[indexed] <- gsub("[, ]+", ".", sub("\\]$", "", sub("\\[", ".", names[indexed])))
  names
}

# An error becomes a NULL, which ends the call that asked. Ctrl-C waits until f has returned, and is noted for
# the library to ask for; what it broke off all the same, as it does Sys.sleep(), is evaluated again.
guarded <- function(f, state) {
  function(points) {
    repeat {
      result <- NULL
      broken_off <- FALSE
      tryCatch(suspendInterrupts(result <- f(points)),
               error = function(condition) state$condition <- condition,
               interrupt = function(condition) {
                 broken_off <<- TRUE
                 .Call(riffle_r_note_interrupt)
               })
      if (!broken_off || !is.null(result)) return(result)
    }
  }
}

# Evaluates a .Call into the library; an error of a function of R that it called is raised as itself.
calling <- function(state, expression) {
  if (is.null(state)) return(expression)
  state$condition <- NULL
  tryCatch(expression, riffle_callback_error = function(error) {
    stop(if (is.null(state$condition)) error else state$condition)
  })
}

# A gradient that `f` gives itself, in the attribute that stats::deriv() sets.
checked_value <- function(value, n, what) {
  if (is.logical(value) && all(is.na(value))) value <- as.double(value)
  if (!is.numeric(value) || length(value) != n) {
    stop_riffle(paste0(what, " returned ", if (is.null(value)) "NULL" else
      paste0(class(value)[1L], " of length ", length(value)), ", where ",
      if (n == 1L) "one number is wanted" else paste(n, "numbers are wanted")))
  }
  as.double(value)
}

point_evaluator <- function(f, gradient, dim, state) {
  function(points) {
    n <- ncol(points)
    logp <- numeric(n)
    grad <- matrix(0, dim, n)
    for (i in seq_len(n)) {
      x <- points[, i]
      value <- f(x)
      logp[i] <- checked_value(value, 1L, "the log density")
      own <- attr(value, "gradient")
      grad[, i] <- if (!is.null(gradient)) checked_value(gradient(x), dim, "the gradient")
                   else if (!is.null(own)) checked_value(own, dim, "the attribute \"gradient\"")
                   else {
                     state$differences <- TRUE
                     differences(function(y) checked_value(f(y), 1L, "the log density"), x)
                   }
    }
    list(logp, grad)
  }
}

rows_evaluator <- function(f, gradient, dim, state) {
  rows_checked <- function(value, n, what) {
    if (n == 1L && is.numeric(value) && length(value) == dim) value <- matrix(value, 1L)
    if (!is.numeric(value) || !identical(as.integer(base::dim(value)), c(n, as.integer(dim)))) {
      stop_riffle(paste0(what, " returned ", if (is.null(base::dim(value))) paste("length", length(value)) else
        paste(base::dim(value), collapse = " x "), ", where a matrix ", n, " x ", dim, " is wanted"))
    }
    t(value)
  }
  function(points) {
    rows <- t(points)
    n <- nrow(rows)
    value <- f(rows)
    logp <- checked_value(value, n, "the log density")
    own <- attr(value, "gradient")
    grad <- if (!is.null(gradient)) rows_checked(gradient(rows), n, "the gradient")
            else if (!is.null(own)) rows_checked(own, n, "the attribute \"gradient\"")
            else {
              state$differences <- TRUE
              t(row_differences(f, rows))
            }
    list(logp, grad)
  }
}

# Central differences of order four, with steps near the fifth root of the rounding unit.
difference_step <- .Machine$double.eps^(1 / 5)

differences <- function(f, x) {
  vapply(seq_along(x), function(d) {
    h <- difference_step * max(1, abs(x[d]))
    at <- function(step) { x[d] <- x[d] + step; f(x) }
    (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
  }, 0)
}

row_differences <- function(f, rows) {
  vapply(seq_len(ncol(rows)), function(d) {
    h <- difference_step * pmax(1, abs(rows[, d]))
    at <- function(steps) { rows[, d] <- rows[, d] + steps * h; checked_value(f(rows), nrow(rows), "the log density") }
    (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
  }, numeric(nrow(rows))) |> matrix(nrow(rows))
}

# Points of a user, rows or one vector, as the library takes them: a column a point.
point_columns <- function(points, dim) {
  if (is.data.frame(points)) points <- as.matrix(points)
  if (!is.numeric(points)) stop_riffle(paste0("points should be numbers, not ", class(points)[1L]))
  if (is.matrix(points)) {
    if (ncol(points) != dim) {
      stop_riffle(paste0("points have ", ncol(points), " columns, and there are ", dim, " coordinates"))
    }
    columns <- t(points)
  } else {
    if (length(points) != dim) {
      stop_riffle(paste0("a point has ", length(points), " numbers, and there are ", dim, " coordinates"))
    }
    columns <- matrix(points, dim, 1L)
  }
  storage.mode(columns) <- "double"
  dimnames(columns) <- NULL
  columns
}

#' Is a gradient that of its log density?
#'
#' Compares with differences (Richardson's) at random points of (-2, 2)^dim.
#' @param target as [riffle_fit()] takes it.
#' @param points how many.
#' @param seed of their positions.
#' @param ... as of [riffle_target()].
#' @returns a list of class `riffle_gradient_check`: `passed`, and of each coordinate that is wrong
#'   `coordinate` (from 1), `given` and `difference`.
#' @export
check_gradient <- function(target, points = 8, seed = 1, ...) {
  target <- riffle_target(target, ...)
  json <- calling(target$state, .Call(riffle_r_check_gradient, target$handle,
                                      one_number(points, "points", 1, 1e6, TRUE), one_number(seed, "seed", 0, 2^53, TRUE)))
  found <- jsonlite::fromJSON(json)
  if (length(found$faults)) found$faults$coordinate <- found$faults$coordinate + 1L
  structure(found, class = "riffle_gradient_check")
}

#' @export
print.riffle_gradient_check <- function(x, ...) {
  cat(if (isTRUE(x$passed)) "The gradient is that of ln p" else "The gradient is NOT that of ln p",
      " (", x$compared, " comparisons at ", x$points, " points)\n", sep = "")
  if (length(x$faults)) print(x$faults[c("coordinate", "given", "difference")], row.names = FALSE)
  invisible(x)
}
