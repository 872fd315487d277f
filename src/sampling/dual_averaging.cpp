#include "sampling/dual_averaging.h"

#include <cmath>

namespace riffle {

DualAveraging::DualAveraging(double step_size, double wanted)
    : wanted_(wanted), centre_(std::log(10 * step_size)), log_average_(std::log(step_size)) {}

double DualAveraging::update(double acceptance) {
  constexpr double gamma = 0.05;
  constexpr double t0 = 10;
  constexpr double kappa = 0.75;
  ++updates_;
  const auto t = static_cast<double>(updates_);
  const double seen = std::isnan(acceptance) ? 0 : acceptance;
  error_ += ((wanted_ - seen) - error_) / (t + t0);
  const double log_step = centre_ - std::sqrt(t) / gamma * error_;  // (6)
  log_average_ += std::pow(t, -kappa) * (log_step - log_average_);
  return std::exp(log_step);
}

double DualAveraging::result() const {
  return std::exp(log_average_);
}

}  // namespace riffle
