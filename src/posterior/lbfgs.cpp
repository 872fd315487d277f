#include "posterior/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

namespace riffle {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

/// A step and the change of the gradient of -ln p along it.
struct Pair {
  VectorXd step;
  VectorXd change;
  double product;
};

/// What lies between two points, unless its curvature is too small to be told from rounding.
bool make_pair(const AscentPoint& from, const AscentPoint& to, Pair& pair) {
  pair.step = to.z - from.z;
  pair.change = from.gradient - to.gradient;
  pair.product = pair.step.dot(pair.change);
  return pair.product > 1e-10 * pair.step.norm() * pair.change.norm();
}

/// H⁻¹ g by the two-loop recursion.
VectorXd apply_metric(const std::deque<Pair>& pairs, const VectorXd& gradient) {
  VectorXd direction = gradient;
  std::vector<double> alpha(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = pairs[i].step.dot(direction) / pairs[i].product;
    direction -= alpha[i] * pairs[i].change;
  }
  if (!pairs.empty()) direction *= pairs.back().product / pairs.back().change.squaredNorm();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double beta = pairs[i].change.dot(direction) / pairs[i].product;
    direction += (alpha[i] - beta) * pairs[i].step;
  }
  return direction;
}

bool usable(const AscentPoint& point) {
  return std::isfinite(point.log_p) && point.gradient.allFinite();
}

}  // namespace

Ascent climb(const PointDensity& density, const VectorXd& start, const AscentOptions& options) {
  constexpr double sufficient = 1e-4;  // of the gain that the slope promises (Armijo)
  constexpr int most_halvings = 30;
  Ascent result;
  AscentPoint here{start, 0, {}};
  here.log_p = density(here.z, here.gradient);
  ++result.evaluations;
  result.start_log_p = here.log_p;
  if (!usable(here)) return result;
  result.path.push_back(here);

  std::deque<Pair> pairs;
  while (result.path.size() < options.most_points &&
         result.evaluations < options.most_evaluations && !(options.abandon && options.abandon())) {
    VectorXd direction = apply_metric(pairs, here.gradient);
    double slope = direction.dot(here.gradient);
    if (!(slope > 0)) {
      pairs.clear();
      direction = here.gradient;
      slope = direction.squaredNorm();
    }
    if (slope / 2 < options.gain) {
      result.converged = true;
      return result;
    }
    // Without a metric the length of the gradient says nothing of how far to go.
    double length = pairs.empty() ? 1 / std::max(1.0, direction.norm()) : 1;
    AscentPoint next;
    bool better = false;
    for (int halving = 0; halving < most_halvings && !better; ++halving, length /= 2) {
      next.z = here.z + length * direction;
      next.log_p = density(next.z, next.gradient);
      ++result.evaluations;
      better = usable(next) && next.log_p >= here.log_p + sufficient * length * slope;
    }
    if (!better) {
      // Rounding hides what is left to gain, or the metric is of no use.
      if (pairs.empty()) return result;
      pairs.clear();
      continue;
    }
    Pair pair;
    if (make_pair(here, next, pair)) {
      pairs.push_back(std::move(pair));
      if (pairs.size() > options.history) pairs.pop_front();
    }
    here = std::move(next);
    result.path.push_back(here);
  }
  return result;
}

MatrixXd inverse_hessian_estimate(const Ascent& ascent, std::size_t k) {
  const auto dim = ascent.path.front().z.size();
  MatrixXd inverse = MatrixXd::Identity(dim, dim);
  bool scaled = false;
  for (std::size_t i = 0; i < k; ++i) {
    Pair pair;
    if (!make_pair(ascent.path[i], ascent.path[i + 1], pair)) continue;
    if (!scaled) {
      inverse *= pair.product / pair.change.squaredNorm();
      scaled = true;
    }
    // H⁻¹ ← (I - ρ s yᵀ) H⁻¹ (I - ρ y sᵀ) + ρ s sᵀ
    const VectorXd moved = inverse * pair.change;
    const double rho = 1 / pair.product;
    const double factor = rho * (1 + rho * pair.change.dot(moved));
    inverse += factor * pair.step * pair.step.transpose() -
               rho * (moved * pair.step.transpose() + pair.step * moved.transpose());
  }
  return inverse;
}

}  // namespace riffle
