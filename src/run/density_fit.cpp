#include "run/density_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "core/executor.h"
#include "core/rows.h"
#include "diagnostics/evaluation.h"
#include "diagnostics/log_density.h"
#include "inference/likelihood_estimator.h"
#include "io/points.h"
#include "riffle/error.h"
#include "run/check_model.h"
#include "run/training.h"
#include "run/warnings.h"

namespace riffle {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// Which points are held out depends on seed and row alone.
SplitPoints split(const Points& points, double holdout, std::uint64_t seed) {
  const RandomStream stream{seed, Purpose::hold_out, 0};
  const std::size_t rows = points.count();
  SplitPoints split;
  split.dim = points.dim;
  for (std::size_t row = 0; row < rows; ++row) {
    const bool out = stream.uniform(static_cast<std::uint32_t>(row),
                                    static_cast<std::uint32_t>(row >> 32)) < holdout;
    auto& part = out ? split.held_out : split.training;
    const auto begin = points.values.begin() + static_cast<std::ptrdiff_t>(row * points.dim);
    part.insert(part.end(), begin, begin + static_cast<std::ptrdiff_t>(points.dim));
  }
  if (split.training.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("of {} points none is left to train on: objective.holdout is {}", rows,
                            holdout));
  }
  return split;
}

/// Full tiles of points, drawn with replacement.
template <class T>
std::vector<TileBuffer<T>> some_of(std::span<const double> rows, std::size_t dim,
                                   std::uint64_t seed) {
  constexpr std::size_t tiles = 32;
  const auto n = static_cast<double>(rows.size() / dim);
  const RandomStream stream{seed, Purpose::first_batch, 0};
  std::vector<TileBuffer<T>> batch(tiles, TileBuffer<T>(dim));
  std::vector<double> drawn(tile_size * dim);
  for (std::size_t k = 0; k < tiles; ++k) {
    for (std::size_t s = 0; s < tile_size; ++s) {
      const double u = stream.uniform(static_cast<std::uint32_t>(k * tile_size + s), 0);
      const auto row = static_cast<std::size_t>(n * u);
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(row * dim), dim,
                  drawn.begin() + static_cast<std::ptrdiff_t>(s * dim));
    }
    rows_to_tile<T>(drawn, batch[k].view());
  }
  return batch;
}

/// -mean of ln q at the rows, over those where it is finite.
template <class T>
MonteCarlo minus_log_likelihood(const FlowModel<T>& model, std::span<const T> params,
                                std::span<const double> rows, Executor& executor) {
  MonteCarlo result;
  double squares = 0;
  for (const double log_q : log_density_at(model, params, rows, executor)) {
    if (!std::isfinite(log_q)) {
      ++result.invalid;
      continue;
    }
    ++result.valid;
    const double delta = -log_q - result.mean;
    result.mean += delta / static_cast<double>(result.valid);
    squares += delta * (-log_q - result.mean);
  }
  const auto n = static_cast<double>(result.valid);
  if (result.valid == 0) result.mean = unknown;
  result.standard_error = result.valid < 2 ? unknown : std::sqrt(squares / (n - 1) / n);
  return result;
}

std::optional<double> known(double x) {
  return std::isfinite(x) ? std::optional(x) : std::nullopt;
}

template <class T>
FitReport typed_density_fit(const Spec& spec, const SplitPoints& rows,
                            const FitCallbacks& callbacks, const FitHooks& hooks) {
  const auto set = InstructionSet::parse(spec.run.simd);
  const std::size_t dim = rows.dim;
  const auto layers = parse_flow(spec.flow.layers);
  const auto model = make_model<T>(spec.base.name, layers, {dim, 0, set});
  Executor executor(threads_of(spec));
  const auto options = trainer_options(spec);
  LikelihoodEstimator<T> source(model, rows.training, options.batch, executor, set);
  auto first_batch = some_of<T>(rows.training, dim, spec.run.seed);
  Training<T> training{model, model, source, first_batch};
  if (!rows.held_out.empty()) {
    training.held_out = [&](std::span<const T> params) {
      return minus_log_likelihood(model, params, std::span(rows.held_out), executor).mean;
    };
  }
  auto trained = train<T>(spec, options, training, callbacks, hooks);

  const std::span<const T> params(trained.params);
  const auto& judged = rows.held_out.empty() ? rows.training : rows.held_out;
  const auto bound = minus_log_likelihood(model, params, std::span(judged), executor);
  auto drawn =
      draw<T>(model, nullptr, params, {spec.run.seed, Purpose::draws, 0}, 0, spec.run.draws);
  std::uint64_t invalid_in_training = 0;
  for (const auto n : trained.state.blame) invalid_in_training += n;
  FitReport report{
      .target = std::filesystem::path(spec.target.samples).filename().string(),
      .stop_reason = std::string(name_of(trained.reason)),
      .iterations = trained.state.iteration,
      .threads = executor.threads(),
      .simd = std::string(set.name()),
      .seconds = trained.seconds,
      .us_per_iteration = trained.us_per_iteration,
      .bound = bound.mean,
      .bound_se = bound.standard_error,
      .elbo = unknown,
      .elbo_se = unknown,
      .log_z_true = {},
      .kl = {},
      .kl_se = {},
      .log_likelihood = -bound.mean,
      .log_likelihood_se = known(bound.standard_error),
      .samples = rows.training.size() / dim,
      .held_out = rows.held_out.size() / dim,
      .invalid_draws = bound.invalid,
      .invalid_training_draws = invalid_in_training,
      .invalid_training_draws_by = blamed(trained.state.blame, layers, "the data"),
      .refused_steps = trained.state.refused_steps,
      .refused_steps_by = blamed(trained.state.refusals, layers, "the base"),
      .injective = model.injective(params),
      .warnings = {},
      .flow = TrainedFlow({spec.base.name,
                           spec.flow.layers,
                           spec.run.precision,
                           dim,
                           {params.begin(), params.end()}}),
      .draws = {dim, std::move(drawn.z), std::move(drawn.log_q)},
      .log_p = {},
      .loss_every = trained.state.loss_every,
      .losses = trained.state.losses,
      .snapshots = std::move(trained.snapshots),
  };
  add_warnings(report, false, 1);
  return report;
}

}  // namespace

SplitPoints split_points(const Spec& spec) {
  const auto points = read_points(spec.target.samples);
  if (points.count() == 0) {
    throw Error(ErrorKind::data, fmt::format("{} holds no points", spec.target.samples));
  }
  refuse_too_large(points, spec.target.samples);
  check_model(spec, points.dim);
  return split(points, spec.objective.holdout, spec.run.seed);
}

FitReport density_fit(const Spec& spec, const SplitPoints& points, const FitCallbacks& callbacks,
                      const FitHooks& hooks) {
  return spec.run.precision == "float" ? typed_density_fit<float>(spec, points, callbacks, hooks)
                                       : typed_density_fit<double>(spec, points, callbacks, hooks);
}

}  // namespace riffle
