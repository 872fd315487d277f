# Evidence of five models of brms, by riffle_brm() and by bridgesampling on rstan's draws: prints a table in
# Markdown. Needs the packages riffle, brms, rstan and bridgesampling.
#
#   Rscript bench/brms/compare.R [SEED]
suppressPackageStartupMessages({
  library(riffle)
  library(brms)
})
seed <- as.integer(c(commandArgs(TRUE), "1")[1])
options(mc.cores = 2)
# Debian's package BH holds no headers, and means those of libboost-dev.
if (!nzchar(system.file("include", package = "BH"))) rstan::rstan_options(boost_lib = "/usr/include")

cars <- transform(mtcars, hp = as.vector(scale(hp)), wt = as.vector(scale(wt)))
slopes <- prior(normal(0, 2), class = "b")
models <- list(
  list("cars, weight", mpg ~ wt, cars, gaussian(), prior(normal(0, 5), class = "b")),
  list("cars, weight and power", mpg ~ wt + hp, cars, gaussian(), prior(normal(0, 5), class = "b")),
  list("seizures, pooled", count ~ zAge + zBase + Trt, epilepsy, poisson(), slopes),
  list("seizures, overdispersed", count ~ zAge + zBase + Trt, epilepsy, negbinomial(), slopes),
  list("seizures, visits", count ~ zAge + zBase + Trt + (1 | visit), epilepsy, negbinomial(), slopes)
)

cat("| model | D | Riffle: log Z | bridgesampling: log Z | off by, in s.e. | Riffle, s | rstan and bridge, s | ratio | verdict |\n")
cat("|---|---|---|---|---|---|---|---|---|\n")
for (model in models) {
  fit <- riffle_brm(model[[2]], data = model[[3]], family = model[[4]], prior = model[[5]], seed = seed, quiet = TRUE)
  # Times are of fits alone: both compile their program before.
  sampler <- brm(model[[2]], data = model[[3]], family = model[[4]], prior = model[[5]], chains = 0, refresh = 0,
                 save_pars = save_pars(all = TRUE), backend = "rstan", silent = 2)
  started <- proc.time()[["elapsed"]]
  sampler <- update(sampler, chains = 4, iter = 6000, warmup = 1000, seed = seed, refresh = 0, silent = 2,
                    recompile = FALSE)
  bridge <- bridgesampling::bridge_sampler(sampler, silent = TRUE)
  seconds <- proc.time()[["elapsed"]] - started
  bridge_se <- sqrt(bridgesampling::error_measures(bridge)$re2)
  z <- fit$log_z()
  cat(sprintf("| %s | %d | %.4f ± %.4f | %.4f ± %.4f | %+.1f | %.2f | %.1f | %.0f | %s |\n", model[[1]], fit$report$dim,
              z$logml, z$se, bridge$logml, bridge_se, (z$logml - bridge$logml) / sqrt(z$se^2 + bridge_se^2),
              fit$report$seconds, seconds, seconds / fit$report$seconds, z$verdict))
}
