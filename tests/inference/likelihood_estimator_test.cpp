// The gradient of maximum likelihood, through the inverse of the flow.

#include "inference/likelihood_estimator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "model/flow_model.h"
#include "support/failures.h"
#include "support/flow_text.h"
#include "support/mutation.h"
#include "support/random.h"

namespace riffle::test {
namespace {

constexpr RandomStream stream{3, Purpose::training, 17};

std::vector<double> data(std::size_t rows, std::size_t dim) {
  Random random(12);
  std::vector<double> all(rows * dim);
  for (double& x : all) x = 0.5 + 1.5 * random.normal();
  return all;
}

template <class T>
std::vector<T> random_params(const FlowModel<T>& model, double scale) {
  Random random(5);
  std::vector<T> params(model.parameters().size());
  for (T& p : params) p = static_cast<T>(scale * random.normal());
  return params;
}

struct Outcome {
  Estimate estimate;
  std::vector<double> grad;
  std::vector<std::uint64_t> blame;
};

Outcome estimate(const FlowModel<double>& model, std::span<const double> rows,
                 std::span<const double> params, std::size_t batch, std::size_t threads = 1) {
  Executor executor(threads);
  LikelihoodEstimator<double> source(model, rows, batch, executor, InstructionSet::best());
  Outcome outcome{{}, std::vector<double>(params.size(), 1e9), {}};
  outcome.estimate = source.estimate(params, stream, {}, outcome.grad);
  outcome.blame = source.blame();
  return outcome;
}

/// -mean of ln q at the rows that the stream picks, one by one.
double reference(const FlowModel<double>& model, std::span<const double> rows,
                 std::span<const double> params, std::size_t batch) {
  const std::size_t dim = model.dim();
  TileBuffer<double> y(dim);
  TileBuffer<double> z(dim);
  AlignedVector<double> cache(model.flow().cache_size());
  AlignedVector<double> log_q0(tile_size);
  double total = 0;
  for (std::size_t i = 0; i < batch; ++i) {
    const double u = stream.uniform(static_cast<std::uint32_t>(i), 0);
    const auto row = static_cast<std::size_t>(u * static_cast<double>(rows.size() / dim));
    for (std::size_t d = 0; d < dim; ++d) std::fill_n(y.row(d), tile_size, rows[row * dim + d]);
    AlignedVector<double> log_det(tile_size, 0.0);
    model.flow().inverse(model.flow_part(params), y.view(1), z.view(1), log_det.data(),
                         cache.data());
    model.base().log_density(model.base_part(params), z.view(1), log_q0.data());
    total -= log_q0[0] + log_det[0];
  }
  return total / static_cast<double>(batch);
}

Failures check_gradient(const FlowModel<double>& model, std::span<const double> rows,
                        std::span<const double> params, std::size_t batch,
                        std::span<const double> claimed) {
  Failures failures;
  std::vector<double> at(params.begin(), params.end());
  double largest = 1e-3;
  for (const double g : claimed) largest = std::max(largest, std::abs(g));
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto along = [&](double step) {
      at[i] = params[i] + step;
      const double value = reference(model, rows, at, batch);
      at[i] = params[i];
      return value;
    };
    double best = 0;
    double change = std::numeric_limits<double>::infinity();
    double before = std::numeric_limits<double>::quiet_NaN();
    for (const double h : {4e-3, 2e-3, 1e-3, 5e-4}) {
      const double slope = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h);
      if (std::abs(slope - before) < change) {
        change = std::abs(slope - before);
        best = slope;
      }
      before = slope;
    }
    if (!(std::abs(claimed[i] - best) <= 4 * change + 1e-7 * largest)) {
      failures.push_back(
          fmt::format("[{}]: {}, by differences {} ± {}", i, claimed[i], best, change));
    }
  }
  return failures;
}

constexpr const char* flows[] = {"planar:2", "inverse(planar:2)", "planar + inverse(planar)"};

TEST(LikelihoodEstimator, GradientIsThatOfTheValue) {
  for (const auto* flow : flows) {
    for (const std::size_t dim : {1U, 3U}) {
      const auto model =
          make_model<double>("standard-normal", parse_flow(flow), {dim, 0, InstructionSet::best()});
      const auto rows = data(50, dim);
      for (const double scale : {0.3, 1.0}) {
        const auto params = random_params(model, scale);
        const auto got = estimate(model, rows, params, 140);
        const double expected = reference(model, rows, params, 140);
        EXPECT_NEAR(got.estimate.value, expected, 1e-10 * (1 + std::abs(expected)));
        EXPECT_EQ(got.estimate.invalid, 0u);
        EXPECT_TRUE(none(check_gradient(model, rows, params, 140, got.grad)))
            << flow << " in dimension " << dim << ", scale " << scale;
      }
    }
  }
}

TEST(LikelihoodEstimator, GradientOfEveryLayerIsThatOfTheValue) {
  for (const std::size_t dim : {1U, 2U, 3U}) {
    for (const auto& flow : every_flow(dim, true)) {
      const auto model =
          make_model<double>("standard-normal", parse_flow(flow), {dim, 0, InstructionSet::best()});
      const auto rows = data(50, dim);
      const auto params = random_params(model, 0.4);
      const auto got = estimate(model, rows, params, 11);
      const double expected = reference(model, rows, params, 11);
      EXPECT_NEAR(got.estimate.value, expected, 1e-10 * (1 + std::abs(expected))) << flow;
      EXPECT_EQ(got.estimate.invalid, 0u);
      EXPECT_TRUE(none(check_gradient(model, rows, params, 11, got.grad)))
          << flow << " in dimension " << dim;
      auto broken = got.grad;
      mutate<double>(Mutation::scaled, broken);
      EXPECT_FALSE(check_gradient(model, rows, params, 11, broken).empty()) << flow;
    }
  }
}

TEST(LikelihoodEstimator, BrokenGradientsFail) {
  const auto model =
      make_model<double>("standard-normal", parse_flow(flows[2]), {2, 0, InstructionSet::best()});
  const auto rows = data(50, 2);
  const auto params = random_params(model, 0.5);
  const auto got = estimate(model, rows, params, 40);
  for (const auto mutation : mutations) {
    auto broken = got.grad;
    mutate<double>(mutation, broken);
    EXPECT_FALSE(check_gradient(model, rows, params, 40, broken).empty()) << name_of(mutation);
  }
}

TEST(LikelihoodEstimator, HasTheSameBitsOnAnyNumberOfThreads) {
  const auto model = make_model<double>("standard-normal", parse_flow(every_layer(2, true)),
                                        {2, 0, InstructionSet::best()});
  const auto rows = data(500, 2);
  const auto params = random_params(model, 0.2);
  const auto one = estimate(model, rows, params, 1000, 1);
  EXPECT_EQ(one.estimate.invalid, 0u);
  for (const std::size_t threads : {2U, 4U}) {
    const auto many = estimate(model, rows, params, 1000, threads);
    EXPECT_EQ(one.grad, many.grad);
    EXPECT_EQ(one.estimate.value, many.estimate.value);
  }
}

TEST(LikelihoodEstimator, LeavesOutPointsThatComeToNothing) {
  const auto model =
      make_model<double>("standard-normal", parse_flow(flows[0]), {2, 0, InstructionSet::best()});
  const auto params = random_params(model, 0.5);
  auto rows = data(50, 2);
  for (std::size_t row = 0; row < 50; row += 5) {
    rows[2 * row + 1] = row % 2 == 0 ? std::numeric_limits<double>::quiet_NaN()
                                     : std::numeric_limits<double>::infinity();
  }
  for (const std::size_t batch : {100U, 300U}) {
    const auto got = estimate(model, rows, params, batch);
    EXPECT_GT(got.estimate.invalid, 5u);
    EXPECT_LT(got.estimate.invalid, batch / 2);
    EXPECT_TRUE(std::isfinite(got.estimate.value));
    EXPECT_EQ(got.blame, (std::vector<std::uint64_t>{0, 0, got.estimate.invalid}));
    for (const double g : got.grad) EXPECT_TRUE(std::isfinite(g));
  }
  std::fill(rows.begin(), rows.end(), std::numeric_limits<double>::quiet_NaN());
  const auto none_left = estimate(model, rows, params, 100);
  EXPECT_EQ(none_left.estimate.invalid, 100u);
  for (const double g : none_left.grad) EXPECT_EQ(g, 0);
}

}  // namespace
}  // namespace riffle::test
