#include "run/inputs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "riffle/fit.h"
#include "riffle/run.h"
#include "run/run_folder.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::message_of;

class Inputs : public ::testing::Test {
 protected:
  Inputs() {
    fs::create_directory(folder_ / "run");
    test::spill(folder_ / "data.json", "{\"y\": [1, 2]}");
    test::spill(folder_ / "model.so", "a library");
    spec_.target.stan = (folder_ / "model.so").string();
    spec_.target.data = (folder_ / "data.json").string();
  }
  fs::path run() const { return folder_ / "run"; }
  fs::path record() const { return run() / run_files::inputs; }
  std::vector<std::string> check() const {
    std::vector<std::string> warnings;
    check_inputs(run(), spec_, warnings);
    return warnings;
  }

  test::TemporaryFolder folder_;
  Spec spec_;
};

TEST_F(Inputs, AreComparedByTheirBytes) {
  write_inputs(run(), spec_);
  EXPECT_TRUE(check().empty());
  test::spill(folder_ / "data.json", "{\"y\": [1, 2]}");
  EXPECT_TRUE(check().empty()) << "written again, the same";
  test::spill(folder_ / "data.json", "{\"y\": [1, 3]}");
  const auto message = message_of(ErrorKind::data, [&] { check(); });
  EXPECT_TRUE(contains(message, spec_.target.data + " has changed since the run in"));
  EXPECT_TRUE(contains(message, "--force`"));
  // Longer ones too, in any part.
  std::string large(1'000'000, 'x');
  test::spill(folder_ / "data.json", large);
  write_inputs(run(), spec_);
  EXPECT_TRUE(check().empty());
  large.back() = 'y';
  test::spill(folder_ / "data.json", large);
  message_of(ErrorKind::data, [&] { check(); });
}

TEST_F(Inputs, ALibraryThatChangedIsAWarning) {
  write_inputs(run(), spec_);
  test::spill(folder_ / "model.so", "another");
  const auto warnings = check();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(contains(warnings[0], "model.so has changed since the run in"));
}

TEST_F(Inputs, OnlyFilesAreWrittenDown) {
  spec_.target.data = "{\"y\": [1, 2]}";
  write_inputs(run(), spec_);
  EXPECT_FALSE(contains(test::slurp(record()), "\"data\""));
  EXPECT_TRUE(contains(test::slurp(record()), "\"stan\""));
  fs::remove(record());
  spec_.target.stan.clear();
  write_inputs(run(), spec_);
  EXPECT_FALSE(fs::exists(record()));
  EXPECT_TRUE(check().empty());
}

TEST_F(Inputs, WhatIsGoneOrWasNeverWrittenDownIsNotCompared) {
  EXPECT_TRUE(check().empty()) << "a run of an earlier version";
  write_inputs(run(), spec_);
  fs::remove(folder_ / "data.json");
  EXPECT_TRUE(check().empty()) << "who reads it says that it is gone";
}

TEST_F(Inputs, ARecordThatIsNoneIsRefused) {
  for (const char* text : {"", "{", "{\"data\": 3}", "{\"data\": {\"digest\": 4}}"}) {
    test::spill(record(), text);
    EXPECT_TRUE(contains(message_of(
                             ErrorKind::data, [&] { check(); }, text),
                         "inputs.json"))
        << text;
  }
}

std::string table(double last) {
  std::string text = "x,y\n";
  for (int i = 0; i < 20; ++i) text += std::to_string(0.1 * i) + "," + (i % 3 ? "0\n" : "1\n");
  return text + std::to_string(last) + ",1\n";
}

TEST(RunOfAFile, NoticesThatItChanged) {
  const test::TemporaryFolder folder;
  const auto run = folder / "run";
  const auto data = folder / "data.csv";
  test::spill(data, table(1));
  auto spec = posterior_spec();
  spec.target.name = "logistic";
  spec.target.data = data.string();
  spec.run.evaluation_draws = 1000;
  spec.run.draws = 10;
  spec.run.plots = false;
  std::atomic<bool> stop{true};
  FitCallbacks callbacks;
  callbacks.stop = &stop;
  EXPECT_EQ(run_in_folder(spec, run, callbacks).report.stop_reason, StopReason::interrupted);
  std::vector<std::string> warnings;
  const auto sample = [&](Coordinates coordinates) {
    sample_folder(run, 5, 1, coordinates, folder / "draws.csv", warnings);
  };
  sample(Coordinates::parameters);

  test::spill(data, table(2));
  const auto changed = "data.csv has changed since the run in";
  const auto model = test::slurp(run / run_files::model);
  EXPECT_TRUE(
      contains(message_of(ErrorKind::data, [&] { resume_in_folder(run, {}, {}); }), changed));
  EXPECT_TRUE(
      contains(message_of(ErrorKind::data, [&] { sample(Coordinates::parameters); }), changed));
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { diagnose_folder(run, {}); }), changed));
  EXPECT_EQ(test::slurp(run / run_files::model), model);
  sample(Coordinates::unconstrained);  // needs no target

  // The two ways out.
  test::spill(data, table(1));
  EXPECT_EQ(resume_in_folder(run, {}, {}).report.stop_reason, StopReason::completed);
  test::spill(data, table(2));
  spec.run.force = true;
  run_in_folder(spec, run, {});
  sample(Coordinates::parameters);
  EXPECT_TRUE(warnings.empty());
  // A run that takes the place has no files.
  spec.target.name = "banana";
  spec.target.data.clear();
  run_in_folder(spec, run, {});
  EXPECT_FALSE(fs::exists(run / run_files::inputs));
}

TEST(RunOfPoints, IsNotResumedOnOthers) {
  const test::TemporaryFolder folder;
  const auto points = folder / "points.csv";
  std::string text = "x,y\n";
  for (int i = 0; i < 200; ++i) text += std::to_string(i % 7) + "," + std::to_string(i % 11) + "\n";
  test::spill(points, text);
  Spec spec;
  spec.target.samples = points.string();
  spec.objective.name = "maximum-likelihood(holdout=0)";
  spec.flow.layers = "maf:1";
  spec.run.iterations = 30;
  spec.run.log_every = 1;
  spec.run.plots = false;
  spec.run.evaluation_draws = 1000;
  std::atomic<bool> stop{false};
  FitCallbacks callbacks;
  callbacks.stop = &stop;
  callbacks.on_log = [&](std::uint64_t i, double) { stop = i == 10; };
  EXPECT_EQ(run_in_folder(spec, folder / "run", callbacks).report.stop_reason,
            StopReason::interrupted);
  test::spill(points, text + "3,3\n");
  EXPECT_TRUE(
      contains(message_of(ErrorKind::data, [&] { resume_in_folder(folder / "run", {}, {}); }),
               "points.csv has changed"));
  // The flow is what it is.
  std::vector<std::string> warnings;
  sample_folder(folder / "run", 5, 1, Coordinates::parameters, folder / "draws.csv", warnings);
  test::spill(points, text);
  EXPECT_EQ(resume_in_folder(folder / "run", {}, {}).report.stop_reason, StopReason::completed);
}

}  // namespace
}  // namespace riffle
