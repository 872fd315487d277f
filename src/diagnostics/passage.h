#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "core/executor.h"
#include "model/flow_model.h"

namespace riffle {

/// What became of one base draw z on its way through a flow, y = f(z), and back. Each `_spread` is
/// how far the figure moves when parameters and inputs are disturbed by four of their roundings:
/// the size of error that rounding explains, times a small number.
struct Passed {
  bool finite = false;    ///< y and the log-det are
  bool has_nan = false;   ///< y has a NaN in it
  bool returned = false;  ///< f⁻¹(y) is finite
  double z_size = 0;      ///< largest |coordinate|
  double y_size = 0;
  double y_spread = 0;  ///< largest of the coordinates
  double log_det = 0;
  double log_det_spread = 0;
  double log_q = 0;  ///< by forward
  double log_q_spread = 0;
  double log_q_back = 0;  ///< by inverse
  double log_q_back_spread = 0;
  double round_trip = 0;  ///< largest |f⁻¹(f(z)) - z| of the coordinates
  double round_trip_spread = 0;
};

struct Passage {
  std::vector<double> y;  ///< row-major [n][dim]
  std::vector<Passed> each;
};

/// A model with parameters, and the same ones disturbed.
template <class T>
class Disturbed {
 public:
  /// The model and the parameters must outlive it.
  Disturbed(const FlowModel<T>& model, std::span<const T> params, std::uint64_t seed);

  const FlowModel<T>& model() const { return model_; }
  std::span<const T> params() const { return params_; }
  std::size_t disturbances() const { return other_params_.size(); }
  std::span<const T> disturbed(std::size_t k) const { return other_params_[k]; }
  /// x with a relative error of up to four roundings, which k and the two indices decide.
  T disturb(T x, std::size_t k, std::uint64_t row, std::size_t column) const;

 private:
  const FlowModel<T>& model_;
  std::span<const T> params_;
  std::uint64_t seed_;
  std::vector<AlignedVector<T>> other_params_;
};

/// Takes z, row-major [n][dim] and numbers of T, through the flow, and back where `invert` is set,
/// for which the flow must be invertible. Does not depend on the number of threads.
template <class T>
Passage pass(const Disturbed<T>& flow, std::span<const double> z, bool invert, Executor& executor);

}  // namespace riffle
