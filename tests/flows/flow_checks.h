#pragma once

#include <Eigen/Dense>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/aligned.h"
#include "flows/interface/flow_layer.h"
#include "flows/interface/flow_registry.h"
#include "support/failures.h"
#include "support/random.h"

namespace riffle::test {

/// Parameters of a layer to test it at.
struct ParameterSet {
  std::string name;
  std::vector<double> values;
  /// Whether the layer changes slowly enough with them for finite differences.
  bool smooth = true;
};

/// A registered layer in one of its variants and in one dimension.
struct LayerCase {
  const FlowEntry* entry;
  std::string_view variant;  ///< what stands in its parentheses
  std::size_t dim;

  template <class T>
  std::unique_ptr<FlowLayer<T>> make(InstructionSet set = InstructionSet::best(),
                                     double log_det_floor = 0) const {
    return entry->make<T>(options(set, log_det_floor));
  }
  LayerOptions options(InstructionSet set, double log_det_floor) const;
  /// parameter_sets of the layer; for one that is made of layers modest ones, as products of many
  /// ill-conditioned maps tell nothing.
  std::vector<ParameterSet> parameter_sets() const;
  std::string text() const;  ///< as a user writes it
  std::string name() const;  ///< as GoogleTest allows it
  friend void PrintTo(const LayerCase& c, std::ostream* out) {
    *out << c.entry->name << "(" << c.variant << ") in dimension " << c.dim;
  }
};

/// Every registered layer in every variant, in those of the dimensions that it can have and in
/// which it has at most so many parameters: the checks take passes for each of them.
std::vector<LayerCase> layer_cases(std::initializer_list<std::size_t> dims,
                                   std::size_t most_parameters = 650);

/// Parameters at several scales and on both sides of the branches that products of two blocks of
/// equal size can lie on, such as wᵀu = -1; made from the layout alone, so they fit any layer.
std::vector<ParameterSet> parameter_sets(const FlowLayer<double>& layer);
/// Initial values, and some at modest scales.
std::vector<ParameterSet> modest_parameter_sets(const FlowLayer<double>& layer);

/// One call of forward and vjp: samples, and cotangents of y and log_det. Columns from `count` on
/// are padding, as the contract of FlowLayer wants it.
template <class T>
struct FlowInput {
  std::vector<T> params;
  std::size_t count;
  TileBuffer<T> z;
  TileBuffer<T> g;
  AlignedVector<T> g_log_det;

  /// Samples around the origin at scales from 1e-3 to 10, standard normal cotangents.
  FlowInput(const FlowLayer<T>& layer, const ParameterSet& set, std::size_t samples,
            std::uint64_t seed);
  /// The same with fewer samples.
  FlowInput first(std::size_t samples) const;
};

template <class T>
struct FlowOutput {
  TileBuffer<T> y;
  AlignedVector<T> log_det;
  TileBuffer<T> dz;
  std::vector<T> grad;

  /// Whether the first `count` samples and the gradient are the same numbers, but for rounding.
  bool same(const FlowOutput& other, std::size_t count) const;
};

/// Forward and vjp. With `noise`, the cache is disturbed in between by some rounding errors.
template <class T>
FlowOutput<T> forward_and_vjp(const FlowLayer<T>& layer, const FlowInput<T>& in,
                              Random* noise = nullptr);

/// Values and all first derivatives of a layer at every sample, by dual numbers.
class DualOutput {
 public:
  template <class T>
  DualOutput(const FlowLayer<Dual>& layer, const FlowInput<T>& in);

  double y(std::size_t d, std::size_t s) const { return y_[d * tile_size + s]; }
  double log_det(std::size_t s) const { return y(dim_, s); }
  /// ∂y_d/∂x_i, and for d = dim ∂log_det/∂x_i; x is z, then the parameters.
  double slope(std::size_t d, std::size_t i, std::size_t s) const {
    return slope_[(i * (dim_ + 1) + d) * tile_size + s];
  }
  std::size_t inputs() const { return inputs_; }
  /// Whether T can hold all of this, and what a layer multiplies and divides on the way to it.
  template <class T>
  bool within_range_of() const;
  Eigen::MatrixXd jacobian(std::size_t s) const;

 private:
  std::size_t dim_;
  std::size_t inputs_;
  std::vector<double> y_;
  std::vector<double> slope_;
};

// The checks. `exact` belongs to the same input.

/// y and log_det against the dual instantiation.
template <class T>
Failures check_values(const FlowLayer<T>& layer, const FlowInput<T>& in, const DualOutput& exact);
/// log_det against the determinant of the dense Jacobian.
template <class T>
Failures check_determinant(const FlowLayer<T>& layer, const FlowInput<T>& in,
                           const DualOutput& exact, double floor = 0);
/// vjp against dual numbers: within 1e-12 in double, 64 ε in float, and what rounding explains.
template <class T>
Failures check_vjp_by_duals(const FlowLayer<T>& layer, const FlowInput<T>& in,
                            const DualOutput& exact);
/// vjp against central differences of fourth order of the layer's own forward.
Failures check_vjp_by_differences(const FlowLayer<double>& layer, const FlowInput<double>& in);
/// grad += and log_det += add to what is there, for forward, vjp and inverse.
template <class T>
Failures check_accumulation(const FlowLayer<T>& layer, const FlowInput<T>& in);
/// forward then inverse gives z back, and the two log-dets cancel.
template <class T>
Failures check_round_trip(const FlowLayer<T>& layer, const FlowInput<T>& in,
                          const DualOutput& exact);
/// push_score against the dense Jacobian by dual numbers: Jᵀ times what it gives is what it was
/// given, less the weighted gradient of log_det.
template <class T>
Failures check_push_score(const FlowLayer<T>& layer, const FlowInput<T>& in,
                          const DualOutput& exact);
/// What inverse leaves in the cache serves vjp and push_score as what forward leaves does.
template <class T>
Failures check_cache_of_inverse(const FlowLayer<T>& layer, const FlowInput<T>& in,
                                const DualOutput& exact);
/// Huge, infinite and NaN samples give no number where none is due, and leave the others alone.
template <class T>
Failures check_extremes(const FlowLayer<T>& layer, const FlowInput<T>& in);

}  // namespace riffle::test
