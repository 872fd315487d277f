#include "posterior/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "diagnostics/convergence.h"
#include "model/log_density.h"
#include "posterior/affine_parameters.h"
#include "posterior/densities.h"
#include "posterior/second_opinion.h"
#include "riffle/riffle.h"
#include "support/expect_error.h"
#include "support/random.h"

namespace riffle::test {
namespace {

TrainedModel<double> model_of(const std::string& base, const std::string& layers, std::size_t dim,
                              double size) {
  auto q = make_trained_model<double>(base, layers, {dim, 0, InstructionSet::best()});
  q.params.resize(q.model->parameters().size());
  Random random(5);
  for (double& p : q.params) p = size * random.normal();
  return q;
}

/// N(0, I).
TrainedModel<double> plain_normal(std::size_t dim) {
  return model_of("standard-normal", "affine", dim, 0);
}

Sampled sampled(const TrainedModel<double>& q, const Density<double>& target,
                SamplerOptions options = {}, std::size_t threads = 1) {
  options.set = q.set;
  Executor executor(threads);
  auto found = sample_from(q, target, options, executor);
  if (!found) throw std::runtime_error("no draws");
  return std::move(*found);
}

std::vector<double> column_of(const Sampled& p, std::size_t d) {
  std::vector<double> column;
  for (std::size_t i = d; i < p.chains.draws.z.size(); i += p.chains.draws.dim) {
    column.push_back(p.chains.draws.z[i]);
  }
  return column;
}

TEST(Sampler, DrawsOfANormalFromANormalThatIsAnother) {
  constexpr Index dim = 12;
  const VectorXd mean = random_point(dim, 2, 3);
  const MatrixXd covariance = random_covariance(dim, 200, 4);
  const auto target = normal_density(mean, covariance);
  const auto p = sampled(plain_normal(dim), target);
  EXPECT_TRUE(p.converged);
  EXPECT_GE(p.rounds, 2U);
  EXPECT_GT(p.temperatures, 1U);
  EXPECT_EQ(p.chains.draws.log_q.size(), p.chains.chains * p.chains.length);
  for (Index d = 0; d < dim; ++d) {
    const auto c = convergence(column_of(p, static_cast<std::size_t>(d)), p.chains.chains);
    EXPECT_NEAR(c.mean, mean[d], 5 * c.mcse_mean) << d;
    EXPECT_NEAR(c.sd, std::sqrt(covariance(d, d)), 5 * c.mcse_sd) << d;
  }
  // The coordinates have become those of the target: its normal.
  Executor executor(1);
  const auto fresh = draw<double>(*p.model.model, &target, p.model.all(), {7, Purpose::draws, 0}, 0,
                                  4096, executor);
  auto heard = p;
  compare(fresh, fresh, std::vector<double>(4096, 1.0 / 4096), p.chains.draws.log_q, heard);
  EXPECT_GT(heard.bridge.overlap, 0.9);
  EXPECT_TRUE(heard.found.bridge_holds);
  EXPECT_NEAR(heard.bridge.log_z, 0, 5 * heard.bridge.log_z_se);
  EXPECT_LT(heard.bridge.log_z_se, 0.02);
}

TEST(Sampler, KnowsLnQOfWhatItStartedFrom) {
  const auto target = normal_density(random_point(3, 0.5, 3), random_covariance(3, 4, 4));
  for (const char* const base : {"standard-normal", "full-normal", "diagonal-normal",
                                 "student-t(nu=8)", "mixture(components=2)"}) {
    const auto q = model_of(base, "iaf(hidden=8,activation=silu) + affine-full", 3, 0.3);
    const auto p = sampled(q, target);
    Executor executor(1);
    const auto expected = log_density_at<double>(*q.model, q.all(), p.chains.draws.z, executor);
    ASSERT_EQ(p.log_q.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(p.log_q[i], expected[i], 1e-8 * (1 + std::abs(expected[i]))) << base << " " << i;
    }
    const auto by_model =
        log_density_at<double>(*p.model.model, p.model.all(), p.chains.draws.z, executor);
    for (std::size_t i = 0; i < by_model.size(); ++i) {
      ASSERT_NEAR(p.chains.draws.log_q[i], by_model[i], 1e-8 * (1 + std::abs(by_model[i]))) << base;
    }
  }
}

TEST(Sampler, GivesTheSameBitsOnAnyNumberOfThreads) {
  const auto target = normal_density(random_point(5, 1, 3), random_covariance(5, 9, 4));
  const auto one = sampled(plain_normal(5), target, {.seed = 3});
  const auto two = sampled(plain_normal(5), target, {.seed = 3}, 2);
  EXPECT_EQ(one.chains.draws.z, two.chains.draws.z);
  EXPECT_EQ(one.log_q, two.log_q);
  EXPECT_EQ(one.gradients, two.gradients);
  EXPECT_NE(sampled(plain_normal(5), target, {.seed = 4}).chains.draws.z, one.chains.draws.z);
}

TEST(Sampler, DoesNotConvergeBetweenModesAndGivesUp) {
  const auto target = mixture_density({{0.5, Eigen::Vector2d(-12, 0), MatrixXd::Identity(2, 2)},
                                       {0.5, Eigen::Vector2d(12, 0), MatrixXd::Identity(2, 2)}});
  auto q = model_of("standard-normal", "affine", 2, 0);
  q.params[0] = std::log(15.0);
  const auto p = sampled(q, target);
  EXPECT_FALSE(p.converged);
  EXPECT_FALSE(VerdictEvidence::converged(p.found));
  EXPECT_GT(p.found.r_hat, 1.5);
  EXPECT_EQ(p.found.coordinate, 0U);
  EXPECT_LT(p.chains.length, 320U);
}

TEST(Sampler, StopsWhereItIsToldTo) {
  const auto density = normal_density(random_point(5, 1, 3), random_covariance(5, 9, 4));
  Executor executor(1);
  SamplerOptions options;
  options.set = InstructionSet::best();
  const auto whole = sample_from(plain_normal(5), density, options, executor);
  ASSERT_TRUE(whole);
  EXPECT_FALSE(whole->stopped);
  // Somewhere in the last round, in the particles, and at once.
  for (const auto most : {whole->gradients - 1000, std::uint64_t{15'000}, std::uint64_t{0}}) {
    const MeteredDensity target(density);
    options.stop = [&](std::uint64_t next) { return target.evaluations() + next > most; };
    const auto p = sample_from(plain_normal(5), target, options, executor);
    EXPECT_LE(target.evaluations(), most);
    EXPECT_EQ(p.has_value(), most > 15'000);
    if (!p) continue;
    EXPECT_TRUE(p->stopped);
    EXPECT_LT(p->rounds, whole->rounds);
  }
}

TEST(Sampler, MomentsAreComparedByTheirErrors) {
  const auto target = normal_density(VectorXd::Zero(3), MatrixXd::Identity(3, 3));
  auto p = sampled(plain_normal(3), target);
  Executor executor(1);
  const auto q = plain_normal(3);
  auto fresh = draw<double>(*q.model, &target, q.all(), {7, Purpose::draws, 0}, 0, 8192, executor);
  const std::vector<double> alike(8192, 1.0 / 8192);
  compare(fresh, fresh, alike, p.log_q, p);
  EXPECT_LT(p.found.mean_shift.off, 0.1);
  EXPECT_LT(p.found.sd_shift.off, 0.1);
  EXPECT_GT(p.found.mean_shift.se, 0.005);
  for (std::size_t i = 0; i < 8192; ++i) {
    fresh.z[3 * i + 1] = 0.5 + fresh.z[3 * i + 1];
    fresh.z[3 * i + 2] *= 1.5;
  }
  compare(fresh, fresh, alike, p.log_q, p);
  EXPECT_NEAR(p.found.mean_shift.off, 0.5, 0.1);
  EXPECT_NEAR(p.found.sd_shift.off, std::log(1.5), 0.1);
}

TEST(Sampler, ParticlesLookBesideTheDraws) {
  const auto target = normal_density(VectorXd::Zero(2), MatrixXd::Identity(2, 2));
  std::vector<double> half;
  std::vector<double> all;
  Random random(3);
  for (int i = 0; i < 4000; ++i) {
    const double x = random.normal();
    const double y = random.normal();
    all.insert(all.end(), {x, y});
    half.insert(half.end(), {-std::abs(x), y});
  }
  Executor executor(1);
  SamplerOptions options;
  options.set = InstructionSet::best();
  for (const auto& draws : {all, half}) {
    const auto found = wide_evidence(draws, target, options, executor);
    EXPECT_NEAR(found.log_z, 0, 4 * found.log_z_se);
    EXPECT_GT(found.log_z_se, 0);
    EXPECT_LT(found.log_z_se, 0.1);
  }
  options.stop = [](std::uint64_t) { return true; };
  EXPECT_TRUE(std::isnan(wide_evidence(all, target, options, executor).log_z));
  options.stop = [](std::uint64_t) { return false; };
  const std::vector<double> flat(200, 1.0);
  EXPECT_TRUE(std::isnan(wide_evidence(flat, target, options, executor).log_z));
}

TEST(Sampler, DrawsAreSpacedEvenly) {
  EXPECT_EQ(spaced(10, 20).size(), 10U);
  EXPECT_EQ(spaced(10, 0).size(), 0U);
  EXPECT_EQ(spaced(10, 4), (std::vector<std::size_t>{0, 2, 5, 7}));
}

/// Quartic walls around a normal, independent in each coordinate.
class Quartic final : public Target {
 public:
  explicit Quartic(std::size_t dim) : dim_(dim) {}
  std::size_t dim() const override { return dim_; }
  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    for (std::size_t s = 0; s < z.count(); ++s) {
      log_density[s] = 0;
      for (std::size_t d = 0; d < dim_; ++d) {
        const double x = z(d, s);
        log_density[s] += -0.5 * x * x - 0.1 * x * x * x * x;
        gradient(d, s) = -x - 0.4 * x * x * x;
      }
    }
  }

 private:
  std::size_t dim_;
};

/// ln Z and variance of one coordinate, by the trapezoidal rule.
std::pair<double, double> of_one_coordinate() {
  constexpr double step = 1e-3;
  double mass = 0;
  double squares = 0;
  for (double x = -8; x < 8; x += step) {
    const double p = std::exp(-0.5 * x * x - 0.1 * x * x * x * x);
    mass += step * p;
    squares += step * p * x * x;
  }
  return {std::log(mass), squares / mass};
}

TEST(Sample, AnswersForATargetAndAFlow) {
  const Quartic target(6);
  const auto flow = trained_flow(plain_normal(6));
  const auto report = sample(target, flow);
  EXPECT_TRUE(report.converged);
  ASSERT_EQ(report.log_p.size(), report.chains * report.length);
  ASSERT_EQ(report.z.size(), 6 * report.log_p.size());
  const auto variance = of_one_coordinate().second;
  double squares = 0;
  for (const double x : report.z) squares += x * x / static_cast<double>(report.z.size());
  EXPECT_NEAR(squares, variance, 0.05 * variance);
  EXPECT_LE(report.r_hat, 1.03);
  EXPECT_GE(report.ess_bulk, 1000);
  EXPECT_LT(report.failed, 0.1);  // too long a step goes to infinity
  SampleOptions little;
  little.most_gradients = 100;
  EXPECT_EQ(sample(target, flow, little).length, 0U);
}

TEST(Sample, RefusesWhatCannotBe) {
  const Quartic target(6);
  const auto refused = [&](std::size_t dim, const SampleOptions& options) {
    return message_of(ErrorKind::usage,
                      [&] { sample(target, trained_flow(plain_normal(dim)), options); });
  };
  EXPECT_TRUE(contains(refused(5, {}), "5 dimensions"));
  EXPECT_TRUE(contains(refused(6, {.chains = 3}), "3 chains"));
  EXPECT_TRUE(contains(refused(6, {.most_draws = 19}), "19 draws"));
  EXPECT_TRUE(contains(refused(6, {.most_r_hat = 1}), "R̂ of 1"));
}

TEST(SecondOpinion, ChainsAnswerWhereNoNormalIsGoodEnoughAndAFlowIsDear) {
  constexpr std::size_t dim = 80;
  const Quartic target(dim);
  auto spec = posterior_spec();
  spec.run.threads = 1;
  spec.run.draws = 500;
  const auto report = fit(spec, target);
  const auto& p = *report.posterior;
  EXPECT_EQ(p.verdict, Grade::reliable);
  ASSERT_EQ(p.draws_by, DrawsBy::sampler);
  const auto [log_z, variance] = of_one_coordinate();
  EXPECT_NEAR(p.log_z, dim * log_z, 4 * p.log_z_se);
  EXPECT_LT(p.log_z_se, 0.1);
  EXPECT_EQ(p.log_z, p.log_z_bridge);
  EXPECT_LT(p.elbo, dim * log_z);
  EXPECT_GT(p.eubo, dim * log_z);
  EXPECT_FALSE(p.weighted);
  EXPECT_EQ(p.log_weights, std::vector<double>(500, 0.0));
  for (const auto& parameter : p.parameters) {
    EXPECT_NEAR(parameter.mean, 0, 5 * parameter.mcse) << parameter.name;
    EXPECT_NEAR(parameter.sd, std::sqrt(variance), 0.1 * std::sqrt(variance)) << parameter.name;
    EXPECT_LT(parameter.mcse, 0.05 * parameter.sd);
  }
  // What they are draws of is p.
  for (std::size_t i = 0; i < 500; ++i) {
    EXPECT_EQ(report.draws.log_q[i], report.log_p[i] - p.log_z);
  }
  spec.run.threads = 2;
  EXPECT_EQ(fit(spec, target).draws.z, report.draws.z);
}

}  // namespace
}  // namespace riffle::test
