#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace riffle {

/// Keeps single gradients from throwing a training off: those much longer than what is usual are
/// scaled down. What is usual is the geometric mean of the lengths so far, the latest counting
/// most.
class GradientClip {
 public:
  void operator()(std::span<double> grad) {
    double squares = 0;
    for (const double g : grad) squares += g * g;
    const double length = std::sqrt(squares);
    if (!(length > 0) || !std::isfinite(length)) return;
    if (usual_ == 0) usual_ = length;
    const double most = times * usual_;
    usual_ *= std::pow(std::min(length, most) / usual_, memory);
    if (length <= most) return;
    for (double& g : grad) g *= most / length;
  }

 private:
  static constexpr double times = 4;
  static constexpr double memory = 0.05;
  double usual_ = 0;
};

}  // namespace riffle
