#include "diagnostics/normalisation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>
#include <numeric>

namespace riffle {
namespace {

/// Gauss's rule of three points inside Kronrod's of seven, on [-1, 1].
struct Node {
  double x;
  double kronrod;
  double gauss;
};
constexpr std::array<Node, 7> rule{{
    {-0.9604912687080203, 0.1046562260264673, 0},
    {-0.7745966692414834, 0.2684880898683334, 5.0 / 9},
    {-0.4342437493468025, 0.4013974147759622, 0},
    {0, 0.4509165386584741, 8.0 / 9},
    {0.4342437493468025, 0.4013974147759622, 0},
    {0.7745966692414834, 0.2684880898683334, 5.0 / 9},
    {0.9604912687080203, 0.1046562260264673, 0},
}};

/// y = m + s sinh t along one axis.
struct Axis {
  double middle;
  double spread;
  double reach;  ///< |t| at most

  double y(double t) const { return middle + spread * std::sinh(t); }
  double t(double y) const { return std::asinh((y - middle) / spread); }
};

Axis axis_of(std::span<const double> draws, std::size_t dim, std::size_t d) {
  constexpr double beyond_farthest = 100;
  std::vector<double> x;
  for (std::size_t i = d; i < draws.size(); i += dim) x.push_back(draws[i]);
  std::sort(x.begin(), x.end());
  const auto quantile = [&](double p) {
    return x[static_cast<std::size_t>(p * static_cast<double>(x.size() - 1))];
  };
  Axis axis{quantile(0.5), (quantile(0.75) - quantile(0.25)) / 2, 0};
  const double farthest = std::max(x.back() - axis.middle, axis.middle - x.front());
  if (!(axis.spread > 0)) axis.spread = farthest > 0 ? farthest : 1;
  axis.reach = std::asinh(beyond_farthest * std::max(farthest, axis.spread) / axis.spread);
  return axis;
}

struct Cell {
  std::array<double, 2> low{};
  std::array<double, 2> high{};
  double integral = 0;
  double error = 0;
  int depth = 0;
  unsigned axes = 0;                 ///< along which it is halved when it is, one bit for each
  std::vector<std::uint32_t> draws;  ///< those inside
};

class Cubature {
 public:
  Cubature(std::span<const double> draws, std::size_t dim, const LogDensityAtPoints& log_q)
      : dim_(dim), log_q_(log_q) {
    for (std::size_t d = 0; d < dim; ++d) {
      axes_[d] = axis_of(draws, dim, d);
      result_.box.emplace_back(axes_[d].y(-axes_[d].reach), axes_[d].y(axes_[d].reach));
    }
    Cell all;
    for (std::size_t d = 0; d < dim; ++d) {
      all.low[d] = -axes_[d].reach;
      all.high[d] = axes_[d].reach;
    }
    t_.assign(draws.begin(), draws.end());
    for (std::size_t i = 0; i < t_.size(); ++i) t_[i] = axes_[i % dim].t(t_[i]);
    all.draws.resize(draws.size() / dim);
    std::iota(all.draws.begin(), all.draws.end(), std::uint32_t{0});
    count_ = static_cast<double>(all.draws.size());
    split_by_draws(std::move(all));
  }

  Quadrature run(double tolerance, std::uint64_t most_evaluations) {
    evaluate(0);
    while (true) {
      // The worst cells go, until what is left is within half of the tolerance, but one in 16 at
      // least, lest there be many rounds; and with them those where the draws tell of something
      // that the rule does not see.
      std::sort(cells_.begin(), cells_.end(),
                [](const Cell& a, const Cell& b) { return a.error < b.error; });
      double kept = 0;
      for (const auto& cell : cells_) kept += cell.error;
      const std::size_t most_kept =
          kept > tolerance / 2 ? cells_.size() - cells_.size() / 16 : cells_.size();
      kept = 0;
      std::vector<Cell> keep;
      std::vector<Cell> split;
      for (auto& cell : cells_) {
        kept += cell.error;
        const bool contradicted = contradicted_by_draws(cell);
        if (contradicted) cell.axes = all_axes();
        const bool stays = kept <= tolerance / 2 && keep.size() < most_kept && !contradicted;
        (stays ? keep : split).push_back(std::move(cell));
      }
      cells_ = std::move(keep);
      const std::size_t first = cells_.size();
      std::uint64_t room = most_evaluations - std::min(most_evaluations, result_.evaluations);
      std::vector<Cell> parts;
      while (!split.empty()) {
        const auto more = points_per_cell() << std::popcount(split.back().axes);
        if (more > room) break;
        room -= more;
        for (auto& part : divided(split.back())) parts.push_back(std::move(part));
        split.pop_back();
      }
      const auto whole = static_cast<std::ptrdiff_t>(split.size());
      const bool none_left = split.empty();
      std::move(split.begin(), split.end(), std::back_inserter(cells_));
      std::move(parts.begin(), parts.end(), std::back_inserter(cells_));
      if (parts.empty()) {
        result_.cut_short = !none_left;
        break;
      }
      evaluate(first + static_cast<std::size_t>(whole));
    }
    for (const auto& cell : cells_) {
      result_.integral += cell.integral;
      result_.error += cell.error;
    }
    return result_;
  }

 private:
  std::size_t points_per_cell() const {
    return dim_ == 1 ? rule.size() : rule.size() * rule.size();
  }

  unsigned all_axes() const { return (1U << dim_) - 1; }

  /// Whether a cell has more draws, or fewer, than its integral and chance explain.
  bool contradicted_by_draws(const Cell& cell) const {
    constexpr double deviations = 4;
    const double expected = cell.integral * count_;
    return cell.depth < deepest && std::abs(static_cast<double>(cell.draws.size()) - expected) >
                                       deviations * std::sqrt(expected + 1);
  }

  /// The two or four parts of a cell.
  std::vector<Cell> divided(const Cell& cell) const {
    std::vector<Cell> all{cell};
    all.front().draws.clear();
    ++all.front().depth;
    std::array<std::size_t, 2> weight{};  // of the upper half along each axis, in the index
    std::array<double, 2> middle{};
    for (std::size_t d = 0; d < dim_; ++d) {
      if ((cell.axes >> d & 1U) == 0) continue;
      middle[d] = 0.5 * (cell.low[d] + cell.high[d]);
      weight[d] = all.size();
      all.insert(all.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(weight[d]));
      for (std::size_t i = 0; i < all.size(); ++i) {
        (i < weight[d] ? all[i].high : all[i].low)[d] = middle[d];
      }
    }
    for (const auto i : cell.draws) {
      std::size_t which = 0;
      for (std::size_t d = 0; d < dim_; ++d) {
        if (t_[i * dim_ + d] > middle[d]) which += weight[d];
      }
      all[which].draws.push_back(i);
    }
    return all;
  }

  void split_by_draws(Cell cell) {
    constexpr double largest_share = 1.0 / 64;
    constexpr int least_deep = 3;
    const auto inside = static_cast<double>(cell.draws.size());
    if ((inside <= largest_share * count_ && cell.depth >= least_deep) || cell.depth == deepest) {
      cells_.push_back(std::move(cell));
      return;
    }
    cell.axes = all_axes();
    for (auto& part : divided(cell)) split_by_draws(std::move(part));
  }

  /// Integrates the cells from `first` on. The volume element is Π s cosh t.
  void evaluate(std::size_t first) {
    const std::size_t columns = dim_ == 1 ? 1 : rule.size();
    std::vector<double> points;
    std::vector<double> log_element;
    for (std::size_t c = first; c < cells_.size(); ++c) {
      for (const auto& a : rule) {
        for (std::size_t j = 0; j < columns; ++j) {
          double element = 0;
          for (std::size_t d = 0; d < dim_; ++d) {
            const double half = 0.5 * (cells_[c].high[d] - cells_[c].low[d]);
            const double t = cells_[c].low[d] + half * (1 + (d == 0 ? a : rule[j]).x);
            points.push_back(axes_[d].y(t));
            element += std::log(half * axes_[d].spread * std::cosh(t));
          }
          log_element.push_back(element);
        }
      }
    }
    const auto log_q = log_q_(points);
    result_.evaluations += log_q.size();
    std::size_t at = 0;
    for (std::size_t c = first; c < cells_.size(); ++c) {
      auto& cell = cells_[c];
      double fine = 0;
      double coarse = 0;
      std::array<double, 2> coarse_along{};
      for (const auto& a : rule) {
        for (std::size_t j = 0; j < columns; ++j, ++at) {
          const double value = std::exp(log_q[at] + log_element[at]);
          if (!std::isfinite(value)) {
            ++result_.without_number;
            continue;
          }
          const Node b = dim_ == 1 ? Node{0, 1, 1} : rule[j];
          fine += value * a.kronrod * b.kronrod;
          coarse += value * a.gauss * b.gauss;
          coarse_along[0] += value * a.gauss * b.kronrod;
          coarse_along[1] += value * a.kronrod * b.gauss;
        }
      }
      cell.integral = fine;
      cell.error = std::abs(fine - coarse);
      if (!std::isfinite(cell.error)) cell.error = std::numeric_limits<double>::max();
      // Halved along both axes, unless one is far worse.
      constexpr double far = 4;
      const double first_axis = std::abs(fine - coarse_along[0]);
      const double second_axis = std::abs(fine - coarse_along[1]);
      cell.axes = all_axes();
      if (first_axis > far * second_axis) cell.axes = 1;
      if (second_axis > far * first_axis) cell.axes = 2;
    }
  }

  static constexpr int deepest = 40;

  std::size_t dim_;
  const LogDensityAtPoints& log_q_;
  std::array<Axis, 2> axes_{};
  std::vector<double> t_;  // of the draws
  double count_ = 0;
  std::vector<Cell> cells_;
  Quadrature result_;
};

/// Lower triangle L of a symmetric matrix L Lᵀ, in place; false where it is not positive definite,
/// to rounding.
bool cholesky(std::vector<double>& a, std::size_t dim) {
  for (std::size_t j = 0; j < dim; ++j) {
    for (std::size_t i = j; i < dim; ++i) {
      double rest = a[i * dim + j];
      const double least = 1e-12 * rest;
      for (std::size_t k = 0; k < j; ++k) rest -= a[i * dim + k] * a[j * dim + k];
      if (i == j && !(rest > 0 && rest >= least && std::isfinite(rest))) return false;
      a[i * dim + j] = i == j ? std::sqrt(rest) : rest / a[j * dim + j];
    }
  }
  return true;
}

/// Hill's estimate from the largest of the logarithms, which are sorted, the largest last.
double hill_index(std::span<const double> log_weights) {
  const auto n = log_weights.size();
  const auto tail = static_cast<std::size_t>(
      std::min(0.2 * static_cast<double>(n), 3 * std::sqrt(static_cast<double>(n))));
  if (tail == 0 || tail >= n) return std::numeric_limits<double>::infinity();
  const double threshold = log_weights[n - tail - 1];
  double sum = 0;
  for (std::size_t i = n - tail; i < n; ++i) sum += log_weights[i] - threshold;
  return sum / static_cast<double>(tail);
}

}  // namespace

Quadrature integrate(std::span<const double> draws, std::size_t dim,
                     const LogDensityAtPoints& log_q, double tolerance,
                     std::uint64_t most_evaluations) {
  return Cubature(draws, dim, log_q).run(tolerance, most_evaluations);
}

ImportanceEstimate integrate_by_importance(std::span<const double> draws, std::size_t dim,
                                           const LogDensityAtPoints& log_q,
                                           const RandomStream& stream, std::size_t n) {
  constexpr double freedom = 4;
  const std::size_t rows = draws.size() / dim;
  std::vector<double> mean(dim, 0);
  for (std::size_t i = 0; i < draws.size(); ++i) {
    mean[i % dim] += draws[i] / static_cast<double>(rows);
  }
  std::vector<double> scale(dim * dim, 0);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t i = 0; i < dim; ++i) {
      const double a = (draws[r * dim + i] - mean[i]) / static_cast<double>(rows);
      for (std::size_t j = 0; j <= i; ++j) {
        scale[i * dim + j] += a * (draws[r * dim + j] - mean[j]);
      }
    }
  }
  ImportanceEstimate estimate;
  estimate.possible = rows > 2 * dim && cholesky(scale, dim);
  if (!estimate.possible) return estimate;

  const auto real_dim = static_cast<double>(dim);
  double log_constant = std::lgamma((freedom + real_dim) / 2) - std::lgamma(freedom / 2) -
                        real_dim / 2 * std::log(freedom * std::numbers::pi);
  for (std::size_t i = 0; i < dim; ++i) log_constant -= std::log(scale[i * dim + i]);
  std::vector<double> points(n * dim);
  std::vector<double> log_r(n);
  std::vector<double> normal(dim + 1);
  for (std::size_t k = 0; k < n; ++k) {
    const auto sample = static_cast<std::uint32_t>(k);
    const auto uniform = [&](std::size_t i) {
      return stream.uniform(sample, static_cast<std::uint32_t>(i));
    };
    double squares = 0;
    for (std::size_t i = 0; i < dim; i += 2) {
      const double radius = std::sqrt(-2 * std::log(uniform(i)));
      const double angle = 2 * std::numbers::pi * uniform(i + 1);
      normal[i] = radius * std::cos(angle);
      normal[i + 1] = radius * std::sin(angle);
    }
    for (std::size_t i = 0; i < dim; ++i) squares += normal[i] * normal[i];
    // χ² of four degrees of freedom is -2 ln(u v).
    const double chi2 = -2 * std::log(uniform(dim + 1) * uniform(dim + 2));
    const double stretch = std::sqrt(freedom / chi2);
    for (std::size_t i = 0; i < dim; ++i) {
      double y = 0;
      for (std::size_t j = 0; j <= i; ++j) y += scale[i * dim + j] * normal[j];
      points[k * dim + i] = mean[i] + stretch * y;
    }
    log_r[k] = log_constant - (freedom + real_dim) / 2 * std::log1p(squares / chi2);
  }

  auto log_weights = log_q(points);
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < n; ++k) {
    log_weights[k] -= log_r[k];
    if (std::isnan(log_weights[k]) || log_weights[k] > std::numeric_limits<double>::max()) {
      ++estimate.without_number;
      log_weights[k] = -std::numeric_limits<double>::infinity();
    }
    most = std::max(most, log_weights[k]);
  }
  std::sort(log_weights.begin(), log_weights.end());
  const auto real_n = static_cast<double>(n);
  double sum = 0;
  double squares = 0;
  if (std::isfinite(most)) {
    for (const double log_weight : log_weights) {
      const double w = std::exp(log_weight - most);
      sum += w;
      squares += w * w;
    }
    const double peak = std::exp(most);
    estimate.integral = peak * sum / real_n;
    estimate.standard_error =
        peak * std::sqrt(std::max(0.0, squares / real_n - sum * sum / (real_n * real_n)) / real_n);
    estimate.effective_draws = sum * sum / squares;
  }
  estimate.tail_index = hill_index(log_weights);
  return estimate;
}

}  // namespace riffle
