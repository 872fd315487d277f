#include "posterior/teaching.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/aligned.h"
#include "inference/likelihood_estimator.h"
#include "inference/optimizer.h"
#include "model/log_density.h"
#include "posterior/gradient_clip.h"

namespace riffle {
namespace {

double mean_log_q(const FlowModel<double>& model, std::span<const double> params,
                  std::span<const double> points, Executor& executor) {
  double sum = 0;
  const auto log_q = log_density_at(model, params, points, executor);
  for (const double x : log_q) sum += x;
  return std::isfinite(sum) ? sum / static_cast<double>(log_q.size())
                            : -std::numeric_limits<double>::infinity();
}

}  // namespace

Teaching teach(const FlowModel<double>& model, std::span<const double> start,
               std::span<const double> points, std::span<const double> held_out,
               const TeachingOptions& options, Executor& executor, InstructionSet set) {
  assert(!points.empty() && !held_out.empty());
  // Of the last hundred steps or so: less noise than any of them has.
  constexpr double memory = 0.02;
  const std::size_t size = model.parameters().size();
  LikelihoodEstimator<double> source(model, points, options.batch, executor, set);
  auto optimizer = make_optimizer<double>("adam", {size, set});
  AlignedVector<double> params(optimizer->padded_size());
  AlignedVector<double> grad(optimizer->padded_size());
  std::copy(start.begin(), start.end(), params.begin());
  const auto own = std::span<const double>(params).first(size);
  const auto frozen = std::span<double>(grad).subspan(
      model.flow_part(std::span<const double>(params)).size() - options.frozen, options.frozen);
  std::vector<double> average(start.begin(), start.end());
  GradientClip clip;

  Teaching best{average, mean_log_q(model, average, held_out, executor), 0};
  double rate = options.rate;
  std::size_t idle = 0;
  std::size_t halvings = 0;
  std::uint64_t step = 0;
  for (; step < options.most_steps && !options.hurry();) {
    source.estimate(params, {options.seed, Purpose::teaching, (options.number << 32) + step}, {},
                    grad);
    std::fill(frozen.begin(), frozen.end(), 0.0);
    clip(grad);
    optimizer->step(rate, params, grad);
    ++step;
    for (std::size_t i = 0; i < size; ++i) average[i] += memory * (own[i] - average[i]);
    if (step % options.look_every != 0) continue;
    const double found = mean_log_q(model, average, held_out, executor);
    if (found > best.held_out) {
      best.params = average;
      best.held_out = found;
      idle = 0;
    } else if (++idle == options.idle) {
      if (++halvings > options.most_halvings) break;
      idle = 0;
      rate /= 2;
      average = best.params;
      std::copy(average.begin(), average.end(), params.begin());
    }
  }
  best.steps = step;
  return best;
}

}  // namespace riffle
