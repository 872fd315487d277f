// The staged fit from a spec, against evidences and moments that are known.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <string_view>
#include <thread>

#include "posterior/starts.h"
#include "riffle/riffle.h"
#include "run/summary.h"
#include "support/effort.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace riffle::test {
namespace {

Spec spec_of(const std::string& target) {
  auto spec = find_spec(target);
  spec.run.threads = 1;
  spec.run.draws = 200;
  return spec;
}

const PosteriorParameter& parameter(const PosteriorReport& posterior, std::string_view name) {
  const auto found = std::ranges::find(posterior.parameters, name, &PosteriorParameter::name);
  if (found == posterior.parameters.end()) throw std::out_of_range(std::string(name));
  return *found;
}

void expect_moments(const PosteriorReport& posterior, std::string_view name, double mean,
                    double sd) {
  const auto& found = parameter(posterior, name);
  EXPECT_NEAR(found.mean, mean, 0.1 * sd) << name;
  EXPECT_NEAR(found.sd, sd, 0.1 * sd) << name;
}

bool says(const PosteriorReport& posterior, std::string_view text) {
  return std::ranges::any_of(posterior.verdict_reasons,
                             [&](const auto& reason) { return contains(reason, text); });
}

double sum_of_gradients(const PosteriorReport& posterior) {
  return static_cast<double>(posterior.stages.back().gradients);
}

void expect_sound(const FitReport& report) {
  ASSERT_TRUE(report.posterior);
  const auto& p = *report.posterior;
  EXPECT_EQ(report.stop_reason, StopReason::completed);
  EXPECT_LE(p.elbo, p.log_z + 1e-6);
  EXPECT_GE(p.log_z_se, 0);
  EXPECT_NEAR(p.ess, p.ess_fraction * static_cast<double>(p.draws), 1e-6 * p.ess);
  EXPECT_EQ(report.log_p.size(), 200U);
  EXPECT_EQ(p.values.size(), 200 * p.parameters.size());
  EXPECT_EQ(p.log_weights.size(), 200U);
  for (std::size_t s = 0; s < 200; ++s) {
    EXPECT_EQ(p.log_weights[s],
              p.draws_by == DrawsBy::sampler ? 0 : report.log_p[s] - report.draws.log_q[s]);
  }
  // The search, the training, the sampler and the draws that are kept, and those of the assessment.
  EXPECT_GE(static_cast<double>(p.gradients), sum_of_gradients(p));
  EXPECT_GE(p.gradients, p.draws + p.wider_draws);
  EXPECT_FALSE(p.verdict_reasons.empty());
}

TEST(PosteriorFit, EightSchools) {
  constexpr double log_z = -31.311347;
  for (const char* const target : {"eight-schools", "eight-schools-noncentered"}) {
    if (hurried && std::string_view(target) == "eight-schools") continue;
    const auto report = fit(spec_of(target));
    expect_sound(report);
    const auto& p = *report.posterior;
    EXPECT_NEAR(p.log_z, log_z, 0.05) << target;
    EXPECT_LT(p.elbo, log_z + 4 * p.elbo_se) << target;
    EXPECT_NE(p.verdict, Grade::unreliable) << target;
    EXPECT_EQ(p.weighted, p.draws_by == DrawsBy::flow);
    expect_moments(p, "mu", 4.41, 3.31);
    expect_moments(p, "tau", 3.60, 3.20);
    expect_moments(p, "theta.1", 6.15, 5.62);
  }
}

TEST(PosteriorFit, Funnel) {
  const auto report = fit(spec_of("funnel"));
  expect_sound(report);
  const auto& p = *report.posterior;
  EXPECT_EQ(report.draws.dim, 10U);
  EXPECT_NEAR(p.log_z, 0, 0.1);
  EXPECT_GE(parameter(p, "z.1").sd, 2.8);
  EXPECT_NEAR(parameter(p, "z.1").mean, 0, 0.3);
  EXPECT_NE(p.verdict, Grade::unreliable);
}

TEST(PosteriorFit, Banana) {
  const auto report = fit(spec_of("banana"));
  expect_sound(report);
  EXPECT_NEAR(report.posterior->log_z, 0, 0.02);
  expect_moments(*report.posterior, "z.1", 0, 10);
  EXPECT_NE(report.posterior->verdict, Grade::unreliable);
}

TEST(PosteriorFit, IllConditioned) {
  const auto report = fit(spec_of("ill-conditioned"));
  expect_sound(report);
  EXPECT_EQ(report.draws.dim, 100U);
  EXPECT_NEAR(report.posterior->log_z, *report.log_z_true, 0.02);
  EXPECT_EQ(report.posterior->verdict, Grade::reliable);
  EXPECT_EQ(report.flow.definition().layers, "affine-full");
}

TEST(PosteriorFit, ManyModes) {
  const auto report = fit(spec_of("gmm40"));
  expect_sound(report);
  EXPECT_NEAR(report.posterior->log_z, 0, 0.02);
  EXPECT_EQ(report.posterior->verdict, Grade::reliable);
  EXPECT_GE(report.posterior->modes, 30U);
  EXPECT_LT(*report.posterior->unseen_modes, 0.05);
}

TEST(PosteriorFit, ModesThatWereNotLookedForAreNotReliable) {
  // A few of the climbs that the search wants.
  auto spec = spec_of("gmm40");
  spec.run.max_gradients = 1'500;
  const auto report = fit(spec);
  const auto& p = *report.posterior;
  EXPECT_LT(p.modes, 30U);
  EXPECT_LT(p.log_z, -0.1);
  EXPECT_TRUE(says(p, "are not covered"));
  EXPECT_NE(p.verdict, Grade::reliable);
}

TEST(PosteriorFit, AMeanFieldNormalIsNotReliable) {
  auto spec = spec_of("eight-schools");
  spec.run.method = Method::flow;
  spec.base.name = "standard-normal";
  spec.flow.layers = "affine";
  spec.run.iterations = 3000;
  const auto report = fit(spec);
  ASSERT_TRUE(report.posterior);
  EXPECT_EQ(report.posterior->verdict, Grade::unreliable);
  // It is no artefact of a fit that had not ended.
  EXPECT_GT(report.elbo, -34);
  EXPECT_TRUE(report.posterior->stages.empty());
}

TEST(PosteriorFit, TheSameSeedGivesTheSameBitsOnTwoThreads) {
  for (const char* const target : {"eight-schools-noncentered", "gmm40"}) {
    auto spec = spec_of(target);
    spec.run.evaluation_draws = 2000;
    spec.run.seed = 5;
    const auto one = fit(spec);
    spec.run.threads = 2;
    const auto two = fit(spec);
    EXPECT_EQ(two.threads, 2U);
    EXPECT_EQ(one.flow.definition().params, two.flow.definition().params) << target;
    EXPECT_EQ(one.draws.z, two.draws.z) << target;
    EXPECT_EQ(one.draws.log_q, two.draws.log_q) << target;
    EXPECT_EQ(one.posterior->log_z, two.posterior->log_z) << target;
    EXPECT_EQ(one.posterior->values, two.posterior->values) << target;
    spec.run.seed = 6;
    EXPECT_NE(fit(spec).posterior->log_z, one.posterior->log_z) << target;
  }
}

/// Two normal distributions, so far apart that a search of modes may miss one.
std::unique_ptr<Target> far_modes() {
  return make_target(2, [](std::span<const double> z, std::span<double> gradient) {
    constexpr double apart = 25;
    const double near = -0.5 * z[0] * z[0];
    const double far = -0.5 * (z[0] - apart) * (z[0] - apart);
    const double top = std::max(near, far);
    const double sum = std::exp(near - top) + std::exp(far - top);
    gradient[0] = apart * std::exp(far - top) / sum - z[0];
    gradient[1] = -z[1];
    return top + std::log(sum) - 0.5 * z[1] * z[1] - std::log(4 * std::numbers::pi);
  });
}

TEST(PosteriorFit, OneFitMissesAModeThatSeveralFind) {
  auto spec = posterior_spec();
  spec.run.threads = 1;
  spec.run.evaluation_draws = 2000;
  const auto target = far_modes();
  int missed_by_one = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    spec.run.seed = seed;
    spec.run.fits = 1;
    const auto one = fit(spec, *target);
    EXPECT_TRUE(one.posterior->starts.empty());
    const bool missed = one.posterior->log_z < -0.5;
    missed_by_one += missed ? 1 : 0;
    spec.run.fits = 4;
    const auto several = fit(spec, *target);
    const auto& p = *several.posterior;
    ASSERT_EQ(p.starts.size(), 4U);
    EXPECT_NEAR(p.log_z, 0, 0.1) << seed;
    EXPECT_EQ(p.starts.front().log_z, p.log_z);
    const bool wrong = std::ranges::any_of(p.starts, [](const PosteriorStart& start) {
      return start.log_z < -0.5 && start.verdict != Grade::unreliable;
    });
    EXPECT_EQ(says(p, "independent fits disagree"), wrong) << seed;
    if (missed) {
      EXPECT_EQ(p.verdict, Grade::unreliable) << seed;
    }
  }
  EXPECT_GE(missed_by_one, 1);
}

TEST(PosteriorFit, FitsThatAgreeAreNotAlone) {
  auto spec = spec_of("banana");
  spec.run.evaluation_draws = 5000;
  const auto alone = fit(spec);
  EXPECT_TRUE(says(*alone.posterior, "one fit alone"));
  spec.run.fits = 2;
  const auto both = fit(spec);
  const auto& p = *both.posterior;
  ASSERT_EQ(p.starts.size(), 2U);
  EXPECT_NE(p.starts[0].log_z, p.starts[1].log_z);
  EXPECT_NE(p.verdict, Grade::unreliable);
  EXPECT_FALSE(says(p, "one fit alone"));
  EXPECT_GT(p.gradients, 3 * alone.posterior->gradients / 2);
  // Stages and their trace go on, and count on.
  const auto stages = alone.posterior->stages.size();
  ASSERT_GT(p.stages.size(), stages + 1);
  EXPECT_EQ(p.stages[stages].name, "start");
  EXPECT_TRUE(std::ranges::is_sorted(p.stages, {}, &PosteriorStage::gradients));
  EXPECT_TRUE(std::ranges::is_sorted(p.stages, {}, &PosteriorStage::seconds));
  EXPECT_TRUE(std::ranges::is_sorted(p.trace, {}, &BoundPoint::stage));
  EXPECT_LT(p.trace.back().stage, p.stages.size());
  spec.run.threads = 2;
  EXPECT_EQ(fit(spec).draws.z, both.draws.z);

  const auto summary = nlohmann::json::parse(summary_json(spec, both));
  ASSERT_EQ(summary.at("fits").size(), 2U);
  EXPECT_EQ(summary.at("fits")[0].at("log_z"), summary.at("log_z"));
  EXPECT_DOUBLE_EQ(summary.at("disagreement"), std::abs(p.starts[0].log_z - p.starts[1].log_z));
  EXPECT_TRUE(nlohmann::json::parse(summary_json(spec, alone)).at("disagreement").is_null());
}

TEST(PosteriorFit, AFitOfNoUseIsStartedAgainButNotUntilItPasses) {
  // Tails of which no q here gets hold: a Student-t of 0.4 degrees of freedom.
  const auto target = formula_target("-1.2 * log(1 + x^2 + y^2)", FormulaKind::log_density);
  auto spec = posterior_spec();
  spec.run.threads = 1;
  spec.run.draws = 200;
  const auto report = fit(spec, *target);
  const auto& p = *report.posterior;
  ASSERT_GE(p.starts.size(), 2U);
  EXPECT_EQ(std::ranges::count(p.stages, "these draws are of no use: once more, from other points",
                               &PosteriorStage::told),
            static_cast<std::ptrdiff_t>(p.starts.size()) - 1);
  // What is no better by its bound does not take the place of the first.
  for (const auto& start : p.starts) {
    EXPECT_LE(start.elbo, p.elbo + 3 * std::hypot(start.elbo_se, p.elbo_se));
  }
  EXPECT_EQ(p.verdict, Grade::unreliable);
}

TEST(PosteriorFit, AStartThatTheBudgetCutsOffDoesNotCount) {
  auto spec = spec_of("banana");
  spec.run.evaluation_draws = 1000;
  const auto alone = fit(spec);
  spec.run.fits = 2;
  spec.run.max_gradients = alone.posterior->gradients + 3000;
  const auto report = fit(spec);
  EXPECT_EQ(report.stop_reason, StopReason::out_of_budget);
  EXPECT_TRUE(report.posterior->out_of_budget);
  EXPECT_TRUE(report.posterior->starts.empty());
  EXPECT_EQ(report.draws.z, alone.draws.z);
  EXPECT_TRUE(says(*report.posterior, "budget ran out"));
}

TEST(ComparedFits, ThoseOfUseByEvidenceOthersByTheirBound) {
  constexpr auto good = Grade::reliable;
  constexpr auto bad = Grade::unreliable;
  const auto log_z = [](const std::vector<PosteriorStart>& starts) {
    std::vector<double> all;
    for (const auto& evidence : compared(starts)) all.push_back(evidence.log_z);
    return all;
  };
  const PosteriorStart kept{-10, 0.01, -11, 0.02, good};
  const PosteriorStart other{-10.5, 0.01, -10.6, 0.02, good};
  const PosteriorStart low{-9, 1, -14, 0.02, bad};
  const PosteriorStart high{-7, 1, -9.5, 0.02, bad};
  EXPECT_EQ(log_z({kept}), (std::vector<double>{-10}));
  EXPECT_EQ(log_z({kept, low, other, high}), (std::vector<double>{-10, -10.5, -9.5}));
  EXPECT_EQ(log_z({high, low, kept}), (std::vector<double>{-7, -9, -10}));
}

TEST(PosteriorFit, ABudgetEndsItWithAResult) {
  auto spec = spec_of("funnel");
  spec.run.evaluation_draws = 2000;
  for (const std::uint64_t most : {1U, 30'000U}) {
    spec.run.max_gradients = most;
    const auto report = fit(spec);
    EXPECT_EQ(report.stop_reason, StopReason::out_of_budget);
    EXPECT_TRUE(report.posterior->out_of_budget);
    EXPECT_TRUE(says(*report.posterior, "budget ran out"));
    EXPECT_EQ(report.draws.log_q.size(), 200U);
    EXPECT_EQ(report.posterior->verdict, Grade::unreliable);
  }
  spec = spec_of("funnel");
  spec.run.evaluation_draws = 2000;
  spec.run.max_seconds = 1e-9;
  const auto report = fit(spec);
  EXPECT_EQ(report.stop_reason, StopReason::out_of_budget);
  EXPECT_LT(report.posterior->stages.back().gradients, 2000U);
}

/// That the draws of a report are those that the flow gives, with their own ln p and ln q.
void expect_own_draws(const FitReport& report, std::uint64_t seed, std::uint64_t n) {
  ASSERT_EQ(report.draws.log_q.size(), n);
  const auto drawn = report.flow.sample(n, seed);
  EXPECT_EQ(report.draws.z, drawn.z);
  EXPECT_EQ(report.draws.log_q, drawn.log_q);
  ASSERT_EQ(report.log_p.size(), n);
  const auto& p = *report.posterior;
  ASSERT_EQ(p.log_weights.size(), n);
  EXPECT_EQ(p.values.size(), n * p.parameters.size());
  for (std::size_t s = 0; s < n; ++s) {
    ASSERT_EQ(p.log_weights[s], report.log_p[s] - report.draws.log_q[s]);
  }
}

TEST(PosteriorFit, TheFinalDrawsCountInsideTheGradients) {
  // Of these one is smooth, one has a spike that climbs go up without end, and one many modes.
  for (const char* const target : {"eight-schools-noncentered", "eight-schools", "gmm40"}) {
    auto spec = find_spec(target);
    spec.run.seed = 3;
    for (const std::uint64_t most : {12'000U, 30'000U, 60'000U}) {
      spec.run.max_gradients = most;
      spec.run.threads = 1;
      const auto report = fit(spec);
      const auto& p = *report.posterior;
      EXPECT_LE(p.gradients, most) << target;
      // Nothing that is left over would have done for more.
      EXPECT_GT(p.gradients + 2, p.draws < 20'000 ? most : 0) << target;
      EXPECT_GE(p.draws, std::min<std::uint64_t>(20'000, most / 5));
      EXPECT_EQ(says(p, std::to_string(p.draws) + " draws judge the fit, where 20000 were to"),
                p.draws < 20'000)
          << target << most;
      EXPECT_TRUE(std::isfinite(p.log_z));
      expect_own_draws(report, 3, std::min<std::uint64_t>(4000, p.draws));
      const auto summary = nlohmann::json::parse(summary_json(spec, report));
      EXPECT_EQ(summary["evaluation_draws"], p.draws);

      spec.run.threads = 2;
      const auto two = fit(spec);
      EXPECT_EQ(two.draws.z, report.draws.z) << target << most;
      EXPECT_EQ(two.posterior->log_z, p.log_z) << target << most;
      EXPECT_EQ(two.posterior->gradients, p.gradients) << target << most;
    }
  }
}

TEST(PosteriorFit, WhereABudgetDoesForFewDrawsTheyAreAllKept) {
  const auto normal = make_target(3, [](auto z, auto gradient) {
    double square = 0;
    for (std::size_t d = 0; d < 3; ++d) {
      gradient[d] = -z[d];
      square += z[d] * z[d];
    }
    return -0.5 * square;
  });
  auto spec = posterior_spec();
  spec.run.max_gradients = 4'000;
  const auto report = fit(spec, *normal);
  const auto& p = *report.posterior;
  EXPECT_GE(p.draws, 1'000U);
  EXPECT_LT(p.draws, 4'000U);
  expect_own_draws(report, 1, p.draws);
  EXPECT_TRUE(std::ranges::any_of(report.warnings, [&](const auto& warning) {
    return contains(warning, std::to_string(p.draws) + " draws, not for the 4000 of run.draws");
  }));
  spec.run.resample = Resampling::psis;
  const auto resampled = fit(spec, *normal);
  EXPECT_TRUE(resampled.posterior->resampled);
  EXPECT_EQ(resampled.posterior->log_z, p.log_z);
  EXPECT_EQ(resampled.draws.log_q.size(), p.draws);
  // Whatever there is, a verdict takes a thousand.
  spec.run.max_gradients = 1;
  EXPECT_EQ(fit(spec, *normal).posterior->draws, 1'000U);
}

TEST(PosteriorFit, ABudgetThatDoesForAllChangesNothing) {
  for (const char* const target : {"eight-schools-noncentered", "gmm40"}) {
    auto spec = spec_of(target);
    const auto whole = fit(spec);
    // A few more than that, because a training asks for the steps that it may take.
    spec.run.max_gradients = whole.posterior->gradients + 10'000;
    spec.run.max_seconds = 1e6;
    const auto within = fit(spec);
    EXPECT_EQ(within.stop_reason, StopReason::completed) << target;
    EXPECT_EQ(within.draws.z, whole.draws.z) << target;
    EXPECT_EQ(within.posterior->log_z, whole.posterior->log_z) << target;
    EXPECT_EQ(within.posterior->verdict_reasons, whole.posterior->verdict_reasons) << target;
  }
}

/// N(0, 1) in two dimensions, of which each point takes its time.
class Slow : public Target {
 public:
  explicit Slow(int microseconds = 200) : microseconds_(microseconds) {}
  std::size_t dim() const override { return 2; }
  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    std::this_thread::sleep_for(z.count() * std::chrono::microseconds(microseconds_));
    taken += std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
    for (std::size_t s = 0; s < z.count(); ++s) {
      log_density[s] = -0.5 * (z(0, s) * z(0, s) + z(1, s) * z(1, s));
      for (std::size_t d = 0; d < 2; ++d) gradient(d, s) = -z(d, s);
    }
    evaluations += z.count();
  }
  mutable std::atomic<std::uint64_t> evaluations{0};
  mutable std::atomic<std::int64_t> taken{0};  ///< microseconds

  /// How many times longer calls took than they were to.
  double late() const {
    return static_cast<double>(taken) / static_cast<double>(evaluations) / microseconds_;
  }

 private:
  int microseconds_;
};

TEST(PosteriorFit, TheFinalDrawsOfASlowTargetFitIntoTheTime) {
  // All draws alone would take 4.8 s.
  for (const double seconds : {0.05, 1.5}) {
    const Slow slow;
    auto spec = posterior_spec();
    spec.run.threads = 1;
    spec.run.max_seconds = seconds;
    const auto report = fit(spec, slow);
    const auto& p = *report.posterior;
    EXPECT_EQ(p.gradients, slow.evaluations);
    // No more points than the time holds, but for those of a call.
    EXPECT_LE(static_cast<double>(p.gradients), 1.02 * seconds / 200e-6 + tile_size) << seconds;
    EXPECT_TRUE(says(p, std::to_string(p.draws) + " draws judge the fit, where 20000 were to"));
    if (seconds < 1) {
      EXPECT_GE(p.draws, 1U);
      EXPECT_EQ(p.verdict, Grade::unreliable);
      EXPECT_GE(report.draws.log_q.size(), 1U);
      continue;
    }
    // Where the machine had others to serve, calls took longer than they were to, some more so than
    // could be foretold.
    if (slow.late() > 1.3) {
      GTEST_SKIP() << "this machine is busy: calls took " << slow.late() << " times their time";
    }
    EXPECT_GE(p.draws, 1'000U);
    EXPECT_EQ(p.verdict, Grade::reliable);
    expect_own_draws(report, 1, std::min<std::uint64_t>(4000, p.draws));
  }
}

TEST(PosteriorFit, AToldFlowIsWeighedOnce) {
  const Slow target(2);
  auto spec = posterior_spec();
  spec.run.method = Method::flow;
  const auto close = spec.base.name;
  spec.base.name = "full-normal(mean=6)";  // so far off that there is nothing for chains to confirm
  spec.flow.layers = "affine";
  spec.objective.name = "free-energy";
  spec.run.iterations = 10;
  spec.run.batch = 128;
  spec.run.evaluation_draws = 1'000;
  spec.run.draws = 300;
  const auto report = fit(spec, target);
  const auto& p = *report.posterior;
  // Training, the objective, the assessment and the draws that are kept; the look for an improper
  // target comes after the count.
  // And the gradient is compared with differences at two points: 2 (1 + 2 · 12).
  EXPECT_EQ(p.chains, 0U);
  EXPECT_EQ(p.gradients, 10U * 128 + 1'000 + 1'000 + 300 + 50);
  EXPECT_EQ(report.evaluations, p.gradients);
  EXPECT_EQ(report.elbo, p.elbo);
  EXPECT_EQ(report.elbo_se, p.elbo_se);
  EXPECT_GT(p.seconds_in_target, 0);
  EXPECT_GE(p.seconds, report.seconds);
  expect_own_draws(report, 1, 300);
  // One that can be used has chains to be heard.
  spec.base.name = close;
  const auto heard = fit(spec, target);
  EXPECT_NE(heard.posterior->verdict, Grade::unreliable);
  EXPECT_GT(heard.posterior->chains, 0U);
}

TEST(PosteriorFit, AnInterruptionEndsItWithAResult) {
  auto spec = spec_of("funnel");
  spec.run.evaluation_draws = 2000;
  std::atomic<bool> stop{false};
  FitCallbacks callbacks;
  callbacks.stop = &stop;
  std::vector<std::string> stages;
  callbacks.on_stage = [&](const PosteriorStage& stage) {
    stages.push_back(stage.name);
    if (stage.name == "normal") stop = true;
  };
  const auto report = fit(spec, callbacks);
  EXPECT_EQ(report.stop_reason, StopReason::interrupted);
  EXPECT_EQ(stages, (std::vector<std::string>{"modes", "normal"}));
  EXPECT_FALSE(report.posterior->out_of_budget);
  stop = true;
  EXPECT_EQ(fit(spec, callbacks).stop_reason, StopReason::interrupted);
  EXPECT_EQ(stages, (std::vector<std::string>{"modes", "normal", "modes"}));
}

TEST(PosteriorFit, ItTellsWhatItDoesBetweenStages) {
  auto spec = spec_of("funnel");
  spec.run.evaluation_draws = 2000;
  spec.run.threads = 2;
  std::vector<PosteriorActivity> told;
  std::vector<std::size_t> told_by_stage;
  FitCallbacks callbacks;
  callbacks.on_activity = [&](const PosteriorActivity& activity) { told.push_back(activity); };
  callbacks.on_stage = [&](const PosteriorStage&) { told_by_stage.push_back(told.size()); };
  const auto report = fit(spec, callbacks);
  ASSERT_GE(told_by_stage.size(), 3U);
  EXPECT_GE(told_by_stage[0], 1U);
  for (std::size_t k = 1; k < told_by_stage.size(); ++k) {
    EXPECT_GT(told_by_stage[k], told_by_stage[k - 1]) << "nothing before stage " << k;
  }
  for (std::size_t k = 0; k < told.size(); ++k) {
    EXPECT_FALSE(told[k].what.empty());
    if (k == 0) continue;
    EXPECT_GE(told[k].gradients, told[k - 1].gradients);
    EXPECT_GE(told[k].seconds, told[k - 1].seconds);
  }
  EXPECT_LE(told.back().gradients, report.posterior->gradients);
  EXPECT_TRUE(std::ranges::any_of(
      told, [](const auto& activity) { return contains(activity.what, "2000 draws"); }));
  EXPECT_TRUE(std::ranges::any_of(
      told, [](const auto& activity) { return contains(activity.what, "by a sampler"); }));
}

TEST(PosteriorFit, ATargetThatIsNowhereFiniteIsAnErrorInOneLine) {
  auto spec = posterior_spec();
  const auto none = make_target(2, [](auto, auto gradient) {
    std::ranges::fill(gradient, 0.0);
    return std::numeric_limits<double>::quiet_NaN();
  });
  const auto message = message_of(ErrorKind::data, [&] { fit(spec, *none); });
  EXPECT_TRUE(contains(message, "ln p is finite at none of 104 starts in (-2, 2)^2: NaN at 104"))
      << message;
  const auto infinite = make_target(2, [](auto, auto gradient) {
    std::ranges::fill(gradient, 0.0);
    return -std::numeric_limits<double>::infinity();
  });
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { fit(spec, *infinite); }), "-inf at 104"));
  const auto slopeless = make_target(2, [](auto, auto gradient) {
    std::ranges::fill(gradient, std::numeric_limits<double>::quiet_NaN());
    return 0.0;
  });
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { fit(spec, *slopeless); }),
                       "finite, but its gradient not, at 104"));
}

TEST(PosteriorFit, AWrongGradientIsToldOfBeforeAndAfter) {
  auto spec = posterior_spec();
  spec.run.max_gradients = 50'000;
  const auto half = make_target(2, [](std::span<const double> z, std::span<double> gradient) {
    gradient[0] = -z[0];
    gradient[1] = -z[1] / 2;
    return -(z[0] * z[0] + z[1] * z[1]) / 2;
  });
  std::vector<std::string> told;
  FitCallbacks callbacks;
  callbacks.on_stage = [&](const PosteriorStage& stage) { told.push_back(stage.name); };
  const auto report = fit(spec, *half, callbacks);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), "gradient");
  const auto warned = [](const FitReport& r) {
    return std::ranges::any_of(r.warnings, [](const std::string& w) {
      return contains(w, "the gradient is not that of ln p: its component z.2 is");
    });
  };
  EXPECT_TRUE(warned(report));
  const auto right = make_target(2, [](std::span<const double> z, std::span<double> gradient) {
    gradient[0] = -z[0];
    gradient[1] = -z[1];
    return -(z[0] * z[0] + z[1] * z[1]) / 2;
  });
  EXPECT_FALSE(warned(fit(spec, *right)));
}

TEST(PosteriorFit, StartsAreThoseOfAFile) {
  const test::TemporaryFolder folder;
  const auto file = folder / "start.json";
  auto spec = posterior_spec();
  spec.target.init = file.string();
  // Finite only where sigma > 1000, of which (-2, 2) knows nothing; mu anywhere.
  const auto target = make_constrained_target(
      {{"mu", {2}, Constraint::real()}, {"sigma", {}, Constraint::lower(0)}},
      [](std::span<const double> theta, std::span<double> gradient) {
        gradient[0] = -theta[0];
        gradient[1] = -theta[1];
        gradient[2] = 0.01 * (1500 - theta[2]);
        return theta[2] < 1000 ? -std::numeric_limits<double>::infinity()
                               : -(theta[0] * theta[0] + theta[1] * theta[1]) / 2 -
                                     0.005 * (theta[2] - 1500) * (theta[2] - 1500);
      });
  for (const char* text : {R"({"sigma": 1400})", R"({"mu": [1, 2], "sigma": 1600})"}) {
    test::spill(file, text);
    const auto report = fit(spec, *target);
    EXPECT_NEAR(report.posterior->parameters[2].mean, 1500, 2) << text;
  }
  test::spill(file, R"({"sigma": -1, "mu": [0, 0]})");
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { fit(spec, *target); }),
                       "the values of sigma are not where it can be"));
  test::spill(file, R"({"sigma": 1})");
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { fit(spec, *target); }),
                       "starts that --init gives: -inf at 104"));
}

/// N(1, 1) in two dimensions, less a constant that it does not tell.
class Loose : public Target {
 public:
  explicit Loose(bool alone = false) : alone_(alone) {}
  std::size_t dim() const override { return 2; }
  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    for (std::size_t s = 0; s < z.count(); ++s) {
      log_density[s] = 0;
      for (std::size_t d = 0; d < 2; ++d) {
        const double off = z.row(d)[s] - 1;
        gradient.row(d)[s] = -off;
        log_density[s] -= 0.5 * off * off;
      }
    }
  }
  bool keeps_constants() const override { return false; }
  bool thread_safe() const override { return !alone_; }
  TargetFailures failures() const override { return {7, "out of range"}; }
  std::string name() const override { return "loose"; }
  std::vector<std::string> parameter_names() const override { return {"a", "b", "twice"}; }
  std::size_t parameter_count() const override { return 2; }
  void constrain(std::span<const double> z, std::span<double> theta) const override {
    theta[0] = z[0];
    theta[1] = std::exp(z[1]);
    theta[2] = 2 * theta[1];
  }

 private:
  bool alone_;
};

TEST(PosteriorFit, WhatTheTargetSaysIsHandedOn) {
  auto spec = posterior_spec();
  spec.run.threads = 2;
  spec.run.draws = 500;
  const auto report = fit(spec, Loose());
  const auto& p = *report.posterior;
  EXPECT_EQ(report.target, "loose");
  EXPECT_NEAR(p.log_z, std::log(2 * std::numbers::pi), 0.01);
  EXPECT_FALSE(p.keeps_constants);
  EXPECT_TRUE(says(p, "up to an unknown constant"));
  EXPECT_EQ(p.failed_evaluations, 7U);
  EXPECT_EQ(p.first_failure, "out of range");
  ASSERT_EQ(p.parameters.size(), 3U);
  EXPECT_EQ(p.parameter_count, 2U);
  EXPECT_NEAR(parameter(p, "a").mean, 1, 0.05);
  EXPECT_NEAR(parameter(p, "b").mean, std::exp(1.5), 0.2);
  EXPECT_NEAR(parameter(p, "twice").mean, 2 * parameter(p, "b").mean, 1e-12);
  for (std::size_t s = 0; s < 500; ++s) {
    EXPECT_EQ(p.values[3 * s], report.draws.z[2 * s]);
    EXPECT_EQ(p.values[3 * s + 1], std::exp(report.draws.z[2 * s + 1]));
  }
  EXPECT_EQ(report.threads, 2U);
  EXPECT_TRUE(report.warnings.empty());
  // Where it may be used from one thread alone, both methods say so, in the same words.
  const auto one = fit(spec, Loose(true));
  EXPECT_EQ(one.threads, 1U);
  ASSERT_EQ(one.warnings.size(), 1U);
  EXPECT_TRUE(contains(one.warnings.front(), "run.threads is 2, but loose does not say"));
  spec.run.method = Method::flow;
  spec.flow.layers = "affine-full";
  spec.run.iterations = 100;
  spec.objective.name = "free-energy";
  const auto told = fit(spec, Loose(true)).warnings;
  EXPECT_TRUE(std::ranges::count(told, one.warnings.front()) == 1);
  spec.run.threads = 1;
  EXPECT_EQ(std::ranges::count(fit(spec, Loose(true)).warnings, one.warnings.front()), 0);
}

/// N(0, 1) in two dimensions, some of whose values cannot be computed right of z.1 = `edge`.
class Gaps : public Target {
 public:
  Gaps(double edge, bool all) : edge_(edge), all_(all) {}
  std::size_t dim() const override { return 2; }
  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    for (std::size_t s = 0; s < z.count(); ++s) {
      log_density[s] = -0.5 * (z(0, s) * z(0, s) + z(1, s) * z(1, s));
      for (std::size_t d = 0; d < 2; ++d) gradient(d, s) = -z(d, s);
    }
  }
  std::vector<std::string> parameter_names() const override { return {"a", "b", "sum"}; }
  std::size_t parameter_count() const override { return 2; }
  void constrain(std::span<const double> z, std::span<double> theta) const override {
    theta[0] = z[0];
    theta[1] = z[1];
    theta[2] = z[0] + z[1];
    if (z[0] <= edge_) return;
    theta[2] = std::nan("");
    if (all_) theta[0] = theta[1] = std::nan("");
  }

 private:
  double edge_;
  bool all_;
};

TEST(PosteriorFit, ValuesThatAreNanAreCountedWarnedOfAndJudged) {
  struct Case {
    double edge;
    double share;  ///< of the draws beyond
    Grade verdict;
  };
  for (const auto& [edge, share, verdict] :
       {Case{1, 0.1587, Grade::unreliable}, Case{2, 0.0228, Grade::reliable_after_reweighting},
        Case{3, 0.0013, Grade::reliable}, Case{50, 0, Grade::reliable}}) {
    for (const bool all : {false, true}) {
      auto spec = posterior_spec();
      spec.run.threads = 1;
      const auto report = fit(spec, Gaps(edge, all));
      const auto& p = *report.posterior;
      EXPECT_EQ(p.verdict, verdict) << edge;
      EXPECT_NEAR(static_cast<double>(p.missing_values.count) / 4000, share,
                  5 * std::sqrt(share / 4000));
      std::size_t nan_rows = 0;
      for (std::size_t s = 0; s < 4000; ++s) {
        nan_rows += std::isnan(p.values[3 * s + 2]) ? 1 : 0;
        EXPECT_EQ(std::isnan(p.values[3 * s]), all && report.draws.z[2 * s] > edge);
      }
      EXPECT_EQ(nan_rows, p.missing_values.count);
      const std::string name = all ? "a" : "sum";
      EXPECT_EQ(says(p, name + " is nan at"), share > 0) << edge;
      EXPECT_EQ(std::ranges::any_of(report.warnings,
                                    [&](const auto& warning) {
                                      return contains(warning, fmt::format("{} is nan at {} of",
                                                                           name, nan_rows));
                                    }),
                share > 0)
          << edge;
      const auto summary = nlohmann::json::parse(summary_json(spec, report));
      EXPECT_EQ(summary.contains("missing_values"), share > 0);
    }
  }
}

TEST(PosteriorFit, ValuesThatNoDrawHasAreAFaultWhereTheyAreParameters) {
  auto spec = posterior_spec();
  spec.run.threads = 1;
  const auto computed = fit(spec, Gaps(-50, false));
  EXPECT_EQ(computed.posterior->verdict, Grade::reliable);
  EXPECT_EQ(computed.posterior->missing_values.nowhere, std::vector<std::string>{"sum"});
  ASSERT_EQ(computed.warnings.size(), 1U);
  EXPECT_TRUE(contains(computed.warnings[0], "sum is nan at all draws")) << computed.warnings[0];
  const auto parameters = fit(spec, Gaps(-50, true));
  EXPECT_EQ(parameters.posterior->verdict, Grade::unreliable);
  EXPECT_TRUE(says(*parameters.posterior, "a is nan at all of the draws"));
  EXPECT_TRUE(contains(parameters.warnings[0], "a and 2 more are nan")) << parameters.warnings[0];
}

TEST(PosteriorFit, ATargetThatMostlyFailsIsNotBelieved) {
  // Of the points, some are no good wherever they are.
  const auto target = make_target(2, [](std::span<const double> z, std::span<double> gradient) {
    gradient[0] = -z[0];
    gradient[1] = -z[1];
    const double part = 1e4 * (z[0] + 3 * z[1]);
    if (part - std::floor(part) < 0.74) return std::nan("");
    return -0.5 * (z[0] * z[0] + z[1] * z[1]);
  });
  auto spec = posterior_spec();
  spec.run.threads = 1;
  spec.run.max_gradients = 100'000;
  const auto report = fit(spec, *target);
  EXPECT_EQ(report.posterior->verdict, Grade::unreliable);
  EXPECT_TRUE(says(*report.posterior, "evaluations (at most 50 %)"));
}

TEST(PosteriorFit, WhereLnPIsTooLargeForItsDifferencesItSaysSo) {
  const auto plus = [](double constant) {
    return make_target(2, [constant](std::span<const double> z, std::span<double> gradient) {
      gradient[0] = -z[0];
      gradient[1] = -z[1];
      return constant - 0.5 * (z[0] * z[0] + z[1] * z[1]);
    });
  };
  auto spec = posterior_spec();
  spec.run.threads = 1;
  spec.run.evaluation_draws = 2000;
  spec.run.draws = 500;
  for (const double constant : {0.0, 1e6, 1e13, -1e14}) {
    const auto report = fit(spec, *plus(constant));
    EXPECT_EQ(report.posterior->verdict, Grade::reliable) << constant;
    EXPECT_NEAR(report.posterior->log_z - constant, std::log(2 * std::numbers::pi),
                0.001 + 2 * report.posterior->log_z_se)
        << constant;
  }
  for (const double constant : {1e15, -1e17, 1e20}) {
    const auto report = fit(spec, *plus(constant));
    EXPECT_EQ(report.posterior->verdict, Grade::unreliable) << constant;
    EXPECT_TRUE(says(*report.posterior, "subtract a constant from ln p")) << constant;
  }
}

TEST(PosteriorFit, APerfectFitIsReliable) {
  for (const std::uint64_t seed : {4U, 9U, 10U, 11U}) {
    auto spec = spec_of("gaussian");
    spec.target.dim = 100;
    spec.run.method = Method::staged;
    spec.run.seed = seed;
    spec.run.evaluation_draws = 20'000;
    const auto report = fit(spec);
    EXPECT_EQ(report.posterior->verdict, Grade::reliable) << seed;
  }
}

TEST(PosteriorFit, ResampledDrawsFollowTheTarget) {
  auto spec = spec_of("eight-schools-noncentered");
  spec.run.draws = 4000;
  spec.run.resample = Resampling::psis;
  const auto report = fit(spec);
  const auto& p = *report.posterior;
  EXPECT_TRUE(p.resampled);
  const auto tau = static_cast<std::size_t>(
      std::ranges::find(p.parameters, "tau", &PosteriorParameter::name) - p.parameters.begin());
  double mean = 0;
  for (std::size_t s = 0; s < 4000; ++s) mean += p.values[s * p.parameters.size() + tau] / 4000;
  EXPECT_NEAR(mean, 3.60, 0.32);
}

TEST(PosteriorFit, TheSummaryHoldsWhatIsPromised) {
  auto spec = posterior_spec();
  spec.run.draws = 100;
  const auto report = fit(spec, Loose());
  const auto summary = nlohmann::json::parse(summary_json(spec, report));
  for (const char* const key :
       {"log_z", "log_z_se", "elbo", "elbo_se", "khat", "ess", "ess_fraction", "verdict",
        "verdict_reasons", "stages", "gradients", "failed_evaluations", "seconds",
        "seconds_in_target", "parameters", "stop_reason", "method", "iterations"}) {
    EXPECT_TRUE(summary.contains(key)) << key;
  }
  EXPECT_EQ(summary["method"], "staged");
  EXPECT_EQ(summary["log_z"].get<double>(), report.posterior->log_z);
  EXPECT_EQ(summary["log_z_up_to_a_constant"], true);
  EXPECT_EQ(summary["failed_evaluations"], 7);
  EXPECT_EQ(summary["first_failure"], "out of range");
  EXPECT_EQ(summary["verdict"], name_of(report.posterior->verdict));
  EXPECT_EQ(summary["verdict_reasons"].size(), report.posterior->verdict_reasons.size());
  EXPECT_GT(summary["seconds"].get<double>(), 0);
  EXPECT_GT(summary["seconds_in_target"].get<double>(), 0);
  ASSERT_EQ(summary["stages"].size(), report.posterior->stages.size());
  for (const char* const key :
       {"name", "told", "gradients", "seconds", "elbo", "elbo_se", "ess_fraction"}) {
    EXPECT_TRUE(summary["stages"][0].contains(key)) << key;
  }
  // Of the search, which has none.
  EXPECT_TRUE(summary["stages"][0]["elbo"].is_null());
  ASSERT_TRUE(summary["parameters"].contains("twice"));
  for (const char* const key : {"mean", "sd", "mcse", "q5", "q50", "q95"}) {
    EXPECT_TRUE(summary["parameters"]["a"][key].is_number()) << key;
  }
}

}  // namespace
}  // namespace riffle::test
