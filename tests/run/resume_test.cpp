#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "fit/resumable_fit.h"
#include "inference/optimizer.h"
#include "io/files.h"
#include "riffle/error.h"
#include "run/checkpoint_file.h"
#include "run/plot_folder.h"
#include "run/run_folder.h"
#include "support/effort.h"
#include "support/flow_text.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

Spec small(std::string_view optimizer, Precision precision) {
  Spec spec;
  spec.target.name = "U2";
  spec.flow.layers = "planar:3+planar-free:2";
  spec.optimizer.name = optimizer == "rmsprop" ? "rmsprop(momentum=0.5, centered=yes)" : optimizer;
  spec.optimizer.clip_norm = 5;
  spec.objective.name = "annealed(beta_steps=50)";
  spec.run.precision = precision;
  spec.run.iterations = 40;
  spec.run.batch = 200;
  spec.run.threads = 1;
  spec.run.log_every = 1;
  spec.run.snapshot_every = 7;
  spec.run.evaluation_draws = 1000;
  spec.run.draws = 20;
  spec.run.plots = false;
  return spec;
}

void expect_same_bits(const FitReport& a, const FitReport& b) {
  EXPECT_EQ(a.stop_reason, b.stop_reason);
  EXPECT_EQ(a.iterations, b.iterations);
  EXPECT_EQ(a.flow.definition().params, b.flow.definition().params);
  EXPECT_EQ(a.losses, b.losses);
  EXPECT_EQ(a.draws.z, b.draws.z);
  EXPECT_EQ(a.draws.log_q, b.draws.log_q);
  EXPECT_EQ(a.log_p, b.log_p);
  EXPECT_EQ(a.bound, b.bound);
  EXPECT_EQ(a.elbo, b.elbo);
  ASSERT_EQ(a.snapshots.size(), b.snapshots.size());
  for (std::size_t i = 0; i < a.snapshots.size(); ++i) {
    EXPECT_EQ(a.snapshots[i].iteration, b.snapshots[i].iteration);
    EXPECT_EQ(a.snapshots[i].x, b.snapshots[i].x);
    EXPECT_EQ(a.snapshots[i].y, b.snapshots[i].y);
  }
}

/// Runs until `last` iterations are done, from where `resume` left off, and hands back the state by
/// way of a file.
Checkpoint run_until(const Spec& spec, std::uint64_t last, const Checkpoint* resume,
                     const fs::path& file) {
  std::atomic<bool> stop{false};
  FitCallbacks callbacks;
  callbacks.stop = &stop;
  callbacks.on_log = [&](std::uint64_t i, double) { stop = i == last; };
  const auto report = resumable_fit(
      spec, nullptr, callbacks,
      {resume, [&](const Checkpoint& c) { save_checkpoint(file, c, to_toml(spec)); }});
  EXPECT_EQ(report.stop_reason, StopReason::interrupted);
  EXPECT_EQ(report.iterations, last);
  return load_checkpoint(file, to_toml(spec));
}

TEST(Resume, FromEveryIterationGivesTheSameBits) {
  test::TemporaryFolder folder;
  for (const auto& optimizer : optimizer_registry()) {
    for (const auto precision : {Precision::float32, Precision::float64}) {
      const auto spec = small(optimizer.name, precision);
      const auto undisturbed = resumable_fit(spec, nullptr, {}, {});
      for (std::uint64_t stop = 1; stop < spec.run.iterations; stop += test::hurried ? 9 : 1) {
        SCOPED_TRACE(
            fmt::format("{}, {}, stopped at {}", optimizer.name, name_of(precision), stop));
        const auto checkpoint = run_until(spec, stop, nullptr, folder / "c");
        EXPECT_EQ(checkpoint.trainer.iteration, stop);
        expect_same_bits(resumable_fit(spec, nullptr, {}, {&checkpoint, {}}), undisturbed);
      }
    }
  }
}

TEST(Resume, OverAndOverAndOnOtherThreads) {
  test::TemporaryFolder folder;
  auto spec = small("adam", Precision::float64);
  spec.flow.layers = test::every_layer(2);
  spec.run.batch = 1000;
  const auto undisturbed = resumable_fit(spec, nullptr, {}, {});
  const auto text_of_spec = spec;
  std::unique_ptr<Checkpoint> last;
  for (std::uint64_t stop = 5; stop < spec.run.iterations; stop += 5) {
    last = std::make_unique<Checkpoint>(run_until(text_of_spec, stop, last.get(), folder / "c"));
  }
  spec.run.threads = 3;
  expect_same_bits(resumable_fit(spec, nullptr, {}, {last.get(), {}}), undisturbed);
}

TEST(Resume, AFlowOfEveryLayer) {
  test::TemporaryFolder folder;
  for (const auto precision : {Precision::float32, Precision::float64}) {
    auto spec = small("adam", precision);
    spec.flow.layers = test::every_layer(2);
    const auto undisturbed = resumable_fit(spec, nullptr, {}, {});
    EXPECT_EQ(undisturbed.refused_steps, 0U);
    for (const std::uint64_t stop : {1U, 13U, 39U}) {
      SCOPED_TRACE(fmt::format("{}, stopped at {}", name_of(precision), stop));
      const auto checkpoint = run_until(spec, stop, nullptr, folder / "c");
      expect_same_bits(resumable_fit(spec, nullptr, {}, {&checkpoint, {}}), undisturbed);
    }
  }
}

TEST(Resume, FromCheckpointsWrittenOnTheWay) {
  auto spec = small("rmsprop", Precision::float32);
  spec.run.checkpoint_seconds = 0;
  std::vector<Checkpoint> checkpoints;
  FitCallbacks slow;  // so that the clock ticks at every iteration
  slow.on_progress = [](const FitProgress&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  };
  const auto undisturbed = resumable_fit(
      spec, nullptr, slow, {nullptr, [&](const Checkpoint& c) { checkpoints.push_back(c); }});
  ASSERT_GT(checkpoints.size(), 3U);
  for (const auto& checkpoint : checkpoints) {
    expect_same_bits(resumable_fit(spec, nullptr, {}, {&checkpoint, {}}), undisturbed);
  }
}

TEST(Resume, KeepsCountOfWhatWasLeftOut) {
  // A rate that sends draws to infinity.
  auto spec = small("sgd", Precision::float32);
  spec.flow.layers = "planar-free:3";
  spec.optimizer.learning_rate = 1e30;
  spec.optimizer.clip_norm = std::numeric_limits<double>::infinity();
  spec.schedule.name = "constant";
  test::TemporaryFolder folder;
  const auto undisturbed = resumable_fit(spec, nullptr, {}, {});
  ASSERT_GT(undisturbed.invalid_training_draws + undisturbed.refused_steps, 0U);
  const auto checkpoint = run_until(spec, 20, nullptr, folder / "c");
  const auto resumed = resumable_fit(spec, nullptr, {}, {&checkpoint, {}});
  EXPECT_EQ(resumed.invalid_training_draws, undisturbed.invalid_training_draws);
  EXPECT_EQ(resumed.refused_steps, undisturbed.refused_steps);
  EXPECT_EQ(resumed.invalid_training_draws_by, undisturbed.invalid_training_draws_by);
  EXPECT_EQ(resumed.refused_steps_by, undisturbed.refused_steps_by);
  EXPECT_EQ(resumed.warnings, undisturbed.warnings);
}

TEST(Resume, RefusesACheckpointOfAnotherRun) {
  test::TemporaryFolder folder;
  const auto spec = small("adam", Precision::float64);
  const auto checkpoint = run_until(spec, 10, nullptr, folder / "c");
  EXPECT_THROW(load_checkpoint(folder / "c", "another spec"), Error);
  auto longer = spec;
  longer.flow.layers = "planar:4+planar-free:2";
  EXPECT_THROW(resumable_fit(longer, nullptr, {}, {&checkpoint, {}}), Error);
  auto shorter = spec;
  shorter.run.iterations = 5;
  EXPECT_THROW(resumable_fit(shorter, nullptr, {}, {&checkpoint, {}}), Error);
}

/// Fits into a folder, stopped after some iterations.
void interrupted_run(const Spec& spec, const fs::path& folder, std::uint64_t last) {
  std::atomic<bool> stop{false};
  FitCallbacks callbacks;
  callbacks.stop = &stop;
  callbacks.on_log = [&](std::uint64_t i, double) { stop = i == last; };
  EXPECT_EQ(run_in_folder(spec, folder, callbacks).report.stop_reason, StopReason::interrupted);
}

TEST(RunFolder, ResumedHoldsTheSameFiles) {
  test::TemporaryFolder folder;
  const auto spec = small("rmsprop", Precision::float32);
  run_in_folder(spec, folder / "whole", {});
  interrupted_run(spec, folder / "parts", 13);
  EXPECT_TRUE(fs::exists(folder / "parts" / run_files::checkpoint));
  resume_in_folder(folder / "parts", {}, {});
  EXPECT_FALSE(fs::exists(folder / "parts" / run_files::checkpoint));
  for (const char* name :
       {run_files::spec, run_files::model, run_files::loss, run_files::draws, run_files::samples}) {
    EXPECT_EQ(test::slurp(folder / "whole" / name), test::slurp(folder / "parts" / name)) << name;
  }
}

TEST(RunFolder, ADamagedCheckpointIsRefused) {
  test::TemporaryFolder folder;
  interrupted_run(small("adam", Precision::float64), folder / "run", 13);
  const auto path = folder / "run" / run_files::checkpoint;
  const auto good = test::slurp(path);
  for (const std::size_t cut : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
    test::spill(path, good.substr(0, cut));
    try {
      resume_in_folder(folder / "run", {}, {});
      ADD_FAILURE() << "resumed from " << cut << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.kind()), 65) << error.what();
    }
  }
  test::spill(path, good);
  EXPECT_NO_THROW(resume_in_folder(folder / "run", {}, {}));
}

TEST(RunFolder, ForceReplacesTheRunAndNothingElse) {
  test::TemporaryFolder folder;
  auto spec = small("adam", Precision::float64);
  const auto run = folder / "run";
  run_in_folder(spec, run, {});
  test::spill(run / "notes.txt", "mine");
  test::spill(run / ".draws.csv.part-1", "left by a killed run");
  fs::create_directories(run / "samples");
  test::spill(run / "samples" / "flow_result_123.png", "of the old run");
  test::spill(run / "samples" / "own.png", "mine");
  test::spill(run / "loss.png", "of the old run");
  EXPECT_THROW(run_in_folder(spec, run, {}), Error);
  EXPECT_TRUE(fs::exists(run / ".draws.csv.part-1"));
  spec.run.force = true;
  run_in_folder(spec, run, {});
  EXPECT_EQ(test::slurp(run / "notes.txt"), "mine");
  EXPECT_EQ(test::slurp(run / "samples" / "own.png"), "mine");
  EXPECT_FALSE(fs::exists(run / ".draws.csv.part-1"));
  EXPECT_FALSE(fs::exists(run / "samples" / "flow_result_123.png"));
  EXPECT_FALSE(fs::exists(run / "loss.png"));
  EXPECT_TRUE(fs::exists(run / run_files::summary));
}

TEST(RunFolder, ASpecThatIsNotValidMakesNoFolder) {
  test::TemporaryFolder folder;
  auto spec = small("adam", Precision::float64);
  spec.target.name = "U1";
  spec.target.numbers["mean"] = 1;
  EXPECT_THROW(run_in_folder(spec, folder / "run", {}), Error);
  EXPECT_EQ(folder.size(), 0);
}

TEST(RunFolder, ThereMustBeARunToResumeOrPlotOrSample) {
  test::TemporaryFolder folder;
  EXPECT_THROW(resume_in_folder(folder.path(), {}, {}), Error);
  std::vector<std::string> warnings;
  EXPECT_THROW(plot_folder(folder.path()), Error);
  EXPECT_THROW(sample_folder(folder.path(), 1, 1, Coordinates::parameters, {}, warnings), Error);
}

}  // namespace
}  // namespace riffle
