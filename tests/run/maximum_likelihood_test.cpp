// Fits to points, from their file to the figures: what is held out, when training ends, and which
// parameters are kept.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <numbers>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "io/npy_text.h"
#include "run/resumable_fit.h"
#include "run/run_folder.h"
#include "run/training.h"
#include "support/random.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

/// A normal of the plane with means 1 and -2, standard deviations 1.5 and 0.7, correlation 0.8.
struct KnownNormal {
  static constexpr double sd_x = 1.5;
  static constexpr double sd_y = 0.7;
  static constexpr double correlation = 0.8;
  static inline const double own = std::sqrt(1 - correlation * correlation);  // share of y's own

  static std::vector<double> draw(std::size_t n, std::uint64_t seed) {
    test::Random random(seed);
    std::vector<double> rows;
    for (std::size_t i = 0; i < n; ++i) {
      const double a = random.normal();
      const double b = random.normal();
      rows.insert(rows.end(), {1 + sd_x * a, -2 + sd_y * (correlation * a + own * b)});
    }
    return rows;
  }

  static double minus_entropy() { return -std::log(2 * std::numbers::pi * sd_x * sd_y * own) - 1; }

  static double log_density(double x, double y) {
    const double a = (x - 1) / sd_x;
    const double b = ((y + 2) / sd_y - correlation * a) / own;
    return minus_entropy() + 1 - (a * a + b * b) / 2;
  }
};

/// A table of numbers, each to the bit.
std::string csv_of(const std::vector<double>& rows, std::size_t dim) {
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += fmt::format("{}{}", rows[i], (i + 1) % dim == 0 ? '\n' : ',');
  }
  return text;
}

Spec spec_for(const fs::path& points) {
  Spec spec;
  spec.target.samples = points.string();
  spec.objective.name = "maximum-likelihood";
  spec.optimizer.name = "adam";
  spec.run.threads = 1;
  spec.run.plots = false;
  return spec;
}

/// Mean of ln p over points.
double mean_log_density(const std::vector<double>& rows) {
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    sum += KnownNormal::log_density(rows[i], rows[i + 1]);
  }
  return sum / static_cast<double>(rows.size() / 2);
}

/// Mean of ln p - ln q over fresh draws of the normal, which estimates KL(p | q).
double divergence(const TrainedFlow& flow) {
  const auto rows = KnownNormal::draw(4000, 99);
  const auto log_q = flow.log_density(rows);
  const double sum = std::accumulate(log_q.begin(), log_q.end(), 0.0);
  return mean_log_density(rows) - sum / static_cast<double>(log_q.size());
}

TEST(MaximumLikelihood, LearnsAKnownNormal) {
  const test::TemporaryFolder folder;
  constexpr std::size_t n = 20'000;
  test::spill(folder / "points.csv", csv_of(KnownNormal::draw(n, 1), 2));
  auto spec = spec_for(folder / "points.csv");
  spec.flow.layers = "affine-full";
  spec.optimizer.learning_rate = 0.02;
  spec.run.iterations = 1500;
  for (const char* precision : {"float", "double"}) {
    SCOPED_TRACE(precision);
    spec.run.precision = precision;
    const auto report = fit(spec);
    EXPECT_EQ(report.samples + report.held_out, n);
    // The share that is held out is random, with a standard deviation of 42 points.
    EXPECT_NEAR(static_cast<double>(report.held_out), 0.1 * n, 5 * std::sqrt(0.09 * n));
    ASSERT_TRUE(report.log_likelihood && report.log_likelihood_se);
    // -ln p has variance 1 here, half that of a chi-squared variable with two degrees of freedom.
    const double se = 1 / std::sqrt(static_cast<double>(report.held_out));
    EXPECT_NEAR(*report.log_likelihood_se, se, 0.1 * se);
    EXPECT_NEAR(*report.log_likelihood, KnownNormal::minus_entropy(), 4 * se);
    EXPECT_LT(divergence(report.flow), 0.005);
  }
}

/// A run of many parameters on few points.
Spec overfitting(const fs::path& points) {
  test::spill(points, csv_of(KnownNormal::draw(40, 2), 2));
  auto spec = spec_for(points);
  spec.flow.layers = "maf(hidden=64):4 + actnorm";
  spec.objective.holdout = 0.5;
  spec.objective.patience = 20;
  spec.optimizer.learning_rate = 0.01;
  spec.schedule.name = "constant";
  spec.run.iterations = 2000;
  spec.run.batch = 64;
  spec.run.log_every = 1;
  return spec;
}

/// Trains on until `last` iterations are done.
Checkpoint stopped_at(const Spec& spec, std::uint64_t last) {
  std::atomic<bool> stop{false};
  FitCallbacks callbacks;
  callbacks.stop = &stop;
  callbacks.on_log = [&](std::uint64_t i, double) { stop = i == last; };
  std::optional<Checkpoint> checkpoint;
  const auto report = resumable_fit(spec, nullptr, callbacks,
                                    {nullptr, [&](const Checkpoint& c) { checkpoint = c; }});
  EXPECT_EQ(report.stop_reason, "interrupted");
  EXPECT_EQ(report.iterations, last);
  return *checkpoint;
}

TEST(MaximumLikelihood, StopsEarlyAndKeepsTheBest) {
  const test::TemporaryFolder folder;
  const auto spec = overfitting(folder / "points.csv");
  const auto report = fit(spec);
  ASSERT_EQ(report.stop_reason, "early-stopped");
  EXPECT_LT(report.iterations, spec.run.iterations);

  // Patience counts the checks since the best one: there the parameters were those that are kept.
  const auto waited = trainer_options(spec).check_every * spec.objective.patience;
  ASSERT_GT(report.iterations, waited);
  const auto best = stopped_at(spec, report.iterations - waited).trainer.params;
  EXPECT_EQ(report.flow.definition().params, best);

  // They are better than the last ones, on points that were held out and on fresh ones.
  const auto last = stopped_at(spec, report.iterations - 1);
  EXPECT_EQ(last.best.iteration, report.iterations - waited);
  EXPECT_EQ(*report.log_likelihood, -last.best.value);
  auto overfitted = report.flow.definition();
  overfitted.params = last.trainer.params;
  EXPECT_LT(divergence(report.flow) + 0.5, divergence(TrainedFlow(overfitted)));
}

TEST(MaximumLikelihood, GoesOnToTheEndWhereNothingIsHeldOut) {
  const test::TemporaryFolder folder;
  auto spec = overfitting(folder / "points.csv");
  spec.objective.holdout = 0;
  spec.run.iterations = 1000;
  const auto report = fit(spec);
  EXPECT_EQ(report.stop_reason, "completed");
  EXPECT_EQ(report.iterations, spec.run.iterations);
  EXPECT_EQ(report.samples, 40U);
  EXPECT_EQ(report.held_out, 0U);
  // Of the points that it was trained on it makes more than the truth does.
  EXPECT_GT(*report.log_likelihood, mean_log_density(KnownNormal::draw(40, 2)) + 0.1);
  EXPECT_GT(divergence(report.flow), 0.5);
}

TEST(MaximumLikelihood, IsThatOfTheNumbersWhateverTheirFile) {
  const test::TemporaryFolder folder;
  constexpr std::size_t dim = 3;
  const auto rows = KnownNormal::draw(300, 3);  // 200 points of R³
  test::spill(folder / "points.csv", csv_of(rows, dim));
  test::spill(folder / "points.npy", test::npy("<f8", "(200, 3)", test::npy_of<double>(rows)));
  const auto learned = [&](const char* name) {
    auto spec = spec_for(folder / name);
    spec.flow.layers = "maf:2 + actnorm";
    spec.run.iterations = 100;
    return fit(spec);
  };
  const auto csv = learned("points.csv");
  const auto npy = learned("points.npy");
  EXPECT_EQ(npy.flow.dim(), dim);
  EXPECT_EQ(csv.flow.definition().params, npy.flow.definition().params);
  EXPECT_EQ(csv.losses, npy.losses);
  EXPECT_EQ(csv.log_likelihood, npy.log_likelihood);
  EXPECT_EQ(csv.draws.z, npy.draws.z);
}

TEST(MaximumLikelihood, ResumedEndsWithTheSameBits) {
  const test::TemporaryFolder folder;
  const auto spec = overfitting(folder / "points.csv");
  const auto whole = run_in_folder(spec, folder / "whole", {}).report;
  ASSERT_EQ(whole.stop_reason, "early-stopped");
  // Before any check; in the midst of learning; and when the best is long past.
  for (const std::uint64_t at : {std::uint64_t{3}, whole.iterations / 2, whole.iterations - 5}) {
    SCOPED_TRACE(at);
    const auto parts = folder / fmt::format("stopped-at-{}", at);
    std::atomic<bool> stop{false};
    FitCallbacks callbacks;
    callbacks.stop = &stop;
    callbacks.on_log = [&](std::uint64_t i, double) { stop = i == at; };
    EXPECT_EQ(run_in_folder(spec, parts, callbacks).report.stop_reason, "interrupted");
    const auto report = resume_in_folder(parts, {}, {}).report;
    EXPECT_EQ(report.stop_reason, whole.stop_reason);
    EXPECT_EQ(report.iterations, whole.iterations);
    EXPECT_EQ(report.log_likelihood, whole.log_likelihood);
    for (const char* name :
         {run_files::model, run_files::loss, run_files::draws, run_files::samples}) {
      EXPECT_EQ(test::slurp(parts / name), test::slurp(folder / "whole" / name)) << name;
    }
  }
}

TEST(MaximumLikelihood, OneHeldOutPointHasNoStandardError) {
  const test::TemporaryFolder folder;
  test::spill(folder / "points.csv", csv_of(KnownNormal::draw(12, 4), 2));
  auto spec = spec_for(folder / "points.csv");
  spec.flow.layers = "affine";
  spec.run.iterations = 200;
  // Which points are held out is a matter of the seed.
  std::optional<FitReport> report;
  for (spec.run.seed = 1; spec.run.seed < 20 && !(report && report->held_out == 1);
       ++spec.run.seed) {
    report = fit(spec);
  }
  ASSERT_EQ(report->held_out, 1U);
  EXPECT_EQ(report->samples, 11U);
  ASSERT_TRUE(report->log_likelihood);
  EXPECT_TRUE(std::isfinite(*report->log_likelihood));
  EXPECT_FALSE(report->log_likelihood_se);
  for (const double x : report->flow.definition().params) EXPECT_TRUE(std::isfinite(x));
}

}  // namespace
}  // namespace riffle
