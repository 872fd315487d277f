#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/executor.h"
#include "core/philox.h"
#include "flows/interface/flow_layer.h"
#include "inference/objective.h"
#include "model/flow_model.h"
#include "targets/density.h"

namespace riffle {

/// What one estimate found.
struct Estimate {
  double value = 0;           ///< mean over the valid draws
  std::uint64_t invalid = 0;  ///< draws left out because something was not finite
};

/// What a source of gradients is made from; all but the target or the points is there for each.
template <class T>
struct SourceSetup {
  const FlowModel<T>& model;
  const Density<T>* target = nullptr;  ///< of objectives that know one
  std::span<const double> points{};    ///< row-major [n][dim], of those that learn from samples
  std::size_t batch;
  Executor& executor;
  InstructionSet set;
};

/// Where a trainer gets the gradient of its objective from. All memory is taken at construction;
/// nothing is allocated afterwards.
template <class T>
class GradientSource {
 public:
  virtual ~GradientSource() = default;

  /// Which way samples go through the flow; cotangents come back the other way.
  virtual Direction direction() const = 0;

  /// grad (overwritten; its size may exceed the number of parameters, and the rest is zeroed) is
  /// an unbiased estimate of the gradient, from random numbers of the stream alone. A draw with
  /// anything that is not finite is left out, counted, and blamed.
  virtual Estimate estimate(std::span<const T> params, const RandomStream& stream,
                            ObjectiveTerms terms, std::span<T> grad) = 0;

  /// How many draws were left out because of each layer, and last because of the target.
  virtual std::vector<std::uint64_t> blame() const = 0;
  /// Starts that count again.
  virtual void forget_blame() = 0;
};

}  // namespace riffle
