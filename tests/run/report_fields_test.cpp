#include "run/report_fields.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "riffle/error.h"
#include "run/summary.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

/// Small figures that all differ.
PosteriorReport posterior() {
  PosteriorReport p;
  p.draws = 1000;
  p.wider_draws = 250;
  p.log_z = -3;
  p.log_z_se = 0.1;
  p.keeps_constants = false;
  p.elbo = -4;
  p.elbo_se = 0.2;
  p.khat = 0.5;
  p.ess = 800;
  p.ess_fraction = 0.8;
  p.verdict = Grade::reliable_after_reweighting;
  p.verdict_reasons = {"one", "two"};
  p.gradients = 12345;
  p.seconds = 7;
  p.seconds_in_target = 5;
  p.stages = {{"normal", "told", 10, 0.5, -5, 0.3, 0.6}};
  p.trace = {{10, -5, 0}};
  p.climbs = 8;
  p.modes = 2;
  p.unseen_modes = 0.125;
  p.modes_left_out = true;
  p.out_of_budget = true;
  p.starts = {{-3, 0.1, -4, 0.2, Grade::reliable}, {-3.5, 0.1, -4, 0.2, Grade::unreliable}};
  p.draws_by = DrawsBy::sampler;
  p.chains = 64;
  p.chain_length = 80;
  p.temperatures = 2;
  p.acceptance = 0.75;
  p.r_hat = 1.01;
  p.ess_bulk = 3000;
  p.ess_tail = 2000;
  p.log_z_importance = -3;
  p.log_z_importance_se = 0.1;
  p.log_z_bridge = -2.9;
  p.log_z_bridge_se = 0.05;
  p.eubo = -2.5;
  p.eubo_se = 0.02;
  p.resampled = true;
  p.weighted = true;
  p.parameters = {{"a", 1, 2, 3, 4, 5, 6}, {"b", 2, 3, 4, 5, 6, 7}, {"c", 3, 4, 5, 6, 7, 8}};
  p.parameter_count = 1;
  p.generated_count = 1;
  p.missing_values = {3, "b", {"d"}};
  p.kept_ess_fraction = 0.7;
  p.kept_khat = 0.6;
  return p;
}

FitFigures figures(FieldOf kind) {
  FitFigures f{.target = "t",
               .stop_reason = StopReason::out_of_budget,
               .iterations = 3,
               .threads = 2,
               .simd = "AVX2",
               .seconds = 7,
               .us_per_iteration = 2.5,
               .bound = 4,
               .bound_se = 0.25,
               .elbo = -4,
               .elbo_se = 0.2,
               .log_z_true = 1,
               .kl = 5,
               .kl_se = 0.2,
               .invalid_draws = 1,
               .invalid_training_draws = 2,
               .invalid_training_draws_by = {{"the base", 2}},
               .refused_steps = 3,
               .refused_steps_by = {{"the target", 3}},
               .evaluations = 100,
               .failed_evaluations = 4,
               .first_failure = "no",
               .target_description = "a target",
               .injective = false,
               .warnings = {"w"}};
  if (kind == FieldOf::likelihood) {
    f.log_likelihood = -2;
    f.log_likelihood_se = 0.5;
    f.samples = 90;
    f.held_out = 10;
    f.far_off = 5;
    f.far_off_judged = 1;
  }
  if (kind == FieldOf::posterior) f.posterior = posterior();
  return f;
}

Json written(const FitFigures& f) {
  const Spec spec;
  const TrainedFlow::Definition d{"b", "l", Precision::float64, 2, {1, 2}, {"x", "y"}};
  return json_of({&spec, d, 7, f});
}

TEST(ReportTable, WhatIsWrittenIsReadAndNothingIsLost) {
  for (const auto kind : {FieldOf::variational, FieldOf::likelihood, FieldOf::posterior}) {
    const auto json = written(figures(kind));
    const auto read = summary_of(json);
    EXPECT_EQ(written(read.fit).dump(2), json.dump(2)) << name_of(kind);
    EXPECT_EQ(read.flow, "l");
  }
  // What is made of several fields.
  const auto p = *summary_of(written(figures(FieldOf::posterior))).fit.posterior;
  EXPECT_EQ(p.draws, 1000U);
  EXPECT_EQ(p.elbo, -4);
  EXPECT_EQ(p.elbo_se, 0.2);
  EXPECT_EQ(p.seconds, 7);
  EXPECT_EQ(p.parameter_count, 1U);
  EXPECT_EQ(p.generated_count, 1U);
  EXPECT_FALSE(p.keeps_constants);
}

TEST(ReportTable, EachIsInReportsOfItsKind) {
  std::set<std::string> all;
  for (const auto kind : {FieldOf::variational, FieldOf::likelihood, FieldOf::posterior}) {
    const auto json = written(figures(kind));
    std::set<std::string> keys;
    for (const auto& [key, value] : json.items()) keys.insert(key);
    for (const auto& f : report_fields()) {
      EXPECT_FALSE(f.meaning.empty()) << f.name;
      const std::string name(f.name);
      if (f.of == kind || f.of == FieldOf::all) {
        EXPECT_TRUE(keys.contains(name)) << name << " of " << name_of(kind);
      }
    }
    all.merge(keys);
  }
  for (const auto& f : report_fields()) all.erase(std::string(f.name));
  EXPECT_TRUE(all.empty());
}

TEST(ReportTable, AMissingOneOrAnotherTypeIsNoSummary) {
  const test::TemporaryFolder folder;
  const auto path = folder / "summary.json";
  const auto good = written(figures(FieldOf::posterior));
  const auto refused = [&](const Json& json) {
    test::spill(path, json.dump());
    try {
      read_summary(path);
      return false;
    } catch (const Error& e) {
      return e.kind() == ErrorKind::data;
    }
  };
  EXPECT_FALSE(refused(good));
  for (const char* key : {"target", "stop_reason", "elbo", "log_z", "khat", "parameters"}) {
    auto bad = good;
    bad.erase(key);
    EXPECT_TRUE(refused(bad)) << key;
    bad = good;
    bad[key] = Json::array({1});
    EXPECT_TRUE(refused(bad)) << key;
  }
  auto bad = good;
  bad["verdict"] = "splendid";
  EXPECT_TRUE(refused(bad));
}

}  // namespace
}  // namespace riffle
