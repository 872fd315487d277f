#include "riffle/sampling.h"

#include <fmt/format.h>

#include "core/cores.h"
#include "core/executor.h"
#include "model/trained_model.h"
#include "posterior/metered_density.h"
#include "posterior/sampler.h"
#include "riffle/error.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

void check(const Target& target, const TrainedFlow& flow, const SampleOptions& options) {
  constexpr std::uint64_t most_chains = 1 << 20;
  const auto refuse = [](const std::string& why) { throw Error(ErrorKind::usage, why); };
  check_target(target);
  if (flow.dim() != target.dim()) {
    refuse(fmt::format("the flow has {} dimensions, but {} has {}", flow.dim(), target.name(),
                       target.dim()));
  }
  if (options.chains < 4 || options.chains > most_chains) {
    refuse(fmt::format("{} chains: 4 to {} are possible", options.chains, most_chains));
  }
  if (options.most_draws < 20) {
    refuse(fmt::format("{} draws of a chain: 20 at least tell whether it has converged",
                       options.most_draws));
  }
  if (!(options.most_r_hat > 1)) {
    refuse(
        fmt::format("R̂ of {} at most: it is 1 for chains that have converged", options.most_r_hat));
  }
}

}  // namespace

SampleReport sample(const Target& target, const TrainedFlow& flow, const SampleOptions& options) {
  check(target, flow, options);
  const auto trained = trained_model<double>(flow, InstructionSet::best());
  if (!trained.model->injective(trained.params)) {
    throw Error(ErrorKind::usage, "the flow folds: what it does to densities is not known");
  }
  const UserDensity plain(target);
  const MeteredDensity density(plain);
  Executor executor(target.thread_safe() ? usable_cores() : 1);
  SamplerOptions how{.seed = options.seed,
                     .chains = options.chains,
                     .most_length = options.most_draws,
                     .most_r_hat = options.most_r_hat,
                     .least_ess = options.least_ess,
                     .set = trained.set};
  how.stop = [&](std::uint64_t next) {
    return density.evaluations() + next > options.most_gradients;
  };
  SampleReport report;
  report.dim = target.dim();
  report.chains = options.chains;
  auto sampled = sample_from(trained, density, how, executor);
  report.gradients = density.evaluations();
  if (!sampled) return report;
  auto& chains = sampled->chains;
  report.length = chains.length;
  report.z = std::move(chains.draws.z);
  report.log_p = std::move(chains.draws.log_p);
  report.log_q = std::move(sampled->log_q);
  report.converged = sampled->converged;
  report.r_hat = sampled->found.r_hat;
  report.ess_bulk = sampled->found.ess_bulk;
  report.ess_tail = sampled->found.ess_tail;
  report.coordinate = sampled->found.coordinate;
  report.acceptance = chains.kept.acceptance();
  report.failed = sampled->found.failed;
  report.temperatures = sampled->temperatures;
  return report;
}

}  // namespace riffle
