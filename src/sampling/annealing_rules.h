#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "sampling/annealing.h"
#include "sampling/ensemble_draws.h"
#include "sampling/island_error.h"

namespace riffle {

/// What makes the mean weight an unbiased estimate; tests break each.
struct AnnealingRules : HamiltonianRules {
  static constexpr bool weigh_before_moves = true;
  static constexpr bool keep_mean_weight = true;  ///< of an island that is resampled
};

/// What `anneal` is, by a template of its rules.
template <class Rules>
class Annealing {
 public:
  Annealing(const FlowModel<double>& model, std::span<const double> params,
            const Density<double>& target, const ParticleOptions& options,
            const RandomStream& stream, Executor& executor, InstructionSet set)
      : model_(model),
        params_(params),
        options_(options),
        transition_(options.transition),
        stream_(stream),
        executor_(executor),
        transitions_(model, params, target, executor, set),
        all_(transitions_.start(options.particles, next_stream())),
        log_weights_(options.particles, 0.0),
        ancestors_(options.particles) {
    assert(options.islands > 0 && options.particles % options.islands == 0);
    for (std::size_t i = 0; i < ancestors_.size(); ++i) ancestors_[i] = i;
    found_.gradients = options.particles;
    for (std::size_t i = 0; i < options.particles; ++i) {
      if (std::isfinite(log_ratio(i))) continue;
      ++found_.failed;
      log_weights_[i] = nothing;
    }
  }

  Particles run() {
    while (found_.beta < 1 && any_weight()) {
      const double next = next_beta();
      AnnealingStep step;
      step.beta = next;
      if (Rules::weigh_before_moves) weigh(next);
      step.ess_fraction = ess_fraction();
      step.resampled = resample(next_stream());
      step.step_size = transition_.step_size;
      transition_.beta = next;
      const bool done = move(step.moves);
      if (!Rules::weigh_before_moves) weigh(next);
      found_.beta = next;
      found_.steps.push_back(step);
      if (!done) break;
    }
    report();
    return std::move(found_);
  }

 private:
  static constexpr double nothing = -std::numeric_limits<double>::infinity();

  RandomStream next_stream() {
    const RandomStream now = stream_;
    ++stream_.step;
    return now;
  }

  /// ln π/q0 of a particle, which is ln p/q; -infinity or NaN where it is of no account.
  double log_ratio(std::size_t i) const {
    const auto& tile = all_.tile_of(i);
    const double ratio = tile.log_pi[all_.place(i)] - tile.log_q0[all_.place(i)];
    return std::isfinite(ratio) ? ratio : nothing;
  }
  bool any_weight() const {
    return std::any_of(log_weights_.begin(), log_weights_.end(),
                       [](double w) { return w > nothing; });
  }

  /// CESS/N of a step of the temperature, over the particles that have weight.
  double conditional_ess(double by) const {
    const double most_weight = *std::max_element(log_weights_.begin(), log_weights_.end());
    double most = nothing;
    for (std::size_t i = 0; i < log_weights_.size(); ++i) {
      if (log_weights_[i] > nothing) most = std::max(most, by * log_ratio(i));
    }
    double weights = 0;
    double first = 0;
    double second = 0;
    for (std::size_t i = 0; i < log_weights_.size(); ++i) {
      if (!(log_weights_[i] > nothing)) continue;
      const double weight = std::exp(log_weights_[i] - most_weight);
      const double factor = std::exp(by * log_ratio(i) - most);
      weights += weight;
      first += weight * factor;
      second += weight * factor * factor;
    }
    return first * first / (weights * second);
  }

  double next_beta() const {
    if (!options_.temperatures.empty()) return options_.temperatures[found_.steps.size()];
    if (found_.steps.size() + 1 >= options_.most_temperatures) return 1;
    const double left = 1 - found_.beta;
    if (conditional_ess(left) >= options_.conditional_ess) return 1;
    double low = 0;
    double high = left;
    // In ratios, as the first step may be tiny; then to three digits.
    while (high > 1e-12 && conditional_ess(0.1 * high) < options_.conditional_ess) high *= 0.1;
    low = 0.1 * high;
    for (int halving = 0; halving < 12; ++halving) {
      const double middle = 0.5 * (low + high);
      (conditional_ess(middle) >= options_.conditional_ess ? low : high) = middle;
    }
    return found_.beta + low;
  }

  void weigh(double next) {
    for (std::size_t i = 0; i < log_weights_.size(); ++i) {
      if (log_weights_[i] > nothing) log_weights_[i] += (next - found_.beta) * log_ratio(i);
    }
  }

  double ess_fraction() const {
    return effective(0, log_weights_.size()) / static_cast<double>(log_weights_.size());
  }
  double effective(std::size_t first, std::size_t count) const {
    const auto begin = log_weights_.begin() + static_cast<std::ptrdiff_t>(first);
    const double most = *std::max_element(begin, begin + static_cast<std::ptrdiff_t>(count));
    if (!(most > nothing)) return 0;
    double sum = 0;
    double squares = 0;
    for (std::size_t i = first; i < first + count; ++i) {
      const double weight = std::exp(log_weights_[i] - most);
      sum += weight;
      squares += weight * weight;
    }
    return sum * sum / squares;
  }

  /// Particles without weight are replaced at the first occasion: they would cost and not move.
  bool wants_resampling(std::size_t first, std::size_t size, double ess) const {
    const auto begin = log_weights_.begin() + static_cast<std::ptrdiff_t>(first);
    if (options_.resample_below == 0) return false;
    return ess < options_.resample_below * static_cast<double>(size) ||
           std::find(begin, begin + static_cast<std::ptrdiff_t>(size), nothing) !=
               begin + static_cast<std::ptrdiff_t>(size);
  }

  /// Islands resampled.
  std::size_t resample(const RandomStream& stream) {
    const std::size_t size = options_.particles / options_.islands;
    std::vector<std::size_t> from(options_.particles);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = i;
    std::size_t resampled = 0;
    for (std::size_t k = 0; k < options_.islands; ++k) {
      const std::size_t first = k * size;
      const double ess = effective(first, size);
      if (ess == 0 || !wants_resampling(first, size, ess)) continue;
      ++resampled;
      const double mean = log_mean_exp({log_weights_.data() + first, size});
      // Systematic: particle i has the places in which its share of (0, n) holds an integer plus
      // one uniform number.
      const double offset = stream.uniform(static_cast<std::uint32_t>(k), 0);
      double upto = 0;
      std::size_t place = 0;
      std::size_t last = first;
      for (std::size_t i = first; i < first + size; ++i) {
        if (!(log_weights_[i] > nothing)) continue;
        last = i;
        upto += std::exp(log_weights_[i] - mean);
        for (; place < size && static_cast<double>(place) + offset < upto; ++place) {
          from[first + place] = i;
        }
      }
      for (; place < size; ++place) from[first + place] = last;  // by rounding
      const double kept = Rules::keep_mean_weight ? mean : 0;
      std::fill_n(log_weights_.begin() + static_cast<std::ptrdiff_t>(first), size, kept);
    }
    if (resampled > 0) gather(from);
    return resampled;
  }

  void gather(const std::vector<std::size_t>& from) {
    Ensemble next(all_.dim, all_.chains);
    std::vector<std::size_t> ancestors(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      auto& source = all_.tile_of(from[i]);
      const std::size_t s = all_.place(from[i]);
      auto& to = next.tile_of(i);
      const std::size_t t = next.place(i);
      for (std::size_t d = 0; d < all_.dim; ++d) {
        to.u.row(d)[t] = source.u.row(d)[s];
        to.gradient.row(d)[t] = source.gradient.row(d)[s];
      }
      to.log_q0[t] = source.log_q0[s];
      to.log_pi[t] = source.log_pi[s];
      to.smooth[t] = source.smooth[s];
      ancestors[i] = ancestors_[from[i]];
    }
    all_ = std::move(next);
    ancestors_ = std::move(ancestors);
  }

  /// Whether it was not stopped.
  bool move(TransitionReport& total) {
    for (std::size_t m = 0; m < options_.moves; ++m) {
      if (options_.stop(options_.particles * transition_.steps)) return false;
      const auto report = transitions_.move(all_, transition_, next_stream());
      total.add(report);
      if (options_.wanted_acceptance > 0) {
        transition_.step_size *= std::exp(report.acceptance() - options_.wanted_acceptance);
      }
    }
    return true;
  }

  void report() {
    TransitionReport total;
    for (const auto& step : found_.steps) total.add(step.moves);
    found_.gradients += total.gradients;
    found_.failed += total.failed;
    found_.acceptance = total.acceptance();
    found_.log_z = log_mean_exp(log_weights_);
    found_.log_z_se = found_.beta < 1 ? std::numeric_limits<double>::quiet_NaN()
                                      : island_error(log_weights_, options_.islands);
    found_.u = base_points(all_);
    found_.draws = draws_of(all_, model_, params_, executor_);
    std::vector<std::size_t> distinct;
    for (std::size_t i = 0; i < ancestors_.size(); ++i) {
      if (log_weights_[i] > nothing) distinct.push_back(ancestors_[i]);
    }
    std::sort(distinct.begin(), distinct.end());
    found_.unique_ancestors =
        static_cast<std::size_t>(std::unique(distinct.begin(), distinct.end()) - distinct.begin());
    found_.log_weights = std::move(log_weights_);
    found_.ancestors = std::move(ancestors_);
  }

  const FlowModel<double>& model_;
  std::span<const double> params_;
  const ParticleOptions& options_;
  TransitionOptions transition_;
  RandomStream stream_;
  Executor& executor_;
  BasicTransitions<Rules> transitions_;
  Ensemble all_;
  std::vector<double> log_weights_;
  std::vector<std::size_t> ancestors_;
  Particles found_;
};

}  // namespace riffle
