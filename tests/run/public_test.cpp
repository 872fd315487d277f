// What embedders call: targets by name, runs that are opened, flows that are diagnosed and audited.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/aligned.h"
#include "io/files.h"
#include "riffle/riffle.h"
#include "run/run_folder.h"
#include "run/summary.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

template <class F>
std::string message_of(ErrorKind kind, F&& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

double log_p_at(const Target& target, std::vector<double> at) {
  TileBuffer<double> z(at.size());
  TileBuffer<double> gradient(at.size());
  for (std::size_t d = 0; d < at.size(); ++d) std::fill_n(z.row(d), tile_size, at[d]);
  std::vector<double> log_p(1);
  target.evaluate(z.view(1), log_p, gradient.view(1));
  return log_p[0];
}

TEST(BuiltInTarget, IsMadeByItsName) {
  const auto names = built_in_targets();
  EXPECT_NE(std::find(names.begin(), names.end(), "banana"), names.end());
  const auto normal = built_in_target("gaussian", {.dim = 3, .numbers = {{"mean", 2}}, .data = {}});
  EXPECT_EQ(normal->dim(), 3U);
  EXPECT_GT(log_p_at(*normal, {2, 2, 2}), log_p_at(*normal, {2, 2, 1}));
  EXPECT_NEAR(normal->log_z().value(), 1.5 * std::log(2 * std::numbers::pi), 1e-12);
  EXPECT_EQ(message_of(ErrorKind::usage, [] { built_in_target("bananas"); }),
            "no target \"bananas\"; did you mean \"banana\"?");
  EXPECT_EQ(message_of(ErrorKind::usage,
                       [] { built_in_target("U1", {.dim = 3, .numbers = {}, .data = {}}); }),
            "target.dim is 3, but U1 has dimension 2");
  message_of(ErrorKind::usage, [] {
    built_in_target("U1", {.dim = {}, .numbers = {{"mean", 2}}, .data = {}});
  });
  message_of(ErrorKind::usage, [] { built_in_target("logistic"); });
}

TEST(SpecTarget, IsOfAnyKind) {
  Spec spec;
  spec.target.log_density = "-x^2 - y^2";
  EXPECT_EQ(log_p_at(*spec_target(spec), {1, 2}), -5);
  spec = {};
  EXPECT_EQ(spec_target(spec)->name(), "crescents");
  spec.target.samples = "points.csv";
  message_of(ErrorKind::usage, [&] { spec_target(spec); });
}

Spec brief() {
  auto spec = parse_spec(
      "[target]\nname = \"banana\"\n[flow]\nlayers = \"affine\"\n"
      "[base]\nname = \"standard-normal\"\n[objective]\nname = \"free-energy\"\n"
      "[run]\nmethod = \"flow\"\niterations = 200\nbatch = 64\nthreads = 1\n"
      "evaluation_draws = 1000\ndraws = 100\nplots = false\n",
      "brief");
  return spec;
}

TEST(OpenRun, HasWhatTheFolderHas) {
  test::TemporaryFolder folder;
  const auto there = folder / "run";
  const auto outcome = run_in_folder(brief(), there, {});
  const auto run = open_run(there);
  EXPECT_EQ(run.spec.flow.layers, "affine");
  EXPECT_EQ(run.flow.sample(10).z, outcome.report.flow.sample(10).z);
  ASSERT_NE(run.target, nullptr);
  EXPECT_EQ(run.target->name(), "banana");
  EXPECT_NE(run.summary.find("\"elbo\""), std::string::npos);
  EXPECT_TRUE(run.warnings.empty());
  std::filesystem::remove(there / "summary.json");
  EXPECT_TRUE(open_run(there).summary.empty());
  message_of(ErrorKind::no_input, [&] { open_run(folder / "nothing"); });
}

TEST(Diagnose, WeighsAFlowAgainstATarget) {
  // The flow is the target: every draw is as good as another.
  const auto target = built_in_target("gaussian", {.dim = 2, .numbers = {}, .data = {}});
  const TrainedFlow exact({"standard-normal", "affine", Precision::float64, 2, {0, 0, 0, 0}});
  const auto report = diagnose(exact, *target, {.draws = 5000, .seed = {}});
  EXPECT_NEAR(report.log_z, target->log_z().value(), 1e-9);
  EXPECT_NEAR(report.elbo, report.log_z, 1e-9);
  EXPECT_NEAR(report.ess_fraction, 1, 1e-6);
  EXPECT_EQ(report.verdict, Grade::reliable);
  EXPECT_EQ(report.draws, 5000U);
  const auto again = diagnose(exact, *target, {.draws = 5000, .seed = {}});
  EXPECT_EQ(report.log_z, again.log_z);
  // One that is far too narrow is not relied on.
  const TrainedFlow narrow({"standard-normal", "affine", Precision::float64, 2, {-3, -3, 0, 0}});
  EXPECT_EQ(diagnose(narrow, *target).verdict, Grade::unreliable);
  message_of(ErrorKind::usage, [&] { diagnose(exact, *built_in_target("eight-schools")); });
  message_of(ErrorKind::usage, [&] { diagnose(exact, *target, {.draws = 0, .seed = {}}); });
}

TEST(Audit, OfATrainedFlow) {
  for (const auto precision : {Precision::float32, Precision::float64}) {
    const TrainedFlow flow({"standard-normal", "affine", precision, 2, {0.5, -0.25, 1, 2}});
    const auto results = audit(flow, {.seed = 1, .draws = 500});
    ASSERT_EQ(results.size(), 6U);
    for (const auto& r : results) EXPECT_NE(r.outcome, AuditOutcome::failed) << r.name;
    message_of(ErrorKind::usage, [&] { audit(flow, {.seed = 1, .draws = 0}); });
  }
}

TEST(PublicPsis, FindsAHeavyTail) {
  std::vector<double> log_w(1000);
  for (std::size_t i = 0; i < log_w.size(); ++i) {
    log_w[i] = -0.9 * std::log((static_cast<double>(i) + 0.5) / 1000);
  }
  EXPECT_NEAR(psis(log_w).khat, 0.9, 0.1);
  EXPECT_NEAR(khat_threshold(1000), 1 - 1.0 / 3, 1e-12);
}

/// Every field of a report is in the table of docs/summary.md.
TEST(ReportFields, AreDocumented) {
  const auto docs = read_file(std::filesystem::path(RIFFLE_SOURCE_DIR) / "docs/summary.md");
  const auto expect_all = [&](const Spec& spec, const FitReport& report) {
    const auto json = nlohmann::json::parse(summary_json(spec, report));
    for (const auto& [key, value] : json.items()) {
      EXPECT_NE(docs.find("`" + key + "`"), std::string::npos) << key << " is not documented";
    }
  };
  auto spec = brief();
  expect_all(spec, fit(spec));
  expect_all(spec, fit(spec, *built_in_target("banana")));
  spec.run.method = Method::staged;
  expect_all(spec, fit(spec));
  auto of_points = samples_spec();
  of_points.run.iterations = 50;
  of_points.run.evaluation_draws = 1000;
  of_points.run.draws = 10;
  std::vector<double> values(200);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i * i));
  expect_all(of_points, fit(of_points, Samples{2, {"a", "b"}, values}));
}

}  // namespace
}  // namespace riffle
