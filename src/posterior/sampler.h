#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "diagnostics/bridge.h"
#include "diagnostics/verdict.h"
#include "model/trained_model.h"
#include "sampling/chains.h"

namespace riffle {

struct SamplerOptions {
  std::uint64_t seed = 1;
  std::uint64_t number = 0;     ///< tells apart the random numbers of samplers with one seed
  std::size_t particles = 512;  ///< that go from q to p, of which the chains start
  std::size_t chains = 64;
  std::size_t first_length = 20;  ///< draws of a chain in the first round; in each next one twice
  std::size_t most_length = 1280;
  /// At which rounds end, for all coordinates, if so many draws are effective, for the bulk and for
  /// the tails.
  double most_r_hat = VerdictEvidence::most_r_hat;
  double least_ess = VerdictEvidence::least_ess_of_chains;
  /// Whether so many more evaluations of the target are too many.
  std::function<bool(std::uint64_t next)> stop = [](std::uint64_t) { return false; };
  InstructionSet set{};
};

/// Draws of p.
struct Sampled {
  Chains chains;                   ///< of the last round, with ln q of `model`
  std::vector<double> log_q;       ///< of these draws, by the model that it all started from
  TrainedModel<double> model;      ///< the coordinates of the last round
  VerdictEvidence::Sampler found;  ///< of the last round; what q says of it is told by compare()
  Bridge bridge;                   ///< likewise
  bool converged = false;          ///< as was asked for
  bool stopped = false;            ///< before it was done
  std::size_t temperatures = 0;    ///< on the way from q to p
  std::size_t rounds = 0;
  std::uint64_t gradients = 0;
};

/// Whether an affine map of a standard normal may take the place of the base, to whiten it: not of
/// a mixture.
bool has_normal_like_base(const TrainedModel<double>& q);

/// Draws p from a model q on: annealed particles, then chains in rounds that get longer until they
/// have converged. Between rounds the coordinates are whitened by what the last round found: an
/// affine layer of a standard normal, whose mean and covariance are those of the draws, takes the
/// place of the base, which gives a model closer to p. A mixture stays. Nothing where no round was
/// done.
std::optional<Sampled> sample_from(const TrainedModel<double>& q, const Density<double>& target,
                                   const SamplerOptions& options, Executor& executor);

/// Tells `p` what draws of q (the one it started from, or its `model`) and those of p say of each
/// other: the bridge between them, and how far their moments are apart. `log_q` is ln q at the
/// draws of p; `all` are draws with weights for them, of sum 1, for q's moments.
void compare(const Draws& q, const Draws& all, std::span<const double> weights,
             std::span<const double> log_q, Sampled& p);

/// Twice `particles` that go to p from a normal that has mean and covariance of `draws`, row-major
/// [n][dim], and is 1.5 times as wide: in coordinates that no flow has bent they see what lies
/// beside its draws. Their evidence is too low where they miss something, and hardly ever too high.
Evidence wide_evidence(std::span<const double> draws, const Density<double>& target,
                       const SamplerOptions& options, Executor& executor);

/// So many of the draws, evenly spaced, in their order; all, where there are no more.
std::vector<std::size_t> spaced(std::size_t draws, std::size_t wanted);

}  // namespace riffle
