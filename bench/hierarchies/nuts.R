#!/usr/bin/env Rscript
# Long runs of NUTS by rstan on the programs of this folder, and the evidence by bridgesampling, to compare with:
#   nuts.R DATA_FOLDER OUT_FOLDER NAME...    writes OUT_FOLDER/NAME.csv: parameter, mean, sd, n_eff, R̂; prints log Z
suppressMessages({
  library(rstan)
  library(bridgesampling)
})
arguments <- commandArgs(TRUE)
if (length(arguments) < 3) stop("usage: nuts.R DATA_FOLDER OUT_FOLDER NAME...", call. = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
for (name in arguments[-(1:2)]) {
  data <- jsonlite::fromJSON(file.path(arguments[1], paste0(name, ".json")))
  model <- stan_model(file.path(here, paste0(name, ".stan")), boost_lib = "/usr/include")
  seconds <- system.time(
    fit <- sampling(model, data = data, chains = 4, iter = 3000, warmup = 1000, cores = 2, seed = 1, refresh = 0,
                    control = list(adapt_delta = 0.95))
  )["elapsed"]
  s <- summary(fit)$summary
  write.csv(data.frame(parameter = rownames(s), mean = s[, "mean"], sd = s[, "sd"], n_eff = s[, "n_eff"],
                       r_hat = s[, "Rhat"]), file.path(arguments[2], paste0(name, ".csv")), row.names = FALSE)
  gradients <- sum(sapply(get_sampler_params(fit, inc_warmup = TRUE), function(x) sum(x[, "n_leapfrog__"])))
  bridge <- tryCatch(bridge_sampler(fit, silent = TRUE, maxiter = 5000), error = function(e) NULL)
  cat(sprintf("%s: %.1f s, %d gradients, least n_eff %.0f, largest R̂ %.3f, %d divergent, log Z %s\n", name, seconds,
              gradients, min(s[, "n_eff"], na.rm = TRUE), max(s[, "Rhat"], na.rm = TRUE), get_num_divergent(fit),
              if (is.null(bridge)) "unknown" else sprintf("%.3f ± %.3f", bridge$logml, error_measures(bridge)$cv)))
}
