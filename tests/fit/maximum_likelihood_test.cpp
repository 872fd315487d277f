// Fits to points, from their file to the figures: what is held out, when training ends, and which
// parameters are kept.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <numbers>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fit/resumable_fit.h"
#include "fit/training.h"
#include "run/run_folder.h"
#include "support/expect_error.h"
#include "support/npy_text.h"
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
  for (const auto precision : {Precision::float32, Precision::float64}) {
    SCOPED_TRACE(name_of(precision));
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
  // Without whitening the parameters are the trainer's own.
  spec.objective.name = "maximum-likelihood(holdout=0.5, patience=20, whiten=no)";
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
  EXPECT_EQ(report.stop_reason, StopReason::interrupted);
  EXPECT_EQ(report.iterations, last);
  return *checkpoint;
}

TEST(MaximumLikelihood, StopsEarlyAndKeepsTheBest) {
  const test::TemporaryFolder folder;
  const auto spec = overfitting(folder / "points.csv");
  const auto report = fit(spec);
  ASSERT_EQ(report.stop_reason, StopReason::early_stopped);
  EXPECT_LT(report.iterations, spec.run.iterations);

  // Patience counts the checks since the best one: there the parameters were those that are kept.
  const auto waited = trainer_options(spec).check_every * 20;
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
  spec.objective.name = "maximum-likelihood(holdout=0, whiten=no)";
  spec.run.iterations = 1000;
  const auto report = fit(spec);
  EXPECT_EQ(report.stop_reason, StopReason::completed);
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
  ASSERT_EQ(whole.stop_reason, StopReason::early_stopped);
  // Before any check; in the midst of learning; and when the best is long past.
  for (const std::uint64_t at : {std::uint64_t{3}, whole.iterations / 2, whole.iterations - 5}) {
    SCOPED_TRACE(at);
    const auto parts = folder / fmt::format("stopped-at-{}", at);
    std::atomic<bool> stop{false};
    FitCallbacks callbacks;
    callbacks.stop = &stop;
    callbacks.on_log = [&](std::uint64_t i, double) { stop = i == at; };
    EXPECT_EQ(run_in_folder(spec, parts, callbacks).report.stop_reason, StopReason::interrupted);
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

/// Three clusters of the plane, which no normal is.
std::vector<double> clusters(std::size_t n, std::uint64_t seed) {
  test::Random random(seed);
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const double k = static_cast<double>(i % 3);
    rows.insert(rows.end(), {3 * k + 0.5 * random.normal(), k * (2 - k) + 0.8 * random.normal()});
  }
  return rows;
}

Spec brief_fit(const fs::path& points, std::uint64_t iterations) {
  auto spec = samples_spec();
  spec.target.samples = points.string();
  spec.run.iterations = iterations;
  spec.run.threads = 1;
  spec.run.plots = false;
  spec.run.draws = 500;
  return spec;
}

// The fit of a X + b is that of X: its draws are a (...) + b, its ln q less by D ln a.
TEST(MaximumLikelihood, DoesNotDependOnUnits) {
  const test::TemporaryFolder folder;
  const auto rows = clusters(600, 5);
  const auto fit_of = [&](std::array<double, 2> scale, double offset) {
    auto scaled = rows;
    for (std::size_t i = 0; i < scaled.size(); ++i) {
      scaled[i] = scale[i % 2] * (scaled[i] + offset);
    }
    test::spill(folder / "points.csv", csv_of(scaled, 2));
    return fit(brief_fit(folder / "points.csv", 200));
  };
  const auto plain = fit_of({1, 1}, 0);
  EXPECT_GT(*plain.log_likelihood, -4);
  struct Case {
    std::array<double, 2> scale;
    double offset;
    double tolerance;
  };
  // Beside an offset of 1e9 standard deviations a double keeps seven digits.
  for (const auto& c :
       {Case{{1e-150, 1e-150}, 0, 1e-6}, Case{{1e150, 1e150}, 0, 1e-6}, Case{{1e-6, 1e6}, 0, 1e-6},
        Case{{3, 0.7}, -20, 1e-6}, Case{{1, 1}, 3e9, 2e-3}, Case{{1e-150, 1e140}, 3e9, 2e-3}}) {
    SCOPED_TRACE(fmt::format("{} {} {}", c.scale[0], c.scale[1], c.offset));
    const auto report = fit_of(c.scale, c.offset);
    const double log_volume = std::log(c.scale[0]) + std::log(c.scale[1]);
    EXPECT_EQ(report.flow.definition().layers, plain.flow.definition().layers);
    EXPECT_EQ(report.iterations, plain.iterations);
    EXPECT_NEAR(*report.log_likelihood, *plain.log_likelihood - log_volume, c.tolerance);
    EXPECT_NEAR(report.losses.back(), plain.losses.back() + log_volume, c.tolerance);
    EXPECT_NEAR(report.held_out_losses.back().loss, plain.held_out_losses.back().loss + log_volume,
                c.tolerance);
    ASSERT_EQ(report.draws.z.size(), plain.draws.z.size());
    double worst = 0;
    for (std::size_t i = 0; i < plain.draws.z.size(); ++i) {
      const double x = report.draws.z[i] / c.scale[i % 2] - c.offset;
      worst = std::max(worst, std::abs(x - plain.draws.z[i]));
    }
    EXPECT_LT(worst, c.tolerance);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(report.snapshots.back().x[i] / c.scale[0] - c.offset, plain.snapshots.back().x[i],
                  c.tolerance);
    }
  }
}

TEST(MaximumLikelihood, TakesTheCorrelationsOfThePointsOut) {
  const test::TemporaryFolder folder;
  test::Random random(6);
  std::vector<double> rows;
  for (std::size_t i = 0; i < 500; ++i) {
    const double a = random.normal();
    const double b = random.normal();
    rows.insert(rows.end(), {a, 1e4 * a + b, 0.5 * a + random.normal()});
  }
  test::spill(folder / "points.csv", csv_of(rows, 3));
  const auto report = fit(brief_fit(folder / "points.csv", 1));
  EXPECT_TRUE(report.flow.definition().layers.ends_with("+ tails + affine-full"));
  // What is left of each is a standard normal.
  EXPECT_NEAR(*report.log_likelihood, -1.5 * (1 + std::log(2 * std::numbers::pi)), 0.25);
}

/// One cell far off, wherever it lies, does not spoil the fit of the others, and is named.
TEST(MaximumLikelihood, BearsNumbersThatAreFarOff) {
  const test::TemporaryFolder folder;
  constexpr std::size_t n = 500;
  const auto rows = KnownNormal::draw(n, 7);
  for (const std::size_t row : {std::size_t{0}, std::size_t{1}, std::size_t{2}, n - 1}) {
    for (const double value : {1e6, -1e15, 60.0}) {
      SCOPED_TRACE(fmt::format("{} {}", row, value));
      auto spoilt = rows;
      spoilt[2 * row + 1] = value;
      test::spill(folder / "points.csv", csv_of(spoilt, 2));
      const auto report = fit(brief_fit(folder / "points.csv", 200));
      EXPECT_EQ(report.far_off, 1U);
      ASSERT_EQ(report.warnings.size(), 1U);
      EXPECT_NE(report.warnings[0].find(fmt::format("row {}, column z.2: {:g} (", row + 1, value)),
                std::string::npos)
          << report.warnings[0];
      EXPECT_NEAR(*report.log_likelihood, KnownNormal::minus_entropy(), 0.5);
      EXPECT_LT(divergence(report.flow), 0.1);
    }
  }
}

TEST(MaximumLikelihood, TakesHeavyTailsForWhatTheyAre) {
  const test::TemporaryFolder folder;
  std::size_t named = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    test::Random random(seed);
    std::vector<double> rows;
    for (std::size_t i = 0; i < 400; ++i) rows.push_back(random.normal() / random.normal());
    test::spill(folder / "points.csv", csv_of(rows, 1));
    auto spec = brief_fit(folder / "points.csv", seed == 0 ? 600 : 0);
    const auto report = fit(spec);
    named += report.far_off;
    // Minus the entropy of Cauchy's distribution is -ln 4π.
    if (seed == 0) {
      EXPECT_NEAR(*report.log_likelihood, -std::log(4 * std::numbers::pi), 0.5);
    }
  }
  EXPECT_LE(named, 1U);
}

TEST(MaximumLikelihood, BendsInOneDimension) {
  const test::TemporaryFolder folder;
  test::Random random(8);
  std::vector<double> rows;
  for (std::size_t i = 0; i < 600; ++i) {
    rows.push_back(i % 2 == 0 ? -2 + 0.1 * random.normal() : 3 + 0.5 * random.normal());
  }
  test::spill(folder / "points.csv", csv_of(rows, 1));
  auto spec = brief_fit(folder / "points.csv", 2000);
  const auto report = fit(spec);
  EXPECT_TRUE(report.warnings.empty());
  const double entropy =
      0.5 * (std::log(0.1) + std::log(0.5) - 1 - std::log(2 * std::numbers::pi)) +
      0.5 * (1 + std::log(2 * std::numbers::pi)) + 0.5 * (1 + std::log(2 * std::numbers::pi)) +
      std::log(2);
  EXPECT_NEAR(*report.log_likelihood, -entropy, 0.4);
  std::size_t between = 0;
  for (const double x : report.draws.z) between += x > -1.5 && x < 1 ? 1 : 0;
  EXPECT_LT(static_cast<double>(between), 0.05 * static_cast<double>(report.draws.z.size()));

  for (const char* affine : {"maf:5 + actnorm", "iaf", "affine-full", "compose(maf + reverse)"}) {
    spec.flow.layers = affine;
    spec.run.iterations = 1;
    const auto told = fit(spec).warnings;
    ASSERT_EQ(told.size(), 1U) << affine;
    EXPECT_NE(told[0].find("in one dimension"), std::string::npos) << told[0];
  }
  for (const char* bends : {"planar:2", "rqs", "tails", "inverse(rqs)", "rqs-autoregressive"}) {
    spec.flow.layers = bends;
    spec.run.iterations = 1;
    EXPECT_TRUE(fit(spec).warnings.empty()) << bends;
  }
}

TEST(MaximumLikelihood, RefusesPointsWithoutADensity) {
  const test::TemporaryFolder folder;
  test::Random random(9);
  const auto refused = [&](const std::string& text, ErrorKind kind = ErrorKind::data,
                           Precision precision = Precision::float64) {
    test::spill(folder / "points.csv", text);
    auto spec = brief_fit(folder / "points.csv", 10);
    spec.run.precision = precision;
    return test::message_of(kind, [&] { fit(spec); });
  };
  const auto table = [&](const auto& third) {
    std::string text = "a,b,c\n";
    for (int i = 0; i < 60; ++i) {
      const double a = random.normal();
      const double b = 100 + 1e-3 * random.normal();
      text += fmt::format("{},{},{}\n", a, b, third(a, b));
    }
    return text;
  };
  const auto has = [](const std::string& text, std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const auto constant = refused(table([](double, double) { return 7; }));
  has(constant, "column c is 7 in every row");
  has(constant, "--columns a,b");
  has(refused(table([](double a, double) { return a; })), "column c follows column a");
  has(refused(table([](double a, double b) { return 3 - 2 * a + 1e5 * b; })),
      "column c is a linear combination of a, b");
  has(refused("a,b\n1,2\n1,2\n1,2\n"), "all 3 rows are alike");
  has(refused("a,b\n1,2\n"), "holds one point");
  std::string far = "a,b\n";
  for (int i = 0; i < 60; ++i) far += fmt::format("{},{}\n", random.normal(), i == 7 ? 1e40 : i);
  has(refused(far), "row 8, column b: 1e+40");
  const auto offset = table([&](double, double) { return 1e9 + random.normal(); });
  has(refused(offset, ErrorKind::usage, Precision::float32), "cannot hold column b");

  // What is nearly so is told.
  test::spill(folder / "points.csv",
              table([&](double a, double) { return a + 1e-5 * random.normal(); }));
  const auto report = fit(brief_fit(folder / "points.csv", 10));
  ASSERT_EQ(report.warnings.size(), 1U);
  has(report.warnings[0], "column c follows column a to");
  has(report.warnings[0], "condition number");
}

TEST(MaximumLikelihood, TellsOfCodesAndOfValuesThatRepeat) {
  const test::TemporaryFolder folder;
  test::Random random(10);
  std::string text = "a,b\n";
  for (int i = 0; i < 200; ++i) {
    text += fmt::format("{},{}\n", i % 20 == 0 ? -999 : random.normal(),
                        i % 3 == 0 ? 0 : random.normal());
  }
  test::spill(folder / "points.csv", text);
  const auto report = fit(brief_fit(folder / "points.csv", 10));
  ASSERT_EQ(report.warnings.size(), 2U);
  EXPECT_NE(report.warnings[0].find("column a is -999 in 10 rows"), std::string::npos);
  EXPECT_NE(report.warnings[1].find("0 in 67 of 200 rows of column b"), std::string::npos);
}

TEST(MaximumLikelihood, KeepsTheFlowAsItWasWhereTrainingIsNoGood) {
  const test::TemporaryFolder folder;
  test::spill(folder / "points.csv", csv_of(KnownNormal::draw(200, 11), 2));
  auto spec = brief_fit(folder / "points.csv", 400);
  spec.optimizer.learning_rate = 0.5;
  const auto report = fit(spec);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_NE(report.warnings[0].find("training made it worse"), std::string::npos);
  EXPECT_NEAR(*report.log_likelihood, -report.held_out_losses.front().loss, 1e-9);
  EXPECT_LT(divergence(report.flow), 0.1);
}

TEST(MaximumLikelihood, HoldsOneOutOfFew) {
  const test::TemporaryFolder folder;
  for (const std::size_t n : {2U, 5U}) {
    test::spill(folder / "points.csv", csv_of(KnownNormal::draw(n, 12), 2));
    const auto report = fit(brief_fit(folder / "points.csv", 2000));
    EXPECT_EQ(report.held_out, 1U);
    EXPECT_EQ(report.samples, n - 1);
    EXPECT_EQ(report.stop_reason, StopReason::early_stopped);
    ASSERT_FALSE(report.warnings.empty());
    EXPECT_NE(report.warnings[0].find("tell little of a density"), std::string::npos);
  }
}

}  // namespace
}  // namespace riffle
