# Settings of a fit, as the text of a spec (TOML). Arguments of R are named as the options of
# `riffle fit`; those with a dot are keys of the spec themselves.
setting_keys <- c(
  seed = "run.seed", threads = "run.threads", precision = "run.precision", method = "run.method",
  iterations = "run.iterations", batch = "run.batch", max_seconds = "run.max_seconds",
  max_gradients = "run.max_gradients", fits = "run.fits", n_draws = "run.draws",
  evaluation_draws = "run.evaluation_draws", base = "base.name", flow = "flow.layers",
  objective = "objective.name", optimizer = "optimizer.name", schedule = "schedule.name",
  learning_rate = "optimizer.learning_rate", init = "target.init"
)

toml_value <- function(x, key) {
  if (length(x) != 1L || is.na(x)) stop_riffle(paste0(key, " should be one value, not ", deparse(x)[1L]))
  if (is.logical(x)) return(if (x) "true" else "false")
  if (is.numeric(x)) {
    if (is.infinite(x)) return(if (x > 0) "inf" else "-inf")
    if (x == round(x) && abs(x) < 2^53) return(format(x, scientific = FALSE, digits = 17L))
    return(format(x, digits = 17L))
  }
  # What TOML and JSON quote alike.
  if (is.character(x)) return(as.character(jsonlite::toJSON(enc2utf8(x), auto_unbox = TRUE)))
  stop_riffle(paste0(key, " is of type ", typeof(x), ": numbers, texts, TRUE and FALSE are settings"))
}

# `settings` is a named list; those that are NULL are left out.
settings_toml <- function(settings) {
  settings <- Filter(Negate(is.null), settings)
  if (!length(settings)) return(NULL)
  names <- names(settings)
  if (is.null(names) || any(names == "")) {
    stop_riffle("a setting has no name: write NAME = VALUE, such as max_seconds = 60")
  }
  keys <- ifelse(names %in% names(setting_keys), setting_keys[names], names)
  unknown <- names[!grepl("^[a-z_]+[.][a-z_.]+$", keys)]
  if (length(unknown)) {
    stop_riffle(paste0("there is no setting \"", unknown[1L], "\"; there are ",
                       paste(names(setting_keys), collapse = ", "), ", and any SECTION.KEY of a spec"))
  }
  if (anyDuplicated(keys)) stop_riffle(paste0(keys[anyDuplicated(keys)], " is set twice"))
  sections <- sub("[.].*", "", keys)
  lines <- paste(sub("^[^.]*[.]", "", keys), "=", mapply(toml_value, settings, keys))
  paste(vapply(unique(sections), function(section) {
    paste0("[", section, "]\n", paste(lines[sections == section], collapse = "\n"), "\n")
  }, ""), collapse = "\n")
}

# The seed of a fit to which none is given follows set.seed(), as all of R does.
seed_or_random <- function(seed) {
  if (is.null(seed)) return(sample.int(.Machine$integer.max, 1L))
  one_number(seed, "seed", 0, 2^53, whole = TRUE)
}
