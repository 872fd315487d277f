#include "model/flow_model.h"

#include <utility>

namespace riffle {

template <class T>
FlowModel<T>::FlowModel(std::unique_ptr<Base<T>> base, std::unique_ptr<Chain<T>> flow)
    : base_(std::move(base)), flow_(std::move(flow)), parameters_(flow_->parameters()) {
  parameters_.append("base.", base_->parameters());
}

template <class T>
void FlowModel<T>::initialise(const RandomStream& stream, std::span<T> params) const {
  flow_->initialise(stream, flow_part(params));
  RandomStream behind = stream;
  behind.step += flow_->length();
  base_->initialise(behind, base_part(params));
}

template <class T>
FlowModel<T> make_model(std::string_view base, std::span<const Expression> flow,
                        const LayerOptions& common) {
  return {make_base<T>(base, common.dim, common.set), make_flow<T>(flow, common)};
}

#define RIFFLE_INSTANTIATE(T)                                                     \
  template class FlowModel<T>;                                                    \
  template FlowModel<T> make_model(std::string_view, std::span<const Expression>, \
                                   const LayerOptions&);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
#undef RIFFLE_INSTANTIATE

}  // namespace riffle
