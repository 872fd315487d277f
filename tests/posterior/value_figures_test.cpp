#include "posterior/value_figures.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

namespace riffle {
namespace {

/// A table of random numbers that counts how often it is made, and how slowly.
struct Table {
  Table(std::size_t rows, std::size_t width, std::chrono::microseconds pause = {})
      : values(rows * width), columns(width), each(pause) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = std::sin(static_cast<double>(i) * 1.7) + static_cast<double>(i % columns);
    }
  }

  ValueRows rows() {
    return {columns, values.size() / columns,
            [this](std::span<const std::size_t> draws) -> ValueRows::Next {
              ++begun;
              return [this, draws, at = std::size_t{0}](std::span<double> row) mutable {
                if (each.count() > 0) std::this_thread::sleep_for(each);
                const auto first = values.begin() + static_cast<long>(draws[at++] * columns);
                std::copy_n(first, columns, row.begin());
                ++made;
              };
            }};
  }

  std::vector<double> values;
  std::size_t columns;
  std::chrono::microseconds each;
  std::size_t begun = 0;
  std::size_t made = 0;
};

void expect_same(const ParameterSummary& a, const ParameterSummary& b) {
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.sd, b.sd);
  EXPECT_EQ(a.mcse, b.mcse);
  EXPECT_EQ(a.q5, b.q5);
  EXPECT_EQ(a.q50, b.q50);
  EXPECT_EQ(a.q95, b.q95);
  EXPECT_EQ(a.missing, b.missing);
}

TEST(ValueFigures, AreThoseOfAllRowsToTheBitHoweverManyPassesTheyTake) {
  Table table(500, 300);
  table.values[7 * 300 + 5] = std::nan("");
  std::vector<double> weights(500);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<double>(i % 7);
  Executor executor(2);
  const Deadline never;
  for (const bool weighted : {false, true}) {
    table.begun = 0;
    const auto by = weighted ? std::span<const double>(weights) : std::span<const double>();
    const auto figures = figures_of(
        table.rows(), {.first = 4, .last = 300, .weights = by, .at_once = 50'000}, never, executor);
    EXPECT_EQ(table.begun, 3U);
    const auto whole = summarise(table.values, 300, by);
    ASSERT_EQ(figures.size(), 296U);
    for (std::size_t i = 0; i < figures.size(); ++i) expect_same(figures[i], whole[4 + i]);
  }
}

TEST(ValueFigures, OfVeryManyColumnsComeFromFewerRowsSpreadEvenly) {
  Table table(800, 100);
  Executor executor(2);
  const auto figures =
      figures_of(table.rows(), {.first = 0, .last = 100, .least_rows = 400, .affordable = 50'000},
                 Deadline(), executor);
  std::vector<double> chosen;
  for (std::size_t i = 0; i < 500; ++i) chosen.push_back(table.values[i * 8 / 5 * 100 + 3]);
  expect_same(figures[3], summarise(chosen, 1).front());
}

TEST(ValueFigures, AfterAStopComeFromWhatAMomentDoesFor) {
  std::atomic<bool> stop{true};
  Table slow(20'000, 3, std::chrono::microseconds(2000));
  Executor executor(1);
  const auto start = std::chrono::steady_clock::now();
  const auto figures = figures_of(slow.rows(), {.first = 0, .last = 3}, Deadline(&stop), executor);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  EXPECT_LE(slow.made, 1000U);
  EXPECT_NEAR(figures[2].mean, 2, 0.3);
  EXPECT_NEAR(figures[2].sd, std::sqrt(0.5), 0.2);
}

TEST(Deadline, EndsAtItsTimeAndSoonAfterAStop) {
  EXPECT_FALSE(Deadline().over(0));
  EXPECT_TRUE(Deadline(nullptr, 0).over(10));
  EXPECT_FALSE(Deadline(nullptr, 100).over(0));
  EXPECT_TRUE(Deadline(nullptr, 100).over(0, 101));
  std::atomic<bool> stop{false};
  const Deadline deadline(&stop);
  EXPECT_FALSE(deadline.over(0));
  stop = true;
  EXPECT_TRUE(deadline.over(0));
  EXPECT_FALSE(deadline.over(0.2));
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  EXPECT_TRUE(deadline.over(0.2));
}

}  // namespace
}  // namespace riffle
