#include "sampling/annealing.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "sampling/annealing_rules.h"
#include "sampling/problems.h"
#include "support/effort.h"

namespace riffle::test {
namespace {

/// A target times e^shift.
class Scaled final : public Density<double> {
 public:
  Scaled(const Density<double>& own, double shift)
      : Density<double>(own.dim()), own_(own), shift_(shift) {}

  mutable std::atomic<std::uint64_t> evaluations{0};

 private:
  void evaluate_impl(Tile<const double> z, double* log_density,
                     Tile<double> gradient) const override {
    own_.evaluate(z, log_density, gradient);
    for (std::size_t s = 0; s < z.count(); ++s) log_density[s] += shift_;
    evaluations += z.count();
  }

  const Density<double>& own_;
  double shift_;
};

Particles annealed(const SamplingProblem& problem, const Density<double>& target,
                   const ParticleOptions& options, std::uint64_t seed, std::size_t threads = 1) {
  Executor executor(threads);
  return anneal(problem.model, problem.params, target, options, {seed, Purpose::assessment, 0},
                executor, best());
}

// --- An unbiased evidence.

struct WeighAfterMoves : AnnealingRules {
  static constexpr bool weigh_before_moves = false;
};
struct ForgetTheMean : AnnealingRules {
  static constexpr bool keep_mean_weight = false;
};
struct AnnealWithoutMetropolis : AnnealingRules {
  static constexpr bool metropolis = false;
};
struct AnnealWithoutLogDet : AnnealingRules {
  static constexpr double log_det = 0;
};

/// Temperatures and step sizes that are fixed, moves that work.
ParticleOptions fixed_way() {
  ParticleOptions options;
  options.particles = 32;
  options.islands = 4;
  options.temperatures = {0.15, 0.4, 1};
  options.resample_below = 0.9;
  options.moves = 2;
  options.transition = {.step_size = 1.1, .step_ratio = 4, .steps = 3};
  options.wanted_acceptance = 0;
  return options;
}

/// A model that covers the target, and is not it.
SamplingProblem covered() {
  auto problem = normal_problem("standard-normal", 0.1);
  for (double& p : problem.params) p *= 0.4;
  return problem;
}

struct MeanEvidence {
  double mean;  ///< of Ẑ/Z
  double se;

  /// As far as the runs can tell, and they can tell a tenth (in slow builds a quarter).
  bool unbiased() const { return std::abs(mean - 1) < 3.3 * se && se < (hurried ? 0.075 : 0.03); }
};

constexpr int runs = hurried ? 400 : 2000;

template <class Rules>
MeanEvidence mean_evidence(const ParticleOptions& options) {
  const auto problem = covered();
  const Scaled target(*problem.target, 1.5);
  Executor executor(1);
  double sum = 0;
  double squares = 0;
  for (int run = 0; run < runs; ++run) {
    const auto particles =
        Annealing<Rules>(problem.model, problem.params, target, options,
                         {static_cast<std::uint64_t>(run) + 1, Purpose::assessment, 0}, executor,
                         best())
            .run();
    const double ratio = std::exp(particles.log_z - 1.5);
    sum += ratio / runs;
    squares += ratio * ratio / runs;
  }
  return {sum, std::sqrt((squares - sum * sum) / runs)};
}

TEST(Annealing, EvidenceIsUnbiased) {
  auto options = fixed_way();
  const auto smc = mean_evidence<AnnealingRules>(options);
  EXPECT_TRUE(smc.unbiased()) << smc.mean << " ± " << smc.se;
  options.resample_below = 0;  // Neal's annealed importance sampling
  const auto ais = mean_evidence<AnnealingRules>(options);
  EXPECT_TRUE(ais.unbiased()) << ais.mean << " ± " << ais.se;
}

TEST(Annealing, BrokenRulesBiasTheEvidence) {
  const auto options = fixed_way();
  for (const auto& broken :
       {mean_evidence<WeighAfterMoves>(options), mean_evidence<ForgetTheMean>(options),
        mean_evidence<AnnealWithoutMetropolis>(options),
        mean_evidence<AnnealWithoutLogDet>(options)}) {
    EXPECT_FALSE(broken.unbiased()) << broken.mean << " ± " << broken.se;
  }
}

// --- As it is used: temperatures and step sizes by itself.

TEST(Annealing, ErrorsHold) {
  const int fits = repetitions(150);
  int within_two = 0;
  for (int run = 0; run < fits; ++run) {
    const auto problem = covered();
    ParticleOptions options;
    options.particles = 256;
    const auto particles =
        annealed(problem, *problem.target, options, static_cast<std::uint64_t>(run) + 1);
    const double off = std::abs(particles.log_z / particles.log_z_se);
    if (off < 2) ++within_two;
    EXPECT_LT(off, 6);
    EXPECT_LT(particles.log_z_se, 0.5);
  }
  EXPECT_GE(within_two, 0.9 * fits);
}

TEST(Annealing, ParticlesAreOfTheTarget) {
  for (const auto& problem : {normal_problem(), mixture_problem(), log_gamma_problem()}) {
    ParticleOptions options;
    options.particles = hurried ? 2048 : 8192;
    options.islands = 16;
    options.conditional_ess = 0.8;
    options.moves = 8;
    const auto particles = annealed(problem, *problem.target, options, 3);
    EXPECT_NEAR(particles.log_z, 0, 3 * particles.log_z_se) << problem.name;
    EXPECT_LT(particles.log_z_se, 0.2) << problem.name;
    EXPECT_NEAR(particles.acceptance, 0.8, 0.1) << problem.name;
    // Means over islands by weight; each island says for itself how far off it may be.
    const std::size_t dim = problem.model.dim();
    const std::size_t size = options.particles / options.islands;
    const auto exact = exact_points(problem, 100'000, 9);
    VectorXd right = VectorXd::Zero(features(exact.col(0)).size());
    for (Index i = 0; i < exact.cols(); ++i) right += features(exact.col(i)) / double(exact.cols());
    MatrixXd sums(right.size(), static_cast<Index>(options.islands));
    sums.setZero();
    VectorXd weights = VectorXd::Zero(static_cast<Index>(options.islands));
    for (std::size_t i = 0; i < options.particles; ++i) {
      const VectorXd z =
          Eigen::Map<const VectorXd>(&particles.draws.z[i * dim], static_cast<Index>(dim));
      const double weight = std::exp(particles.log_weights[i] - particles.log_z);
      sums.col(static_cast<Index>(i / size)) += weight * (features(z) - right);
      weights[static_cast<Index>(i / size)] += weight;
    }
    const VectorXd off = sums.rowwise().sum() / weights.sum();
    for (Index k = 0; k < off.size(); ++k) {
      const double se =
          std::sqrt((sums.row(k).transpose() - off[k] * weights).squaredNorm()) / weights.sum();
      EXPECT_LT(std::abs(off[k]), 4.5 * se + 1e-3) << problem.name << " feature " << k;
    }
  }
}

TEST(Annealing, DrawsHaveTheirDensities) {
  const auto problem = mixture_problem();
  ParticleOptions options;
  options.particles = 200;
  options.islands = 4;
  const auto particles = annealed(problem, *problem.target, options, 5);
  Executor executor(1);
  Transitions transitions(problem.model, problem.params, *problem.target, executor, best());
  Ensemble all(2, 200);
  for (std::size_t i = 0; i < 200; ++i) {
    for (std::size_t d = 0; d < 2; ++d) {
      all.tile_of(i).u.row(d)[i % tile_size] = particles.u[2 * i + d];
    }
  }
  transitions.evaluate(all);
  const auto z = points_of(all, problem);
  TileBuffer<double> point(2);
  TileBuffer<double> gradient(2);
  for (std::size_t i = 0; i < 200; ++i) {
    for (std::size_t d = 0; d < 2; ++d) {
      EXPECT_EQ(particles.draws.z[2 * i + d], z(static_cast<Index>(d), static_cast<Index>(i)));
      point.row(d)[0] = particles.draws.z[2 * i + d];
    }
    alignas(64) std::array<double, tile_size> log_p{};
    problem.target->evaluate(std::as_const(point).view(1), log_p.data(), gradient.view(1));
    EXPECT_NEAR(particles.draws.log_p[i], log_p[0], 1e-10);
    const auto& tile = all.tile_of(i);
    EXPECT_NEAR(particles.draws.log_p[i] - particles.draws.log_q[i],
                tile.log_pi[i % tile_size] - tile.log_q0[i % tile_size], 1e-10);
  }
}

TEST(Annealing, OneTemperatureIsEnoughForTheTargetItself) {
  SamplingProblem problem("itself", "standard-normal", "affine",
                          std::shared_ptr<const Density<double>>(new OwnDensity(
                              normal_density(VectorXd::Zero(2), MatrixXd::Identity(2, 2)))),
                          {});
  std::fill(problem.params.begin(), problem.params.end(), 0.0);
  const auto particles = annealed(problem, *problem.target, {}, 1);
  ASSERT_EQ(particles.steps.size(), 1U);
  EXPECT_EQ(particles.beta, 1);
  EXPECT_NEAR(particles.log_z, 0, 1e-12);
  EXPECT_LT(particles.log_z_se, 1e-12);
  EXPECT_NEAR(particles.steps[0].ess_fraction, 1, 1e-12);
  EXPECT_EQ(particles.steps[0].resampled, 0U);
  EXPECT_EQ(particles.unique_ancestors, 1024U);
}

TEST(Annealing, TemperaturesAreWhereTheConditionalEssSays) {
  const auto problem = normal_problem();
  ParticleOptions options;
  for (const double wanted : {0.3, 0.7, 0.95}) {
    options.conditional_ess = wanted;
    const auto particles = annealed(problem, *problem.target, options, 2);
    ASSERT_GT(particles.steps.size(), 1U);
    // All weights are alike before the first step.
    EXPECT_NEAR(particles.steps[0].ess_fraction, wanted, 0.01);
    double before = 0;
    for (const auto& step : particles.steps) {
      EXPECT_GT(step.beta, before);
      before = step.beta;
    }
    EXPECT_EQ(before, 1);
  }
  options.most_temperatures = 3;
  const auto short_way = annealed(problem, *problem.target, options, 2);
  EXPECT_EQ(short_way.steps.size(), 3U);
  EXPECT_EQ(short_way.beta, 1);
}

TEST(Annealing, CountsEvaluations) {
  const auto problem = covered();
  const Scaled target(*problem.target, 0);
  ParticleOptions options;
  options.particles = 300;
  options.islands = 4;
  const auto particles = annealed(problem, target, options, 4);
  EXPECT_EQ(particles.gradients, target.evaluations);
  EXPECT_GE(particles.unique_ancestors, 1U);
  EXPECT_LT(particles.unique_ancestors, 300U);
  for (const auto& step : particles.steps) EXPECT_EQ(step.moves.proposals, 4 * 300U);
}

TEST(Annealing, SameBitsOnAnyNumberOfThreads) {
  const auto problem = mixture_problem();
  const auto alone = annealed(problem, *problem.target, {}, 6);
  for (const std::size_t threads : {2U, 8U}) {
    const auto together = annealed(problem, *problem.target, {}, 6, threads);
    EXPECT_EQ(together.draws.z, alone.draws.z);
    EXPECT_EQ(together.log_weights, alone.log_weights);
    EXPECT_EQ(together.log_z, alone.log_z);
    EXPECT_EQ(together.log_z_se, alone.log_z_se);
    EXPECT_EQ(together.gradients, alone.gradients);
  }
  EXPECT_NE(annealed(problem, *problem.target, {}, 7).log_z, alone.log_z);
}

TEST(Annealing, CountsFirstDrawsThatFail) {
  // Half of the draws outside the support, some that cannot be evaluated: ∫ over the rest.
  auto problem = torn_problem();
  std::fill(problem.params.begin(), problem.params.end(), 0.0);
  const double phi = 0.5 * std::erf(0.7 / std::sqrt(2.0)) - 0.5 * std::erf(0.5 / std::sqrt(2.0));
  const double log_z = std::log(std::sqrt(2 * std::numbers::pi) * (0.5 - phi));
  ParticleOptions options;
  options.particles = 4096;
  const auto particles = annealed(problem, *problem.target, options, 1);
  EXPECT_NEAR(particles.log_z, log_z, 3 * particles.log_z_se);
  EXPECT_LT(particles.log_z_se, 0.05);
  EXPECT_GT(particles.failed, 2000U);
  for (std::size_t i = 0; i < options.particles; ++i) {
    EXPECT_TRUE(particles.draws.z[i] >= 0) << i;
  }
}

TEST(Annealing, EndsWhereNothingHasWeight) {
  const auto problem = normal_problem();
  const OwnDensity never(3, [](const VectorXd&, VectorXd&) { return std::nan(""); });
  const auto particles = annealed(problem, never, {}, 1);
  EXPECT_EQ(particles.log_z, -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(particles.log_z_se));
  EXPECT_EQ(particles.failed, 1024U);
  EXPECT_EQ(particles.gradients, 1024U);
  EXPECT_EQ(particles.unique_ancestors, 0U);
  EXPECT_EQ(particles.beta, 0);
}

TEST(Annealing, StopsWithinItsBudget) {
  const auto problem = normal_problem();
  const Scaled target(*problem.target, 0);
  ParticleOptions options;
  options.conditional_ess = 0.9;
  options.stop = [&](std::uint64_t next) { return target.evaluations + next > 30'000; };
  const auto particles = annealed(problem, target, options, 1);
  EXPECT_LE(target.evaluations, 30'000U);
  EXPECT_LT(particles.beta, 1);
  EXPECT_TRUE(std::isnan(particles.log_z_se));
  EXPECT_EQ(particles.draws.z.size(), 3 * 1024U);
}

}  // namespace
}  // namespace riffle::test
