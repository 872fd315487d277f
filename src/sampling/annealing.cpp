#include "sampling/annealing.h"

#include "sampling/annealing_rules.h"

namespace riffle {

Particles anneal(const FlowModel<double>& model, std::span<const double> params,
                 const Density<double>& target, const ParticleOptions& options,
                 const RandomStream& stream, Executor& executor, InstructionSet set) {
  return Annealing<AnnealingRules>(model, params, target, options, stream, executor, set).run();
}

}  // namespace riffle
