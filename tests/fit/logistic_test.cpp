// Logistic regression from a file of data: how it is read, and the evidence of published settings.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "core/aligned.h"
#include "core/names.h"
#include "fit/target_options.h"
#include "riffle/fit.h"
#include "support/data.h"
#include "support/effort.h"
#include "support/expect_error.h"
#include "support/random.h"
#include "support/temporary_folder.h"
#include "targets/built_in_target.h"

namespace riffle::test {
namespace {

const TargetEntry& logistic() {
  return find_by_name(target_registry(), "logistic", "target");
}

Spec spec_of(const std::filesystem::path& data) {
  Spec spec;
  spec.target.name = "logistic";
  spec.target.data = data.string();
  return spec;
}

BuiltInTarget target_of(const Spec& spec) {
  spec.validate();
  return {logistic(), target_options(logistic(), spec, InstructionSet::best())};
}

TEST(LogisticFile, GivesTheDimensionAndTheFit) {
  const TemporaryFolder folder;
  const auto path = folder / "table.csv";
  spill(path, "a, b, label\n1, 5, 0\n2, 4, 1\n4, 5, 1\n3, 6, 0\n0.5, 5.5, 1\n");
  auto spec = spec_of(path);
  EXPECT_EQ(target_of(spec).dim(), 3U);
  spec.target.numbers["intercept"] = 0;
  EXPECT_EQ(target_of(spec).dim(), 2U);
  spec.flow.layers = "planar:4";
  spec.objective.name = "free-energy";
  spec.run.iterations = 100;
  spec.run.batch = 64;
  spec.run.threads = 1;
  spec.run.evaluation_draws = 2000;
  spec.run.draws = 10;
  const auto report = fit(spec);
  EXPECT_EQ(report.flow.dim(), 2U);
  EXPECT_EQ(report.invalid_draws, 0U);
  EXPECT_FALSE(report.log_z_true);
}

TEST(LogisticFile, MustBeThereAndFit) {
  const TemporaryFolder folder;
  message_of(ErrorKind::no_input, [&] { target_of(spec_of(folder / "missing")); });
  const auto path = folder / "table.csv";
  spill(path, "1 2 x\n");
  message_of(ErrorKind::data, [&] { target_of(spec_of(path)); });
  spill(path, "1 2 0\n3 4 1\n5 6 2\n");
  const auto message = message_of(ErrorKind::data, [&] { target_of(spec_of(path)); });
  EXPECT_TRUE(contains(message, "two numbers")) << message;
  spill(path, "");
  message_of(ErrorKind::data, [&] { target_of(spec_of(path)); });
}

/// Value and gradient at one point.
struct At {
  double value;
  Eigen::VectorXd slope;
};

At evaluate(const Target& target, const Eigen::VectorXd& w) {
  TileBuffer<double> z(target.dim());
  TileBuffer<double> gradient(target.dim());
  std::vector<double> value(1);
  for (std::size_t d = 0; d < target.dim(); ++d) z.row(d)[0] = w[static_cast<Eigen::Index>(d)];
  target.evaluate(std::as_const(z).view(1), value, gradient.view(1));
  At at{value[0], Eigen::VectorXd(w.size())};
  for (std::size_t d = 0; d < target.dim(); ++d) {
    at.slope[static_cast<Eigen::Index>(d)] = gradient.row(d)[0];
  }
  return at;
}

/// Minus the Hessian, by differences of gradients.
Eigen::MatrixXd curvature(const Target& target, const Eigen::VectorXd& w) {
  const auto n = w.size();
  constexpr double h = 1e-5;
  Eigen::MatrixXd c(n, n);
  for (Eigen::Index d = 0; d < n; ++d) {
    const Eigen::VectorXd step = h * Eigen::VectorXd::Unit(n, d);
    c.col(d) = (evaluate(target, w - step).slope - evaluate(target, w + step).slope) / (2 * h);
  }
  return 0.5 * (c + c.transpose());
}

struct Evidence {
  double log_z;
  double se;
};

/// By importance sampling from a Student t with 8 degrees of freedom at the mode, with the scale of
/// Laplace's approximation.
Evidence evidence(const Target& target, int draws) {
  const auto n = static_cast<Eigen::Index>(target.dim());
  Eigen::VectorXd mode = Eigen::VectorXd::Zero(n);
  for (int step = 0; step < 30; ++step) {  // Newton; ln p is concave
    const Eigen::VectorXd move = curvature(target, mode).ldlt().solve(evaluate(target, mode).slope);
    double length = 1;
    while (evaluate(target, mode + length * move).value < evaluate(target, mode).value) length /= 2;
    mode += length * move;
    if (move.norm() < 1e-9) break;
  }
  const Eigen::LLT<Eigen::MatrixXd> factor(curvature(target, mode));
  const Eigen::MatrixXd lower = factor.matrixL();
  const double log_det = lower.diagonal().array().log().sum();
  constexpr double freedom = 8;
  const auto size = static_cast<double>(n);
  const double constant = std::lgamma((freedom + size) / 2) - std::lgamma(freedom / 2) -
                          0.5 * size * std::log(freedom * std::numbers::pi) + log_det;
  Random random(61);
  std::vector<double> log_w;
  TileBuffer<double> z(target.dim());
  TileBuffer<double> gradient(target.dim());
  std::vector<double> log_p(tile_size);
  for (int k = 0; k < draws; k += static_cast<int>(tile_size)) {
    for (std::size_t s = 0; s < tile_size; ++s) {
      Eigen::VectorXd e(n);
      for (auto& x : e) x = random.normal();
      double chi = 0;
      for (int j = 0; j < 8; ++j) chi += std::pow(random.normal(), 2);
      e /= std::sqrt(chi / freedom);
      const Eigen::VectorXd w = mode + lower.transpose().triangularView<Eigen::Upper>().solve(e);
      for (Eigen::Index d = 0; d < n; ++d) z.row(static_cast<std::size_t>(d))[s] = w[d];
      log_w.push_back(0.5 * (freedom + size) * std::log1p(e.squaredNorm() / freedom) - constant);
    }
    target.evaluate(std::as_const(z).view(), log_p, gradient.view());
    for (std::size_t s = 0; s < tile_size; ++s) log_w[log_w.size() - tile_size + s] += log_p[s];
  }
  const auto count = static_cast<double>(log_w.size());
  const double top = *std::max_element(log_w.begin(), log_w.end());
  double sum = 0;
  double squares = 0;
  for (const double x : log_w) {
    sum += std::exp(x - top);
    squares += std::exp(2 * (x - top));
  }
  return {top + std::log(sum / count), std::sqrt(squares / (sum * sum) - 1 / count)};
}

void expect_evidence(const Spec& spec, const std::string& name, double published,
                     double published_se) {
  const auto found = evidence(target_of(spec), repetitions(40'000));
  EXPECT_LT(found.se, hurried ? 0.2 : 0.06);
  EXPECT_NEAR(found.log_z, published,
              3 * std::sqrt(published_se * published_se + found.se * found.se));
  ::testing::Test::RecordProperty(name, fmt::format("{:.4f} ± {:.4f}", found.log_z, found.se));
}

TEST(LogisticEvidence, OfCredit) {
  const auto path = data_file("logistic/german.data-numeric");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  auto spec = spec_of(path);
  spec.target.numbers["centered"] = 0;
  spec.target.numbers["prior_sd"] = 10;
  expect_evidence(spec, "raw", -585.116, 0.007);
  expect_evidence(spec_of(path), "centered", -529.17, 0.02);
}

TEST(LogisticEvidence, OfIonosphere) {
  const auto path = data_file("logistic/ionosphere.txt");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  expect_evidence(spec_of(path), "standardised", -111.611, 0.010);
}

}  // namespace
}  // namespace riffle::test
