#include "core/executor.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace riffle {
namespace {

class ExecutorTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ExecutorTest, RunsEveryTaskOnce) {
  Executor executor(GetParam());
  EXPECT_EQ(executor.threads(), GetParam());
  for (const std::size_t tasks : {0u, 1u, 2u, 3u, 7u, 8u, 9u, 1000u}) {
    std::vector<std::atomic<int>> runs(tasks);
    executor.run(tasks, [&](std::size_t task, std::size_t) { ++runs[task]; });
    for (std::size_t task = 0; task < tasks; ++task) EXPECT_EQ(runs[task].load(), 1) << task;
  }
}

// Jobs of changing size, one right after the other: a worker that wakes late must not take a task
// of one job for that of another.
TEST_P(ExecutorTest, ShortJobsInARowRunEveryTaskOnce) {
  Executor executor(GetParam());
  for (std::size_t round = 0; round < 20'000; ++round) {
    const std::size_t tasks = 2 + round % 5;
    std::array<std::atomic<int>, 6> runs{};
    executor.run(tasks, [&](std::size_t task, std::size_t) {
      runs[task].fetch_add(1, std::memory_order_relaxed);
    });
    for (std::size_t task = 0; task < runs.size(); ++task) {
      ASSERT_EQ(runs[task].load(), task < tasks ? 1 : 0) << "task " << task << " of job " << round;
    }
  }
}

TEST_P(ExecutorTest, WorkersAreNumberedAndNeverShareANumberAtTheSameTime) {
  Executor executor(GetParam());
  std::vector<std::atomic<int>> inside(executor.threads());
  std::atomic<bool> shared{false};
  std::atomic<bool> out_of_range{false};
  for (int round = 0; round < 20; ++round) {
    executor.run(64, [&](std::size_t, std::size_t worker) {
      if (worker >= executor.threads()) {
        out_of_range = true;
        return;
      }
      if (inside[worker].fetch_add(1) != 0) shared = true;
      inside[worker].fetch_sub(1);
    });
  }
  EXPECT_FALSE(shared);
  EXPECT_FALSE(out_of_range);
}

TEST_P(ExecutorTest, WritesAreVisibleToTheCallerOverManyRuns) {
  Executor executor(GetParam());
  constexpr std::size_t rounds = 300;
  std::vector<std::size_t> slots(17, 0);
  for (std::size_t round = 1; round <= rounds; ++round) {
    executor.run(slots.size(), [&](std::size_t task, std::size_t) { slots[task] += task + round; });
  }
  for (std::size_t task = 0; task < slots.size(); ++task) {
    EXPECT_EQ(slots[task], rounds * task + rounds * (rounds + 1) / 2) << task;
  }
}

TEST_P(ExecutorTest, ThrowsTheExceptionOfTheFirstTaskThatFailedAndGoesOn) {
  Executor executor(GetParam());
  for (int round = 0; round < 60; ++round) {
    try {
      executor.run(40, [&](std::size_t task, std::size_t) {
        if (task % 10 == 3) throw std::runtime_error(std::to_string(task));
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& e) {
      ASSERT_STREQ(e.what(), "3") << "round " << round;
    }
    std::atomic<int> runs{0};
    executor.run(40, [&](std::size_t, std::size_t) { ++runs; });
    ASSERT_EQ(runs.load(), 40) << "round " << round;
  }
}

TEST_P(ExecutorTest, KeepsNoExceptionAlive) {
  Executor executor(GetParam());
  auto token = std::make_shared<int>(0);
  struct Failure {
    std::shared_ptr<int> token;
  };
  for (int round = 0; round < 20; ++round) {
    EXPECT_THROW(executor.run(20, [&](std::size_t, std::size_t) { throw Failure{token}; }),
                 Failure);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST_P(ExecutorTest, CallsThroughConstAndTemporaryFunctions) {
  Executor executor(GetParam());
  std::atomic<int> runs{0};
  const auto count = [&](std::size_t, std::size_t) { ++runs; };
  executor.run(10, count);
  EXPECT_EQ(runs.load(), 10);
}

TEST_P(ExecutorTest, ComesAndGoesWithoutWork) {
  for (int round = 0; round < 20; ++round) Executor executor(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Threads, ExecutorTest, ::testing::Values(1, 2, 4, 8));

}  // namespace
}  // namespace riffle
