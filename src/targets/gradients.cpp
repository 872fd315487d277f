#include "riffle/gradients.h"

#include <limits>

#include "targets/formula/special_functions.h"

namespace riffle {
namespace {

/// ∂f/∂z_d by a step h.
double difference(const std::function<double(std::span<const double>)>& f, double at_point,
                  std::vector<double>& z, std::size_t d, double h) {
  const double x = z[d];
  const auto at = [&](double factor) {
    z[d] = x + factor * h;
    const double value = f(z);
    z[d] = x;
    return value;
  };
  const double above = at(1);
  const double below = at(-1);
  const double far_above = at(2);
  const double far_below = at(-2);
  const double step = (x + h) - x;  // as it was taken
  const double slope = (8 * (above - below) - (far_above - far_below)) / (12 * step);
  if (std::isfinite(slope)) return slope;
  if (std::isfinite(above) && std::isfinite(below)) return (above - below) / (2 * step);
  // At the edge of the support; a shorter step, for the order is lower.
  const double least = 1e-4 * h;
  const double short_step = (x + least) - x;
  const double just_above = (at(1e-4) - at_point) / short_step;
  if (std::isfinite(just_above)) return just_above;
  const double just_below = (at_point - at(-1e-4)) / short_step;
  return std::isfinite(just_below) ? just_below : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

LogDensity numeric_gradient(std::function<double(std::span<const double>)> log_density) {
  return [f = std::move(log_density)](std::span<const double> z, std::span<double> gradient) {
    std::vector<double> point(z.begin(), z.end());
    const double value = f(point);
    for (std::size_t d = 0; d < z.size(); ++d) {
      gradient[d] = difference(f, value, point, d, 0x1p-10 * (1 + std::abs(z[d])));
    }
    return value;
  };
}

Derivable lgamma(const Derivable& a) {
  const double x = a.value();
  double value = 0;
  double slope = 0;
  formula::special_unary(formula::Op::lgamma, &x, &value, &slope, 1);
  return Derivable::chain(a, value, slope);
}

}  // namespace riffle
