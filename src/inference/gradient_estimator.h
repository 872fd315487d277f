#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bases/base.h"
#include "core/aligned.h"
#include "core/executor.h"
#include "flows/chain.h"
#include "inference/objective.h"
#include "inference/objective_kernels.h"
#include "targets/density.h"

namespace riffle {

/// What one estimate found.
struct Estimate {
  double value = 0;           ///< mean over the valid draws
  std::uint64_t invalid = 0;  ///< draws left out because something was not finite
};

/// Reparameterisation gradient of an objective: draws z0 ~ q0, pushes them through the flow, and
/// pulls the cotangents back. All memory is taken at construction; nothing is allocated afterwards.
///
/// Draws are handled in tiles, on any thread; each tile's gradient goes to a slot of its own, and
/// the slots are summed in order, so that the result has the same bits on any number of threads.
template <class T>
class GradientEstimator {
 public:
  GradientEstimator(const Chain<T>& flow, const Base<T>& base, const Density<T>& target,
                    std::size_t batch, Executor& executor, InstructionSet set);
  ~GradientEstimator();

  /// grad (overwritten; its size may exceed the number of parameters, and the rest is zeroed) is
  /// the gradient of the mean over `batch` draws of the stream. A draw with anything that is not
  /// finite is left out, counted, and blamed.
  Estimate estimate(std::span<const T> params, const RandomStream& stream, ObjectiveTerms terms,
                    std::span<T> grad);

  /// How many draws were left out because of each layer, and last because of the target.
  std::vector<std::uint64_t> blame() const;
  /// Starts that count again.
  void forget_blame();

 private:
  struct Worker;

  void run_tile(std::size_t tile, Worker& worker, std::span<const T> params,
                const RandomStream& stream, ObjectiveTerms terms, std::span<T> grad);
  T pass(Worker& worker, std::size_t count, std::span<const T> params, ObjectiveTerms terms,
         bool weighted);
  void leave_out_invalid(Worker& worker, std::size_t count, std::span<const T> params);

  const Chain<T>& flow_;
  const Base<T>& base_;
  const Density<T>& target_;
  std::size_t batch_;
  Executor& executor_;
  ObjectiveKernels<T> kernels_;
  std::vector<std::unique_ptr<Worker>> workers_;
  AlignedVector<T> slots_;          // one gradient for each tile
  std::vector<double> tile_value_;  // sums
  std::vector<std::uint64_t> tile_invalid_;
};

}  // namespace riffle
