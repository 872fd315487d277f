#include "posterior/gradient_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "core/philox.h"
#include "riffle/error.h"
#include "targets/user_target.h"

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
  Check(const PointDensity& density, const GradientCheckOptions& options,
        const std::function<bool()>& stop)
      : density_(density),
        options_(options),
        stop_(stop),
        stream_{options.seed, Purpose::mode_search, 4} {}

  GradientCheck run() {
    const std::size_t most_tries = 10 * options_.points;
    for (std::uint32_t i = 0; i < most_tries && result_.points < options_.points && !stop_(); ++i) {
      const VectorXd z = point(i);
      VectorXd gradient;
      const double log_p = density_(z, gradient);
      ++result_.evaluations;
      if (!std::isfinite(log_p)) {
        ++result_.outside;
      } else if (!gradient.allFinite()) {
        ++result_.not_finite;
      } else {
        look_at(z, gradient, i);
        ++result_.points;
      }
    }
    for (const auto& [coordinate, fault] : worst_of_) result_.faults.push_back(fault);
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
    const std::size_t most = options_.coordinates;
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
    const GradientFault fault{static_cast<std::size_t>(d), z[d], here.given, here.difference};
    const auto worse = [&](const GradientFault& other) {
      return size(fault.given, fault.difference) > size(other.given, other.difference);
    };
    if (!result_.fault || worse(*result_.fault)) result_.fault = fault;
    const auto [known, is_new] = worst_of_.try_emplace(fault.coordinate, fault);
    if (!is_new && worse(known->second)) known->second = fault;
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
  const GradientCheckOptions& options_;
  const std::function<bool()>& stop_;
  RandomStream stream_;
  GradientCheck result_;
  std::map<std::size_t, GradientFault> worst_of_;  // by coordinate
};

}  // namespace

GradientCheck check_gradient(const PointDensity& density, const GradientCheckOptions& options,
                             const std::function<bool()>& stop) {
  return Check(density, options, stop).run();
}

GradientCheck check_gradient(const PointDensity& density, std::uint64_t seed,
                             const std::function<bool()>& stop) {
  return check_gradient(density, {seed, 2, 8}, stop);
}

GradientCheck check_gradient(const Target& target, const GradientCheckOptions& options) {
  constexpr std::size_t most_points = 100'000'000;  // numbered in 32 bits, ten tries each
  if (options.points == 0 || options.points > most_points) {
    throw Error(ErrorKind::usage, fmt::format("{} points to check a gradient at: 1 to {} are "
                                              "possible",
                                              options.points, most_points));
  }
  if (options.coordinates == 0) {
    throw Error(ErrorKind::usage, "no coordinates to check a gradient by: 1 or more are possible");
  }
  check_target(target);
  const UserDensity density(target);
  return check_gradient(PointDensity(density), options);
}

}  // namespace riffle
