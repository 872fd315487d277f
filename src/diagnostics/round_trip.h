#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "core/executor.h"
#include "model/flow_model.h"

namespace riffle {

/// What became of one base draw z on its way through a flow, y = f(z), and back. Each `_spread` is
/// how far the figure moves when the parameters, the input and what every layer of the chain gives
/// are disturbed by four of their roundings: the size of error that rounding explains, times a
/// small number.
struct RoundTrip {
  bool finite = false;    ///< y and the log-det are
  bool y_finite = false;  ///< y is
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
  double error = 0;  ///< largest |f⁻¹(f(z)) - z| of the coordinates
  double error_spread = 0;
  /// f(f⁻¹(y)) is y but for rounding. Where f⁻¹(y) is not z, y does not tell which of them it came
  /// from, and no inverse could, unless the map folds.
  bool same_y = false;
  bool indistinct = false;    ///< and so is f of points between z and f⁻¹(y): it does not fold
  double log_q_returned = 0;  ///< by forward, of f⁻¹(f(z))
};

struct RoundTrips {
  std::vector<double> y;  ///< row-major [n][dim]
  std::vector<RoundTrip> each;
};

/// How much of the spread under disturbances is taken for rounding.
inline constexpr double spread_factor = 32;

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
RoundTrips round_trips(const Disturbed<T>& flow, std::span<const double> z, bool invert,
                       Executor& executor);

}  // namespace riffle
