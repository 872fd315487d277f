#include "posterior/modes.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace riffle {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// -∂²ln p at z by central differences of the gradient, steps in terms of `scale`.
MatrixXd negative_hessian(const PointDensity& density, const VectorXd& z, const VectorXd& scale) {
  constexpr double relative_step = 1e-4;
  const Index dim = z.size();
  MatrixXd points(dim, 2 * dim);
  for (Index d = 0; d < dim; ++d) {
    const double step = relative_step * scale[d];
    points.col(2 * d) = z;
    points(d, 2 * d) += step;
    points.col(2 * d + 1) = z;
    points(d, 2 * d + 1) -= step;
  }
  const MatrixXd gradients = density.at(points).gradients;
  MatrixXd hessian(dim, dim);
  for (Index d = 0; d < dim; ++d) {
    const double width = points(d, 2 * d) - points(d, 2 * d + 1);
    hessian.col(d) = (gradients.col(2 * d + 1) - gradients.col(2 * d)) / width;
  }
  return (hessian + hessian.transpose()) / 2;
}

/// The normal of Laplace's approximation where a climb ended, if that is a proper maximum.
std::optional<Normal> laplace(const PointDensity& density, const Ascent& ascent) {
  const auto& top = ascent.path.back();
  VectorXd scale =
      inverse_hessian_estimate(ascent, ascent.path.size() - 1).diagonal().array().sqrt();
  // The estimate can be far off; a second look takes its steps from the first.
  for (int look = 0; look < 2; ++look) {
    const MatrixXd hessian = negative_hessian(density, top.z, scale);
    if (!hessian.allFinite()) return std::nullopt;
    const Eigen::LLT<MatrixXd> factor(hessian);
    if (factor.info() != Eigen::Success) return std::nullopt;
    // Without a good metric a climb can stop short of the top and not know it.
    constexpr double to_gain = 1e-3;
    if (top.gradient.dot(factor.solve(top.gradient)) / 2 > to_gain) return std::nullopt;
    const MatrixXd covariance = factor.solve(MatrixXd::Identity(top.z.size(), top.z.size()));
    if (look == 1) return make_normal(top.z, covariance);
    scale = covariance.diagonal().array().sqrt();
    if (!scale.allFinite()) return std::nullopt;
  }
  return std::nullopt;
}

constexpr Index rough_draws = 32;

/// ELBO of a normal, from a few draws of the standard one.
double rough_elbo(const PointDensity& density, const Normal& normal, const MatrixXd& standard) {
  const MatrixXd draws = (normal.lower * standard).colwise() + normal.mean;
  const VectorXd log_p = density.at(draws).log_p;
  if (!log_p.allFinite()) return -std::numeric_limits<double>::infinity();
  return log_p.mean() + normal.half_log_volume() + 0.5 * static_cast<double>(density.dim());
}

class Search {
 public:
  Search(const PointDensity& density, const ModeSearchOptions& options, std::uint64_t seed,
         Executor& executor)
      : density_(density),
        options_(options),
        seed_(seed),
        executor_(executor),
        standard_(standard_normals(density.dim(), {seed, Purpose::mode_search, 2}, 0, rough_draws,
                                   options.set)) {}

  ModeSearch run() {
    const Index dim = density_.dim();
    const auto from_near = [&](std::uint32_t start) -> VectorXd {
      if (!options_.given.empty()) return options_.given[start];
      const RandomStream stream{seed_, Purpose::mode_search, 0};
      VectorXd z(dim);
      for (Index d = 0; d < dim; ++d) {
        const double u = stream.uniform(start, static_cast<std::uint32_t>(d));
        z[d] = options_.reach * (2 * u - 1);
      }
      return z;
    };
    const auto& given = options_.given;
    const auto next = [&] {
      return given.empty() ? options_.starts : std::min(options_.starts, given.size() - started_);
    };
    const std::size_t most = given.empty() ? options_.most_tries : given.size();
    auto near = climb_from(next(), false, from_near);
    while (result_.climbs == 0 && started_ < most && !options_.abandon()) {
      near = climb_from(next(), false, from_near);
    }
    choose_start(near);
    if (!options_.stop(cost_of(options_.wide_starts))) climb_widely(options_.wide_starts);
    leave_out_negligible();
    constexpr std::size_t more = 32;
    while (result_.modes.size() > 1 && started_ < options_.most_starts && !searched_enough() &&
           !options_.stop(cost_of(more))) {
      climb_widely(more);
      leave_out_negligible();
    }
    return std::move(result_);
  }

 private:
  /// Evaluations that so many more climbs may take, by those that were made.
  std::uint64_t cost_of(std::size_t climbs) const {
    return started_ == 0 ? 0 : climbs * spent_ / started_;
  }

  /// Every mode was reached more than once, and there were many climbs for each.
  bool searched_enough() const {
    constexpr std::size_t climbs_per_mode = 24;
    return result_.unseen() == 0 && result_.climbs >= climbs_per_mode * result_.modes.size();
  }

  /// Starts around what was found so far: every other one from 1 to 30 standard deviations off a
  /// single mode, the rest from a normal distribution up to 4 times as wide as all modes together.
  void climb_widely(std::size_t starts) {
    std::vector<Normal> around;
    for (const auto& mode : result_.modes) around.push_back(mode.normal);
    if (result_.start) around.push_back(*result_.start);
    if (around.empty()) return;
    const auto moments = moments_of(around);
    const auto all = make_normal(moments.mean, moments.covariance).value_or(around.front());
    const RandomStream stream{seed_, Purpose::mode_search, 1};
    const MatrixXd draws = standard_normals(density_.dim(), stream, started_,
                                            static_cast<Index>(starts), options_.set);
    climb_from(starts, true, [&](std::uint32_t start) {
      const auto off = draws.col(static_cast<Index>(start - started_));
      const double u = stream.uniform(start, 0xFFFFFFFF);
      if (around.size() > 1 && start % 2 == 1) {
        return VectorXd(all.mean + std::pow(4.0, u) * (all.lower * off));
      }
      const auto& normal = around[(start / 2) % around.size()];
      return VectorXd(normal.mean + std::pow(30.0, u) * (normal.lower * off));
    });
  }

  template <class Start>
  std::vector<Ascent> climb_from(std::size_t starts, bool wide, Start&& start) {
    std::vector<Ascent> ascents(starts);
    auto how = options_.climb;
    if (wide && result_.modes.empty() && options_.most_unsettled > 0) {
      how.most_evaluations = std::min(how.most_evaluations, options_.most_unsettled);
    }
    executor_.run(starts, [&](std::size_t i, std::size_t) {
      if (options_.abandon()) return;
      ascents[i] = climb(density_, start(static_cast<std::uint32_t>(started_ + i)), how);
    });
    for (std::size_t i = 0; i < starts; ++i) {
      take(ascents[i], wide);
      spent_ += ascents[i].evaluations;
    }
    started_ += starts;
    std::stable_sort(result_.modes.begin(), result_.modes.end(),
                     [](const Mode& a, const Mode& b) { return a.log_mass > b.log_mass; });
    return ascents;
  }

  void take(const Ascent& ascent, bool wide) {
    if (ascent.path.empty()) {
      if (wide) return;
      const double log_p = ascent.start_log_p;
      ++result_.impossible;
      result_.nan += std::isnan(log_p) ? 1 : 0;
      result_.nothing += std::isinf(log_p) && log_p < 0 ? 1 : 0;
      result_.infinite += std::isinf(log_p) && log_p > 0 ? 1 : 0;
      return;
    }
    ++result_.climbs;
    if (ascent.converged) {
      const auto& top = ascent.path.back();
      for (auto& mode : result_.modes) {
        if (mode.normal.distance(top.z) < 0.5 && std::abs(mode.log_p - top.log_p) < 0.1) {
          ++mode.found;
          return;
        }
      }
      if (auto normal = laplace(density_, ascent)) {
        const double log_mass = top.log_p + normal->half_log_volume();
        result_.modes.push_back({std::move(*normal), top.log_p, log_mass, 1});
        return;
      }
    }
    // From far off a climb may well end in the middle of nowhere: that says nothing of p.
    result_.unsettled += wide ? 0 : 1;
  }

  void offer(const Normal& normal) {
    const double elbo = rough_elbo(density_, normal, standard_);
    // Near the edge of a support no normal may have a finite one.
    if (result_.start && elbo <= result_.start_elbo) return;
    result_.start_elbo = elbo;
    result_.start = normal;
  }

  /// Where the heaviest mode is like a normal distribution, its ELBO is near its mass. Where not,
  /// the top may be a spike that holds nothing, and what the climbs went through is looked at as
  /// Pathfinder does.
  void choose_start(const std::vector<Ascent>& ascents) {
    if (!result_.modes.empty()) {
      const auto& heaviest = result_.modes.front();
      offer(heaviest.normal);
      const double little = 1 + 0.1 * static_cast<double>(density_.dim());
      if (result_.start_elbo > heaviest.log_mass - little) return;
    }
    constexpr std::size_t looks = 16;
    for (const auto& ascent : ascents) {
      const std::size_t every = 1 + ascent.path.size() / looks;
      for (std::size_t k = 0; k < ascent.path.size(); k += every) {
        if (result_.start && options_.stop(rough_draws)) return;
        if (auto normal = make_normal(ascent.path[k].z, inverse_hessian_estimate(ascent, k))) {
          offer(*normal);
        }
      }
    }
    // Where each of them has draws at which p fails, none has a bound.
    if (!result_.start && !result_.modes.empty()) result_.start = result_.modes.front().normal;
  }

  void leave_out_negligible() {
    if (result_.modes.empty()) return;
    // An ELBO is a bound on the whole mass.
    const double least =
        std::max(result_.modes.front().log_mass, result_.start_elbo) - options_.negligible;
    std::erase_if(result_.modes, [&](const Mode& mode) { return mode.log_mass < least; });
  }

  const PointDensity& density_;
  const ModeSearchOptions& options_;
  std::uint64_t seed_;
  Executor& executor_;
  ModeSearch result_;
  MatrixXd standard_;  ///< draws of N(0, I) that all normals are judged by
  std::size_t started_ = 0;
  std::uint64_t spent_ = 0;  ///< evaluations of the climbs
};

}  // namespace

double ModeSearch::unseen() const {
  std::size_t once = 0;
  std::size_t all = 0;
  for (const auto& mode : modes) {
    once += mode.found == 1 ? 1 : 0;
    all += mode.found;
  }
  return all == 0 ? 0 : static_cast<double>(once) / static_cast<double>(all);
}

ModeSearch search_modes(const PointDensity& density, const ModeSearchOptions& options,
                        std::uint64_t seed, Executor& executor) {
  return Search(density, options, seed, executor).run();
}

}  // namespace riffle
