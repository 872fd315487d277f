#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "bases/base.h"
#include "flows/interface/chain.h"
#include "flows/interface/flow_registry.h"

namespace riffle {

/// A distribution over R^dim: draws of a base that went through a flow. Its parameters are the
/// flow's, then the base's, whose names are prefixed with "base.".
template <class T>
class FlowModel {
 public:
  FlowModel(std::unique_ptr<Base<T>> base, std::unique_ptr<Chain<T>> flow);

  std::size_t dim() const { return flow_->dim(); }
  const Base<T>& base() const { return *base_; }
  const Chain<T>& flow() const { return *flow_; }
  const ParameterLayout& parameters() const { return parameters_; }
  /// Of parameters or of their gradient; what lies behind both parts is ignored.
  template <class U>
  std::span<U> flow_part(std::span<U> params) const {
    return params.first(flow_->parameters().size());
  }
  template <class U>
  std::span<U> base_part(std::span<U> params) const {
    return params.subspan(flow_->parameters().size(), base_->parameters().size());
  }

  bool injective(std::span<const T> params) const { return flow_->injective(flow_part(params)); }
  /// Initial values (overwritten): of the layers by their places, of the base behind them.
  void initialise(const RandomStream& stream, std::span<T> params) const;

 private:
  std::unique_ptr<Base<T>> base_;
  std::unique_ptr<Chain<T>> flow_;
  ParameterLayout parameters_;
};

/// The model that the texts of base and flow stand for; throws as make_base and make_flow do.
template <class T>
FlowModel<T> make_model(std::string_view base, std::span<const Expression> flow,
                        const LayerOptions& common);

}  // namespace riffle
