#include "sampling/chains.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "sampling/dual_averaging.h"
#include "sampling/ensemble_draws.h"

namespace riffle {
namespace {

constexpr std::size_t cycle = 4;  ///< transitions, of which the last is narrow

std::size_t steps_across(double step_size, std::size_t most) {
  constexpr double fewest = 3;
  return static_cast<std::size_t>(
      std::clamp(std::ceil(std::numbers::pi / step_size), fewest, static_cast<double>(most)));
}

/// From [draw][chain] to [chain][draw], in rows of `width`.
std::vector<double> by_chain(const std::vector<std::vector<double>>& draws, std::size_t chains,
                             std::size_t width) {
  std::vector<double> all;
  all.reserve(draws.size() * chains * width);
  for (std::size_t c = 0; c < chains; ++c) {
    for (const auto& draw : draws) {
      const auto row = draw.begin() + static_cast<std::ptrdiff_t>(c * width);
      all.insert(all.end(), row, row + static_cast<std::ptrdiff_t>(width));
    }
  }
  return all;
}

}  // namespace

Chains run_chains(Ensemble& at, const FlowModel<double>& model, std::span<const double> params,
                  const Density<double>& target, const ChainOptions& options, ChainSteps& steps,
                  RandomStream stream, Executor& executor, InstructionSet set) {
  Transitions transitions(model, params, target, executor, set);
  DualAveraging averaging(steps.far.step_size, options.wanted_acceptance);
  Chains found;
  found.chains = at.chains;
  std::vector<std::vector<double>> z;
  std::vector<std::vector<double>> u;
  std::vector<std::vector<double>> log_q;
  std::vector<std::vector<double>> log_p;
  for (std::size_t t = 0; t < options.warmup + options.length; ++t, ++stream.step) {
    if (t == options.warmup && t > 0) {
      steps.far.step_size = averaging.result();
      steps.far.steps = steps_across(steps.far.step_size, options.most_steps);
    }
    const bool narrow = t % cycle == cycle - 1;
    auto& how = narrow ? steps.narrow : steps.far;
    if (options.stop(at.chains * how.steps)) break;
    const auto report = transitions.move(at, how, stream);
    found.moves.add(report);
    if (t < options.warmup) {
      if (narrow) {
        how.step_size *= std::exp(report.acceptance() - options.wanted_acceptance);
      } else {
        how.step_size = averaging.update(report.acceptance());
        how.steps = steps_across(how.step_size, options.most_steps);
      }
      continue;
    }
    found.kept.add(report);
    auto now = draws_of(at, model, params, executor);
    z.push_back(std::move(now.z));
    log_q.push_back(std::move(now.log_q));
    log_p.push_back(std::move(now.log_p));
    u.push_back(base_points(at));
  }
  found.length = z.size();
  found.draws = {at.dim, by_chain(z, at.chains, at.dim), by_chain(log_q, at.chains, 1),
                 by_chain(log_p, at.chains, 1)};
  found.u = by_chain(u, at.chains, at.dim);
  return found;
}

}  // namespace riffle
