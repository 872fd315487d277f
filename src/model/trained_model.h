#pragma once

#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "model/flow_model.h"
#include "riffle/trained_flow.h"

namespace riffle {

/// A model in one precision with its parameters: what travels between rooms. Copies share the
/// model.
template <class T>
struct TrainedModel {
  std::shared_ptr<const FlowModel<T>> model{};
  std::string base{};  ///< as specs and files spell it
  std::string layers{};
  InstructionSet set{};
  std::vector<T> params{};

  std::span<const T> all() const { return params; }
};

/// The model that the texts of base and layers stand for, without parameters; throws as make_model
/// does.
template <class T>
TrainedModel<T> make_trained_model(std::string base, std::string layers,
                                   const LayerOptions& common) {
  auto model = make_model<T>(base, parse_flow(layers), common);
  return {std::make_shared<const FlowModel<T>>(std::move(model)), std::move(base),
          std::move(layers), common.set};
}

/// What the public face shows of a model. Throws Error{data} where a parameter is not finite.
template <class T>
TrainedFlow trained_flow(const TrainedModel<T>& trained, std::vector<std::string> columns = {});
/// And what is behind that, made anew where it is of another precision or instruction set.
template <class T>
TrainedModel<T> trained_model(const TrainedFlow& flow, InstructionSet set);

struct TrainedFlow::Implementation {
  Definition definition;
  std::variant<TrainedModel<float>, TrainedModel<double>> trained;
};

/// The way between the two.
struct TrainedFlowAccess {
  static TrainedFlow make(std::shared_ptr<const TrainedFlow::Implementation> implementation) {
    return TrainedFlow(std::move(implementation));
  }
  static const TrainedFlow::Implementation& of(const TrainedFlow& flow) {
    return *flow.implementation_;
  }
  using Implementation = TrainedFlow::Implementation;
};

}  // namespace riffle
