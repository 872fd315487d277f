#include "posterior/gradient_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/philox.h"

namespace riffle {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index levels = 6;
/// Half the distance of the two points of a difference, at each level.
constexpr std::array<double, levels> steps{1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};

// What differences among themselves may differ by, what a right derivative may, and what a wrong
// one must at least: shares of the larger one.
constexpr double alike = 0.001;
constexpr double same = 0.005;
constexpr double apart = 0.01;

bool near(double a, double b, double relative, double absolute) {
  return std::abs(a - b) <= relative * std::max(std::abs(a), std::abs(b)) + absolute;
}

enum class Opinion { none, right, wrong };

struct Comparison {
  Opinion opinion = Opinion::none;
  double given = 0;
  double difference = 0;
};

class Check {
 public:
  Check(const PointDensity& density, std::uint64_t seed, const std::function<bool()>& stop)
      : density_(density), stop_(stop), stream_{seed, Purpose::mode_search, 4} {}

  GradientCheck run() {
    constexpr std::uint32_t most_tries = 20;
    constexpr int points = 2;
    int found = 0;
    for (std::uint32_t i = 0; i < most_tries && found < points && !stop_(); ++i) {
      const VectorXd z = point(i);
      VectorXd gradient;
      const double log_p = density_(z, gradient);
      ++result_.evaluations;
      if (!std::isfinite(log_p) || !gradient.allFinite()) continue;
      look_at(z, gradient, i);
      ++found;
    }
    return result_;
  }

 private:
  VectorXd point(std::uint32_t number) const {
    VectorXd z(density_.dim());
    for (Index d = 0; d < z.size(); ++d) {
      z[d] = 4 * stream_.uniform(number, static_cast<std::uint32_t>(d)) - 2;
    }
    return z;
  }

  void look_at(const VectorXd& z, const VectorXd& gradient, std::uint32_t number) {
    constexpr std::size_t most = 8;
    const Index dim = density_.dim();
    std::vector<Index> coordinates(static_cast<std::size_t>(dim));
    std::iota(coordinates.begin(), coordinates.end(), Index{0});
    if (coordinates.size() > most) {
      for (std::size_t i = 0; i < most; ++i) {
        const double u = stream_.uniform(1000 + number, static_cast<std::uint32_t>(i));
        const auto left = static_cast<double>(coordinates.size() - i);
        const auto other =
            i + std::min(static_cast<std::size_t>(u * left), coordinates.size() - i - 1);
        std::swap(coordinates[i], coordinates[other]);
      }
      if (std::isfinite(gradient.sum())) look_along_all(z, gradient, number);
      coordinates.resize(most);
    }
    for (const Index d : coordinates) {
      if (stop_()) return;
      judge(z, gradient, d);
    }
  }

  /// Over all coordinates at once, each with a sign of its own; a fault is then looked for in one
  /// half after the other.
  void look_along_all(const VectorXd& z, const VectorXd& gradient, std::uint32_t number) {
    VectorXd direction(z.size());
    for (Index d = 0; d < z.size(); ++d) {
      const double u = stream_.uniform(2000 + number, static_cast<std::uint32_t>(d));
      direction[d] = u < 0.5 ? -1 : 1;
    }
    const auto wrong_within = [&](Index first, Index count) {
      VectorXd part = VectorXd::Zero(z.size());
      part.segment(first, count) = direction.segment(first, count);
      return compare(z, gradient, part).opinion == Opinion::wrong;
    };
    Index first = 0;
    Index count = z.size();
    if (!wrong_within(first, count)) return;
    while (count > 1) {
      const Index half = count / 2;
      if (stop_()) return;
      if (wrong_within(first, half)) {
        count = half;
      } else if (wrong_within(first + half, count - half)) {
        first += half;
        count -= half;
      } else {
        return;  // too little in either to be sure of
      }
    }
    judge(z, gradient, first);
  }

  void judge(const VectorXd& z, const VectorXd& gradient, Index d) {
    const VectorXd axis = VectorXd::Unit(z.size(), d);
    const auto here = compare(z, gradient, axis);
    if (here.opinion == Opinion::none) return;
    if (here.opinion == Opinion::wrong && !wrong_nearby(z, axis)) return;
    ++result_.compared;
    if (here.opinion == Opinion::right) return;
    ++result_.wrong;
    const auto size = [](double given, double difference) {
      return std::abs(given - difference) / std::max(std::abs(given), std::abs(difference));
    };
    auto& worst = result_.fault;
    if (worst && size(worst->given, worst->difference) >= size(here.given, here.difference)) return;
    worst = {static_cast<std::size_t>(d), z[d], here.given, here.difference};
  }

  /// The same a little off: a point on a kink or a step is none to judge by.
  bool wrong_nearby(const VectorXd& z, const VectorXd& axis) {
    const VectorXd moved = z + 0.037 * axis;
    VectorXd gradient;
    const double log_p = density_(moved, gradient);
    ++result_.evaluations;
    if (!std::isfinite(log_p) || !gradient.allFinite()) return false;
    return compare(moved, gradient, axis).opinion == Opinion::wrong;
  }

  Comparison compare(const VectorXd& z, const VectorXd& gradient, const VectorXd& direction) {
    MatrixXd points(z.size(), 2 * levels);
    for (Index k = 0; k < levels; ++k) {
      const double step = steps[static_cast<std::size_t>(k)];
      points.col(2 * k) = z + step * direction;
      points.col(2 * k + 1) = z - step * direction;
    }
    const VectorXd log_p = density_.at(points).log_p;
    result_.evaluations += 2 * levels;
    std::array<double, levels> slope{};
    std::array<double, levels> rounding{};
    double largest = 0;
    for (Index k = 0; k < levels; ++k) {
      const auto i = static_cast<std::size_t>(k);
      const double width = 2 * steps[i];
      const double sum = std::abs(log_p[2 * k]) + std::abs(log_p[2 * k + 1]);
      slope[i] = (log_p[2 * k] - log_p[2 * k + 1]) / width;
      rounding[i] = 4 * std::numeric_limits<double>::epsilon() * sum / width;
      if (std::isfinite(slope[i])) largest = std::max(largest, sum / 2);
    }
    const double given = gradient.dot(direction);
    for (std::size_t i = 0; i < levels; ++i) {
      // By Richardson: without the error that goes with the square of the step, too.
      const double better = i == 0 ? slope[i] : (100 * slope[i] - slope[i - 1]) / 99;
      if (near(slope[i], given, same, rounding[i]) || near(better, given, same, rounding[i])) {
        return {Opinion::right, given, slope[i]};
      }
    }
    for (std::size_t i = 0; i + 2 < levels; ++i) {
      const auto [low, high] = std::minmax({slope[i], slope[i + 1], slope[i + 2]});
      const bool agree = std::isfinite(low) && std::isfinite(high) && near(low, high, alike, 0);
      if (!agree) continue;
      // A ln p in single precision moves by less than its rounding where steps are small.
      constexpr double coarse = 1e-5;
      const double moved = std::abs(given - slope[i + 1]) * 2 * steps[i];
      if (near(given, slope[i + 1], apart, 0) || moved < coarse * largest) continue;
      return {Opinion::wrong, given, slope[i + 1]};
    }
    return {};
  }

  const PointDensity& density_;
  const std::function<bool()>& stop_;
  RandomStream stream_;
  GradientCheck result_;
};

}  // namespace

GradientCheck check_gradient(const PointDensity& density, std::uint64_t seed,
                             const std::function<bool()>& stop) {
  return Check(density, seed, stop).run();
}

}  // namespace riffle
