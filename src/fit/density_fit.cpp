#include "fit/density_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "core/executor.h"
#include "core/rows.h"
#include "fit/check_model.h"
#include "fit/far_off.h"
#include "fit/one_dimension.h"
#include "fit/point_checks.h"
#include "fit/training.h"
#include "fit/warnings.h"
#include "inference/evaluation.h"
#include "inference/gradient_source.h"
#include "io/points.h"
#include "model/draws.h"
#include "model/log_density.h"
#include "model/trained_model.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// Which points are held out depends on seed and row alone. Of few, one at least is where any are
/// to be, and one is not where that is no more than half of them.
void split(const Points& points, std::span<const char> far, const Spec& spec, SplitPoints& all) {
  const double holdout = choose_objective(spec.objective.name).arguments.number("holdout");
  const RandomStream stream{spec.run.seed, Purpose::hold_out, 0};
  const std::size_t rows = points.count();
  std::vector<double> chance;
  for (std::size_t row = 0; row < rows; ++row) {
    chance.push_back(
        stream.uniform(static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(row >> 32)));
  }
  const auto [least, most] = std::ranges::minmax_element(chance);
  if (holdout > 0 && rows > 1) {
    *least = 0;
    if (holdout <= 0.5) *most = 1;
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const bool out = chance[row] < holdout;
    auto& part = out ? all.held_out : all.training;
    const auto begin = points.values.begin() + static_cast<std::ptrdiff_t>(row * points.dim);
    part.insert(part.end(), begin, begin + static_cast<std::ptrdiff_t>(points.dim));
    (out ? all.held_out_far : all.training_far).push_back(far[row]);
  }
  if (all.training.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("of {} points none is left to train on: holdout is {}", rows, holdout));
  }
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

/// What the final figure is about: the points held out, or all where none is, but for those far
/// off, which would decide it alone.
struct Judged {
  std::vector<double> rows;
  std::size_t left_out = 0;
};

Judged judged_of(const SplitPoints& points) {
  const bool held_out = !points.held_out.empty();
  const auto& rows = held_out ? points.held_out : points.training;
  const auto& far = held_out ? points.held_out_far : points.training_far;
  Judged judged;
  for (std::size_t i = 0; i < far.size(); ++i) {
    if (far[i] != 0) {
      ++judged.left_out;
      continue;
    }
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(i * points.dim);
    judged.rows.insert(judged.rows.end(), begin, begin + static_cast<std::ptrdiff_t>(points.dim));
  }
  if (judged.rows.empty()) return {rows, 0};
  return judged;
}

double mean(std::span<const double> values) {
  double all = 0;
  for (const double x : values) all += x / static_cast<double>(values.size());
  return all;
}

/// Training in the flow's coordinates is told in the points'.
FitCallbacks shifted(const FitCallbacks& callbacks, double shift) {
  auto told = callbacks;
  if (callbacks.on_log) {
    told.on_log = [&callbacks, shift](std::uint64_t i, double loss) {
      callbacks.on_log(i, loss + shift);
    };
  }
  if (callbacks.on_progress) {
    told.on_progress = [&callbacks, shift](FitProgress progress) {
      progress.loss += shift;
      callbacks.on_progress(progress);
    };
  }
  return told;
}

std::vector<Snapshot> in_units_of_points(const Whitening& whitening,
                                         std::vector<Snapshot> snapshots) {
  for (auto& snapshot : snapshots) {
    std::vector<double> rows;
    for (std::size_t i = 0; i < snapshot.x.size(); ++i) {
      rows.insert(rows.end(), {snapshot.x[i], snapshot.y[i]});
    }
    rows = whitening.leave(rows);
    for (std::size_t i = 0; i < snapshot.x.size(); ++i) {
      snapshot.x[i] = rows[2 * i];
      snapshot.y[i] = rows[2 * i + 1];
    }
  }
  return snapshots;
}

/// Where the flow held the points that were held out likelier before training than ever after, and
/// by more than the noise of a training that had nothing to learn.
void warn_of_untrained(FitReport& report) {
  constexpr double noise = 0.02;  // nats a dimension
  const auto& curve = report.held_out_losses;
  if (curve.size() < 2) return;
  const double first = curve.front().loss;
  const double last = curve.back().loss;
  const auto dim = static_cast<double>(report.flow.dim());
  if (last <= first + noise * dim) return;
  report.warnings.push_back(fmt::format(
      "training made it worse: held-out points had a mean ln q of {:.4g} before it, and never more "
      "after, {:.4g} at the end; the flow is kept as it was before training: there are too few "
      "points for it to learn from, or the learning rate is too high",
      -first, -last));
}

template <class T>
FitReport typed_density_fit(const Spec& spec, const SplitPoints& points,
                            const FitCallbacks& callbacks, const FitHooks& hooks) {
  const auto set = InstructionSet::parse(spec.run.simd);
  const std::size_t dim = points.dim;
  const auto layers = parse_flow(spec.flow.layers);
  const auto model = make_model<T>(spec.base.name, layers, {dim, 0, set});
  Executor executor(threads_of(spec));
  const auto options = trainer_options(spec);
  const auto judged = judged_of(points);
  const auto& whitening = points.whitening;
  const auto inside = whitening.enter(points.training);
  const auto judged_inside = whitening.enter(judged.rows);
  const double shift = -mean(inside.log_det);
  const auto source = choose_objective(spec.objective.name)
                          .entry.source(SourceSetup<T>{.model = model,
                                                       .points = inside.values,
                                                       .batch = options.batch,
                                                       .executor = executor,
                                                       .set = set});
  auto first_batch = some_of<T>(inside.values, dim, spec.run.seed);
  Training<T> training{model, model, *source, first_batch};
  if (!points.held_out.empty()) {
    training.held_out = [&, away = mean(judged_inside.log_det)](std::span<const T> params) {
      return minus_log_likelihood(model, params, std::span(judged_inside.values), executor).mean -
             away;
    };
  }
  auto trained = train<T>(spec, options, training, shifted(callbacks, shift), hooks);
  for (double& loss : trained.state.losses) loss += shift;

  auto all =
      make_trained_model<T>(spec.base.name, whitening.behind(spec.flow.layers), {dim, 0, set});
  const auto fixed = whitening.parameters();
  all.params = trained.params;
  all.params.insert(
      all.params.begin() + static_cast<std::ptrdiff_t>(model.flow().parameters().size()),
      fixed.begin(), fixed.end());
  const auto& whole = *all.model;
  const auto params = all.all();
  const auto bound = minus_log_likelihood(whole, params, std::span(judged.rows), executor);
  auto drawn =
      draw<T>(whole, nullptr, params, {spec.run.seed, Purpose::draws, 0}, 0, spec.run.draws);
  auto figures = training_figures(trained, layers, "the data", executor.threads(), set);
  figures.target = std::filesystem::path(spec.target.samples).filename().string();
  figures.bound = bound.mean;
  figures.bound_se = bound.standard_error;
  figures.elbo = unknown;
  figures.elbo_se = unknown;
  figures.log_likelihood = -bound.mean;
  figures.log_likelihood_se = known(bound.standard_error);
  figures.samples = points.training.size() / dim;
  figures.held_out = points.held_out.size() / dim;
  figures.far_off = points.far_off;
  figures.far_off_judged = judged.left_out;
  figures.invalid_draws = bound.invalid;
  figures.injective = whole.injective(params);
  figures.warnings = points.warnings;
  FitReport report{
      std::move(figures),
      trained_flow(all, points.columns),
      {dim, std::move(drawn.z), std::move(drawn.log_q)},
      {},
      trained.state.loss_every,
      trained.state.losses,
      in_units_of_points(whitening, std::move(trained.snapshots)),
      std::move(trained.held_out),
  };
  if (trained.untrained) warn_of_untrained(report);
  add_warnings(report, false, 1);
  return report;
}

}  // namespace

SplitPoints split_points(Spec& spec) {
  return split_points(spec, read_points(spec.target.samples, {.chosen = spec.target.columns}));
}

SplitPoints split_points(Spec& spec, const Points& points) {
  if (points.count() == 0) {
    throw Error(ErrorKind::data, fmt::format("{} holds no points", spec.target.samples));
  }
  refuse_too_large(points, spec.target.samples);
  if (spec.flow.layers == "auto") spec.flow.layers = flow_for_points(points.dim);
  check_model(spec, points.dim);
  const auto spreads = spreads_of(points.values, points.dim);
  const bool constant = std::ranges::any_of(spreads, [](const auto& s) { return s.spread == 0; });
  const auto far = constant ? std::vector<FarOff>() : far_off(points.values, spreads);
  SplitPoints all{.dim = points.dim,
                  .columns = points.has_names ? points.names : std::vector<std::string>(),
                  .whitening = Whitening(points.dim),
                  .warnings = check_points(spec, points, spreads, far)};
  if (auto said = affine_in_one_dimension(spec, points.dim); !said.empty()) {
    all.warnings.push_back(std::move(said));
  }
  if (choose_objective(spec.objective.name).arguments.flag("whiten")) {
    all.whitening = Whitening::of(points.values, spreads);
  }
  std::vector<char> is_far(points.count(), 0);
  for (const auto& cell : far) is_far[cell.row] = 1;
  all.far_off = static_cast<std::size_t>(std::ranges::count(is_far, 1));
  split(points, is_far, spec, all);
  return all;
}

FitReport density_fit(const Spec& spec, const SplitPoints& points, const FitCallbacks& callbacks,
                      const FitHooks& hooks) {
  return spec.run.precision == Precision::float32
             ? typed_density_fit<float>(spec, points, callbacks, hooks)
             : typed_density_fit<double>(spec, points, callbacks, hooks);
}

}  // namespace riffle
