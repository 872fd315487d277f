#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "model/flow_model.h"

namespace riffle {

/// How a model learns from points.
struct TeachingOptions {
  std::uint64_t seed = 1;
  std::uint64_t number = 0;  ///< tells apart the random numbers of trainings with one seed
  std::size_t batch = 256;
  double rate = 0.01;             ///< Adam's at first
  std::uint64_t look_every = 50;  ///< steps
  std::uint64_t most_steps = 1500;
  std::size_t idle = 2;  ///< looks without a gain, after which the rate is halved
  std::size_t most_halvings = 3;
  std::size_t frozen = 0;  ///< parameters of the flow's last layers that are kept as they are
  /// Ends it with the best so far; asked before each step.
  std::function<bool()> hurry = [] { return false; };
};

struct Teaching {
  std::vector<double> params;  ///< the average of iterates that did best on the held-out points
  double held_out = 0;  ///< mean ln q of these, by `params`; -infinity where one is not finite
  std::uint64_t steps = 0;
};

/// Maximum likelihood: Adam on the mean of -ln q over points, row-major [n][dim], in batches drawn
/// with replacement. An exponential average of the iterates is judged by points that were held out;
/// where it does not get better, the rate is halved and training goes on from the best, and in the
/// end it stops. No evaluation of any target. The flow must have an inverse. The result does not
/// depend on the number of threads.
Teaching teach(const FlowModel<double>& model, std::span<const double> start,
               std::span<const double> points, std::span<const double> held_out,
               const TeachingOptions& options, Executor& executor, InstructionSet set);

}  // namespace riffle
