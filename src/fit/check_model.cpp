#include "fit/check_model.h"

#include <fmt/format.h>

#include "core/names.h"
#include "inference/objective.h"
#include "riffle/error.h"

namespace riffle {

template <class T>
void check_goes_together(const Spec& spec, const FlowModel<T>& model) {
  const auto& objective = choose_objective(spec.objective.name).entry;
  if (objective.needs_inverse && !model.flow().has_inverse()) {
    throw Error(ErrorKind::usage,
                fmt::format("objective {} needs a flow with an inverse, but {}: {}", objective.name,
                            spec.flow.layers, model.flow().no_inverse_reason()));
  }
  if (objective.constant_entropy && model.base().parameters().size() > 0) {
    throw Error(ErrorKind::usage,
                fmt::format("objective {} takes E[ln q0] for a constant, but {} has parameters: "
                            "take free-energy",
                            objective.name, spec.base.name));
  }
}

template void check_goes_together(const Spec&, const FlowModel<float>&);
template void check_goes_together(const Spec&, const FlowModel<double>&);

void check_model(const Spec& spec, std::size_t dim) {
  if (spec.run.method == Method::staged) return;
  check_goes_together(spec,
                      make_model<double>(spec.base.name, parse_flow(spec.flow.layers),
                                         {dim, spec.flow.log_det_floor, InstructionSet::scalar()}));
}

}  // namespace riffle
