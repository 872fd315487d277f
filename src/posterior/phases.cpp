#include "posterior/phases.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/aligned.h"
#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "diagnostics/verdict.h"
#include "inference/gradient_estimator.h"
#include "inference/optimizer.h"
#include "model/draws.h"
#include "posterior/gradient_clip.h"

namespace riffle {
namespace {

/// The values that some of the parameters took, one row every few steps.
class Trail {
 public:
  Trail(std::size_t parameters, std::size_t most_rows)
      : every_(std::max<std::size_t>(1, parameters / watched)) {
    rows_.reserve(most_rows * (parameters / every_ + 1));
  }

  void clear() {
    rows_.clear();
    width_ = 0;
  }
  void add(std::span<const double> params) {
    const auto before = rows_.size();
    for (std::size_t i = 0; i < params.size(); i += every_) rows_.push_back(params[i]);
    width_ = rows_.size() - before;
  }

  /// The share of the watched parameters that are stationary: R̂ between the third and the fourth
  /// quarter of the rows is below 1.1 (Gelman & Rubin 1992, two chains).
  double stationary() const {
    const std::size_t rows = width_ == 0 ? 0 : rows_.size() / width_;
    const std::size_t n = rows / 4;
    if (n < 4) return 0;
    std::size_t good = 0;
    for (std::size_t column = 0; column < width_; ++column) {
      good += r_hat(rows - 2 * n, n, column) < 1.1 ? 1 : 0;
    }
    return static_cast<double>(good) / static_cast<double>(width_);
  }

 private:
  static constexpr std::size_t watched = 128;

  double r_hat(std::size_t first, std::size_t n, std::size_t column) const {
    double mean[2] = {0, 0};
    double squares = 0;
    const auto count = static_cast<double>(n);
    for (std::size_t chain = 0; chain < 2; ++chain) {
      for (std::size_t i = 0; i < n; ++i) mean[chain] += at(first + chain * n + i, column) / count;
      for (std::size_t i = 0; i < n; ++i) {
        const double off = at(first + chain * n + i, column) - mean[chain];
        squares += off * off;
      }
    }
    const double within = squares / (2 * (count - 1));
    const double between = (mean[0] - mean[1]) * (mean[0] - mean[1]) / 2;
    if (within == 0) return between == 0 ? 1 : std::numeric_limits<double>::infinity();
    return std::sqrt((count - 1) / count + between / within);
  }
  double at(std::size_t row, std::size_t column) const { return rows_[row * width_ + column]; }

  std::size_t every_;
  std::size_t width_ = 0;
  std::vector<double> rows_;
};

/// Means of the iterates over blocks of a phase, so that its first half can be left out when the
/// phase ends, whenever that is.
class BlockMeans {
 public:
  explicit BlockMeans(std::size_t size) : size_(size) {}

  void clear() { blocks_.clear(); }
  void begin_block() { blocks_.push_back({std::vector<double>(size_, 0.0), 0}); }
  void add(std::span<const double> params) {
    auto& [mean, count] = blocks_.back();
    const double part = 1 / ++count;
    for (std::size_t i = 0; i < size_; ++i) mean[i] += part * (params[i] - mean[i]);
  }
  std::vector<double> second_half() const {
    std::vector<double> all(size_, 0.0);
    double weight = 0;
    for (std::size_t b = blocks_.size() / 2; b < blocks_.size(); ++b) {
      const auto& [mean, count] = blocks_[b];
      weight += count;
      for (std::size_t i = 0; i < size_; ++i) all[i] += count / weight * (mean[i] - all[i]);
    }
    return all;
  }

 private:
  struct Block {
    std::vector<double> mean;
    double count;
  };
  std::size_t size_;
  std::vector<Block> blocks_;
};

/// What the verdict would say, if its draws are like these.
void foretell_verdict(const Draws& drawn, const Importance& weighed, PhaseResult& result) {
  constexpr double hardly_worth_looking = 0.5;
  if (!(weighed.ess_fraction >= hardly_worth_looking)) return;
  VerdictEvidence evidence;
  evidence.importance = weighed;
  // How many draws are to judge is not known here; that few of them are enough is seen there.
  auto& ess = evidence.importance.ess;
  ess = std::max(ess, 20'000 * weighed.ess_fraction);
  evidence.mean_shift = evidence.sd_shift = 0;
  result.reliable_but_for_moments = judge(evidence).grade == Grade::reliable;
  if (!result.reliable_but_for_moments) return;
  const auto weights = normalised_weights(log_weights(drawn.log_p, drawn.log_q));
  const auto shift = largest_shift(drawn.z, drawn.dim, weighed.draws, weights);
  constexpr double errors = 1;
  evidence.mean_shift = shift.mean + errors * shift.mean_error;
  evidence.sd_shift = shift.sd + errors * shift.sd_error;
  result.reliable = judge(evidence).grade == Grade::reliable;
}

}  // namespace

PhaseResult evaluate_quality(const FlowModel<double>& model, const Density<double>& target,
                             std::span<const double> params, const RandomStream& stream,
                             std::uint64_t draws, Executor& executor,
                             const std::function<bool()>& hurry) {
  return quality_of(draw_until(hurry, model, &target, params, stream, draws, executor));
}

PhaseResult quality_of(const Draws& drawn) {
  const auto weighed = importance(drawn.log_p, drawn.log_q);
  PhaseResult result;
  if (weighed.draws - weighed.zero - weighed.invalid < 2) {
    result.elbo = result.trimmed_elbo = -std::numeric_limits<double>::infinity();
    return result;
  }
  result.elbo = weighed.elbo;
  result.elbo_se = weighed.elbo_se;
  result.trimmed_elbo = weighed.trimmed_elbo;
  result.ess_fraction = weighed.ess_fraction;
  result.lost_in_rounding = lost_in_rounding(weighed);
  foretell_verdict(drawn, weighed, result);
  return result;
}

PhasedTraining train_in_phases(const FlowModel<double>& model, const Density<double>& target,
                               std::span<const double> start, const PhaseOptions& options,
                               Executor& executor, InstructionSet set,
                               const std::function<void(const PhaseResult&)>& on_phase) {
  constexpr std::uint64_t look_every = 10;
  constexpr std::uint64_t decide_every = 50;
  const std::size_t size = model.parameters().size();
  GradientEstimator<double> source(model, target, options.batch, executor, set);
  const auto optimizer = make_optimizer<double>("adam", {size, set});
  AlignedVector<double> params(optimizer->padded_size());
  AlignedVector<double> grad(optimizer->padded_size());
  std::copy(start.begin(), start.end(), params.begin());
  const auto own = std::span<const double>(params).first(size);
  const auto frozen = std::span<double>(grad).subspan(
      model.flow_part(std::span<const double>(params)).size() - options.frozen, options.frozen);
  Trail trail(size, options.most_steps / look_every + 1);
  BlockMeans blocks(size);
  GradientClip clip;

  const RandomStream fresh{options.seed, Purpose::evaluation, options.number << 32};
  auto first = evaluate_quality(model, target, start, fresh, options.evaluation_draws, executor,
                                options.hurry);
  PhasedTraining best{{start.begin(), start.end()}, first, {}, false};
  std::uint64_t step = 0;
  double rate = options.rate;
  int idle = 0;
  for (std::size_t phase = 0; phase < options.most_phases && !best.stopped; ++phase, rate /= 2) {
    if (best.quality.ess_fraction >= options.enough) break;
    if (options.until_reliable && phase > 0 && best.quality.reliable) break;
    trail.clear();
    blocks.clear();
    std::uint64_t in_phase = 0;
    while (in_phase < options.most_steps) {
      if (options.stop(options.batch + options.evaluation_draws)) {
        best.stopped = true;
        break;
      }
      ObjectiveTerms terms{.path = options.path};
      if (options.beta) terms.beta = options.beta(step);
      source.estimate(params, {options.seed, Purpose::training, (options.number << 32) + step},
                      terms, grad);
      std::fill(frozen.begin(), frozen.end(), 0.0);
      if (options.frozen_base) std::ranges::fill(model.base_part(std::span<double>(grad)), 0.0);
      clip(grad);
      optimizer->step(rate, params, grad);
      ++step;
      ++in_phase;
      if (in_phase % decide_every == 1) blocks.begin_block();
      blocks.add(own);
      if (in_phase % look_every == 0) trail.add(own);
      if (in_phase % decide_every == 0 && in_phase >= options.least_steps &&
          trail.stationary() > 0.9) {
        break;
      }
    }
    if (in_phase == 0) break;
    const auto mean = blocks.second_half();
    auto result = evaluate_quality(model, target, mean, fresh, options.evaluation_draws, executor,
                                   options.hurry);
    result.steps = step;
    result.rate = rate;
    best.phases.push_back(result);
    if (on_phase) on_phase(result);
    // The draws are those of the phase before, so that the gain has little noise.
    const double gain = result.trimmed_elbo - best.quality.trimmed_elbo;
    if (gain > 0) {
      best.params = mean;
      best.quality = result;
    }
    std::copy(best.params.begin(), best.params.end(), params.begin());
    if (best.quality.ess_fraction < options.hopeless) break;
    idle = gain > options.worthwhile ? 0 : idle + 1;
    if (idle >= 2) break;
  }
  return best;
}

}  // namespace riffle
