#pragma once

#include <span>
#include <variant>
#include <vector>

#include "model/flow_model.h"
#include "riffle/trained_flow.h"

namespace riffle {

/// A model in one precision with its parameters.
template <class T>
struct TrainedModel {
  FlowModel<T> model;
  std::vector<T> params;

  std::span<const T> all() const { return params; }
};

struct TrainedFlow::Implementation {
  Definition definition;
  std::variant<TrainedModel<float>, TrainedModel<double>> trained;
};

}  // namespace riffle
