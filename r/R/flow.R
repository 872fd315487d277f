#' A trained flow
#'
#' @param path of a file `model.riffle`, which `$save()` and the command line write.
#' @returns an object of class `riffle_flow`: `$dim`, `$info` (a list), `$sample(n, seed, first)` (a matrix
#'   with a row a draw; attribute `log_q`), `$log_prob(points)`, `$score(points)`, `$to_base(points)` and
#'   `$from_base(points)` (attribute `log_det`), `$save(path)`, `$check(draws, seed)` (a data frame). Points are
#'   matrices with a row a point, or a vector.
#' @examples
#' fit <- riffle_fit("crescents", flow = "planar:4", iterations = 200, seed = 1)
#' flow <- fit$flow()
#' path <- tempfile(fileext = ".riffle")
#' flow$save(path)
#' identical(riffle_load_flow(path)$sample(3, seed = 1), flow$sample(3, seed = 1))
#' @export
riffle_load_flow <- function(path) new_flow(.Call(riffle_r_flow_load, one_text(path, "path")))

# The flow of a report as the bytes of its file, and back.
flow_bytes <- function(report) {
  path <- tempfile(fileext = ".riffle")
  on.exit(unlink(path))
  .Call(riffle_r_flow_save, .Call(riffle_r_report_flow, report), path)
  readBin(path, "raw", file.size(path))
}

flow_of_bytes <- function(bytes) {
  path <- tempfile(fileext = ".riffle")
  on.exit(unlink(path))
  writeBin(bytes, path)
  riffle_load_flow(path)
}

new_flow <- function(handle) {
  info <- jsonlite::fromJSON(.Call(riffle_r_flow_json, handle))
  dim <- info$dim
  names <- if (length(info$columns)) info$columns else NULL
  rows <- function(columns, points = NULL) {
    if (!is.null(points) && !is.matrix(points) && !is.data.frame(points)) return(as.vector(columns))
    found <- t(columns)
    colnames(found) <- names
    found
  }
  map <- function(points, to_sample) {
    found <- .Call(riffle_r_flow_map, handle, point_columns(points, dim), to_sample)
    structure(rows(found$points, points), log_det = found$log_det)
  }
  self <- list(
    handle = handle, dim = dim, info = info,
    sample = function(n, seed = 1, first = 0) {
      found <- .Call(riffle_r_flow_draw, handle, one_number(seed, "seed", 0, 2^53, TRUE),
                     one_number(first, "first", 0, 2^53, TRUE), one_number(n, "n", 0, 2^31 - 1, TRUE), FALSE)
      structure(rows(found$z), log_q = found$log_q)
    },
    log_prob = function(points) .Call(riffle_r_flow_log_density, handle, point_columns(points, dim), FALSE)$log_q,
    score = function(points) {
      rows(.Call(riffle_r_flow_log_density, handle, point_columns(points, dim), TRUE)$score, points)
    },
    to_base = function(points) map(points, FALSE),
    from_base = function(points) map(points, TRUE),
    save = function(path) {
      .Call(riffle_r_flow_save, handle, one_text(path, "path"))
      invisible(path)
    },
    check = function(draws = 4096, seed = 1) {
      jsonlite::fromJSON(.Call(riffle_r_audit, handle, one_number(draws, "draws", 1, 1e9, TRUE),
                               one_number(seed, "seed", 0, 2^53, TRUE)))
    }
  )
  structure(self, class = "riffle_flow")
}

#' @export
print.riffle_flow <- function(x, ...) {
  cat("<riffle_flow> ", x$info$base, " -> ", x$info$flow, ", ", x$dim,
      if (x$dim == 1L) " coordinate, " else " coordinates, ", x$info$parameters, " parameters, ", x$info$precision, "\n", sep = "")
  invisible(x)
}
