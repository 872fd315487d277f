#include "sampling/hamiltonian.h"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>
#include <functional>
#include <vector>

#include "sampling/problems.h"
#include "support/effort.h"

namespace riffle::test {
namespace {

constexpr RandomStream stream{7, Purpose::assessment, 0};

struct NoMetropolis : HamiltonianRules {
  static constexpr bool metropolis = false;
};
struct NoLogDet : HamiltonianRules {
  static constexpr double log_det = 0;
  static constexpr double log_det_slope = 0;
};
struct NoKinetic : HamiltonianRules {
  static constexpr double kinetic = 0;
};
struct KineticOfWrongSign : HamiltonianRules {
  static constexpr double kinetic = -1;
};
struct NoLogDetSlope : HamiltonianRules {
  static constexpr double log_det_slope = 0;
};
struct ForceOfWrongSign : HamiltonianRules {
  static constexpr double force = -1;
};
struct WholeLastKick : HamiltonianRules {
  static constexpr double last_kick = 1;
};

struct Moved {
  MatrixXd z;
  TransitionReport report;
};

/// Chains that start as draws of the target, after some transitions.
template <class Rules>
Moved from_target(const SamplingProblem& problem, const TransitionOptions& options,
                  std::size_t chains = 4096, std::size_t transitions = 12,
                  std::size_t threads = 1) {
  Executor executor(threads);
  BasicTransitions<Rules> transitions_of(problem.model, problem.params, *problem.target, executor,
                                         best());
  Ensemble all(problem.model.dim(), chains);
  set_points(all, problem, exact_points(problem, chains, 5));
  transitions_of.evaluate(all);
  Moved moved;
  auto now = stream;
  for (std::size_t t = 0; t < transitions; ++t, ++now.step) {
    moved.report.add(transitions_of.move(all, options, now));
  }
  moved.z = points_of(all, problem);
  return moved;
}

const TransitionOptions coarse{.step_size = 0.5, .steps = 4};
const TransitionOptions mixed{.step_size = 0.8, .step_ratio = 20, .steps = 4};

TEST(Transitions, LeaveTheTargetAsItIs) {
  for (const auto& problem : {normal_problem(), normal_problem("diagonal-normal"),
                              mixture_problem(), log_gamma_problem(), torn_problem()}) {
    for (const auto& options : {coarse, mixed}) {
      const auto moved = from_target<HamiltonianRules>(problem, options);
      EXPECT_TRUE(none(differ(problem, moved.z)));
      // Steps so coarse that the decision matters, and not so coarse that nothing moves.
      EXPECT_GT(moved.report.acceptance(), 0.2) << problem.name;
      EXPECT_LT(moved.report.acceptance(), 0.97) << problem.name;
    }
  }
}

TEST(Transitions, LeaveTheTargetAsItIsWithADiagonalMass) {
  const auto problem = normal_problem();
  auto options = coarse;
  options.scale = {0.4, 1.0, 1.3};
  EXPECT_TRUE(none(differ(problem, from_target<HamiltonianRules>(problem, options).z)));
}

TEST(Transitions, BrokenRulesShow) {
  const auto problem = normal_problem();
  EXPECT_FALSE(differ(problem, from_target<NoMetropolis>(problem, coarse).z).empty());
  EXPECT_FALSE(differ(problem, from_target<NoLogDet>(problem, coarse).z).empty());
  EXPECT_FALSE(differ(problem, from_target<NoKinetic>(problem, coarse).z).empty());
  EXPECT_FALSE(differ(problem, from_target<KineticOfWrongSign>(problem, coarse).z).empty());
  EXPECT_FALSE(differ(problem, from_target<WholeLastKick>(problem, coarse).z).empty());
}

TEST(Transitions, ReachTheTargetFromDrawsOfTheModel) {
  for (const auto& problem : {normal_problem(), mixture_problem(), log_gamma_problem()}) {
    Executor executor(1);
    Transitions transitions(problem.model, problem.params, *problem.target, executor, best());
    auto all = transitions.start(hurried ? 512 : 2048, stream);
    EXPECT_FALSE(differ(problem, points_of(all, problem)).empty());
    TransitionOptions options{.step_size = 0.5, .step_ratio = 4, .steps = 8};
    auto now = stream;
    now.step = 1000;
    transitions.adapt(all, options, 0.8, 40, now);
    for (now.step = 1; now.step <= 100; ++now.step) transitions.move(all, options, now);
    EXPECT_TRUE(none(differ(problem, points_of(all, problem))));
  }
}

/// On the path between base and target, where both are normal with their means at 0, so is γ.
TEST(Transitions, LeaveThePathAsItIs) {
  const double sd = 0.5;
  const double beta = 0.3;
  SamplingProblem problem("path", "standard-normal", "affine",
                          std::make_shared<OwnDensity>(2,
                                                       [=](const VectorXd& z, VectorXd& gradient) {
                                                         gradient = -z / (sd * sd);
                                                         return -0.5 * z.squaredNorm() / (sd * sd);
                                                       }),
                          [=](Random& random) -> VectorXd {
                            const double own = 1 / std::sqrt(1 - beta + beta / (sd * sd));
                            return Eigen::Vector2d(own * random.normal(), own * random.normal());
                          });
  std::fill(problem.params.begin(), problem.params.end(), 0.0);
  TransitionOptions options{.step_size = 1, .steps = 4};
  options.beta = beta;
  EXPECT_TRUE(none(differ(problem, from_target<HamiltonianRules>(problem, options).z)));
  options.beta = 1;
  EXPECT_FALSE(differ(problem, from_target<HamiltonianRules>(problem, options).z).empty());
}

/// A tile of draws of the base with momenta.
struct Flight {
  explicit Flight(const SamplingProblem& problem)
      : at(problem.model.dim()), n(problem.model.dim()) {
    Random random(21);
    for (std::size_t d = 0; d < problem.model.dim(); ++d) {
      for (std::size_t s = 0; s < tile_size; ++s) {
        at.u.row(d)[s] = 0.7 * random.normal();
        n.row(d)[s] = random.normal();
      }
    }
  }
  double energy(std::size_t s, std::size_t dim, double beta) {
    double kinetic = 0;
    for (std::size_t d = 0; d < dim; ++d) kinetic += 0.5 * n.row(d)[s] * n.row(d)[s];
    return kinetic - at.log_path(s, beta);
  }

  LiftedTile at;
  TileBuffer<double> n;
};

/// By `sizes`, without choosing: mean |ΔH| over a tile after the same time.
template <class Rules>
double energy_error(const SamplingProblem& problem, double step, std::size_t steps, double beta) {
  Executor executor(1);
  BasicTransitions<Rules> transitions(problem.model, problem.params, *problem.target, executor,
                                      best());
  Ensemble all(problem.model.dim(), tile_size);
  Flight flight(problem);
  all.tiles[0] = flight.at;
  transitions.evaluate(all);
  flight.at = all.tiles[0];
  std::vector<double> before;
  for (std::size_t s = 0; s < tile_size; ++s) {
    before.push_back(flight.energy(s, all.dim, beta));
  }
  TransitionOptions options;
  options.beta = beta;
  options.scale.assign(all.dim, 0.8);
  const std::vector<double> sizes(tile_size, step);
  transitions.leapfrog(flight.at, flight.n.view(), sizes, steps, options);
  double total = 0;
  for (std::size_t s = 0; s < tile_size; ++s) {
    total += std::abs(flight.energy(s, all.dim, beta) - before[s]) / tile_size;
  }
  return total;
}

template <class Rules>
double energy_order(const SamplingProblem& problem, double beta) {
  return std::log2(energy_error<Rules>(problem, 0.02, 25, beta) /
                   energy_error<Rules>(problem, 0.01, 50, beta));
}

TEST(Leapfrog, EnergyErrorIsOfOrderTwo) {
  for (const auto& problem : {normal_problem(), normal_problem("diagonal-normal"),
                              mixture_problem(), log_gamma_problem()}) {
    for (const double beta : {1.0, 0.4}) {
      EXPECT_NEAR(energy_order<HamiltonianRules>(problem, beta), 2, 0.05) << problem.name;
    }
  }
}

TEST(Leapfrog, BrokenForcesHaveAnotherOrder) {
  const auto problem = normal_problem();
  EXPECT_LT(energy_order<NoLogDetSlope>(problem, 1), 1.5);
  EXPECT_LT(energy_order<ForceOfWrongSign>(problem, 1), 1.5);
  EXPECT_LT(energy_order<WholeLastKick>(problem, 1), 1.5);
}

template <class Rules>
double way_back_error(const SamplingProblem& problem) {
  Executor executor(1);
  BasicTransitions<Rules> transitions(problem.model, problem.params, *problem.target, executor,
                                      best());
  Ensemble all(problem.model.dim(), tile_size);
  Flight flight(problem);
  all.tiles[0] = flight.at;
  transitions.evaluate(all);
  flight.at = all.tiles[0];
  const auto start = flight;
  std::vector<double> sizes;
  for (std::size_t s = 0; s < tile_size; ++s) sizes.push_back(0.002 * static_cast<double>(s + 1));
  const TransitionOptions options;
  for (int way = 0; way < 2; ++way) {
    transitions.leapfrog(flight.at, flight.n.view(), sizes, 10, options);
    for (std::size_t d = 0; d < all.dim; ++d) {
      for (std::size_t s = 0; s < tile_size; ++s) flight.n.row(d)[s] *= -1;
    }
  }
  double most = 0;
  auto begin = start;
  for (std::size_t d = 0; d < all.dim; ++d) {
    for (std::size_t s = 0; s < tile_size; ++s) {
      most = std::max({most, std::abs(flight.at.u.row(d)[s] - begin.at.u.row(d)[s]),
                       std::abs(flight.n.row(d)[s] - begin.n.row(d)[s])});
    }
  }
  return most;
}

TEST(Leapfrog, IsReversibleToRounding) {
  for (const auto& problem : {normal_problem(), mixture_problem(), log_gamma_problem()}) {
    EXPECT_LT(way_back_error<HamiltonianRules>(problem), 1e-11) << problem.name;
  }
  EXPECT_GT(way_back_error<WholeLastKick>(normal_problem()), 1e-3);
}

/// ln |det| of the derivative of the map (u, n) → (u', n') by differences; `after` may spoil it.
double log_volume(const SamplingProblem& problem, const std::function<void(Flight&)>& after) {
  Executor executor(1);
  Transitions transitions(problem.model, problem.params, *problem.target, executor, best());
  const std::size_t dim = problem.model.dim();
  const auto size = static_cast<Index>(2 * dim);
  const double h = 1e-5;
  // Each lane starts at a disturbed copy of the first point.
  Flight flight(problem);
  for (std::size_t k = 0; k < 2 * dim; ++k) {
    for (const int side : {0, 1}) {
      const std::size_t lane = 2 * k + static_cast<std::size_t>(side) + 1;
      for (std::size_t d = 0; d < dim; ++d) {
        flight.at.u.row(d)[lane] = flight.at.u.row(d)[0];
        flight.n.row(d)[lane] = flight.n.row(d)[0];
      }
      double* const moved = k < dim ? flight.at.u.row(k) : flight.n.row(k - dim);
      moved[lane] += side == 0 ? -h : h;
    }
  }
  Ensemble all(dim, tile_size);
  all.tiles[0] = flight.at;
  transitions.evaluate(all);
  flight.at = all.tiles[0];
  const std::vector<double> sizes(tile_size, 0.3);
  transitions.leapfrog(flight.at, flight.n.view(), sizes, 5, {});
  after(flight);
  MatrixXd jacobian(size, size);
  for (Index k = 0; k < size; ++k) {
    const auto lane = static_cast<std::size_t>(2 * k + 1);
    for (std::size_t d = 0; d < dim; ++d) {
      const auto row = static_cast<Index>(d);
      const double* const u = flight.at.u.row(d);
      const double* const n = flight.n.row(d);
      jacobian(row, k) = (u[lane + 1] - u[lane]) / (2 * h);
      jacobian(row + static_cast<Index>(dim), k) = (n[lane + 1] - n[lane]) / (2 * h);
    }
  }
  return std::log(std::abs(jacobian.determinant()));
}

TEST(Leapfrog, PreservesVolume) {
  for (const auto& problem : {normal_problem(), mixture_problem(), log_gamma_problem()}) {
    EXPECT_NEAR(log_volume(problem, [](Flight&) {}), 0, 1e-6) << problem.name;
    const auto with_friction = [](Flight& flight) {
      for (std::size_t s = 0; s < tile_size; ++s) flight.n.row(0)[s] *= 0.999;
    };
    EXPECT_GT(std::abs(log_volume(problem, with_friction)), 1e-4) << problem.name;
  }
}

TEST(Transitions, SameBitsOnAnyNumberOfThreads) {
  const auto problem = mixture_problem();
  const auto alone = from_target<HamiltonianRules>(problem, mixed, 1000, 5, 1);
  for (const std::size_t threads : {2U, 8U}) {
    const auto together = from_target<HamiltonianRules>(problem, mixed, 1000, 5, threads);
    EXPECT_EQ(together.z, alone.z) << threads;
    EXPECT_EQ(together.report.probabilities, alone.report.probabilities);
    EXPECT_EQ(together.report.accepted, alone.report.accepted);
  }
}

TEST(Transitions, CountWhatFails) {
  const auto problem = torn_problem();
  const auto moved = from_target<HamiltonianRules>(problem, coarse, 1024, 4);
  EXPECT_GT(moved.report.failed, 0U);
  EXPECT_EQ(moved.report.proposals, 4096U);
  EXPECT_LE(moved.report.accepted + moved.report.failed, moved.report.proposals);
  for (Index i = 0; i < moved.z.cols(); ++i) {
    EXPECT_FALSE(moved.z(0, i) < 0 || (moved.z(0, i) > 0.5 && moved.z(0, i) < 0.7));
  }
  EXPECT_EQ(from_target<HamiltonianRules>(normal_problem(), coarse, 1024, 4).report.failed, 0U);
}

TEST(Transitions, StayWhereTheyStartAtAPointThatFails) {
  const auto problem = torn_problem();
  Executor executor(1);
  Transitions transitions(problem.model, problem.params, *problem.target, executor, best());
  Ensemble all(1, 10);
  set_points(all, problem, MatrixXd::Constant(1, 10, 0.6));
  transitions.evaluate(all);
  const auto before = points_of(all, problem);
  const auto report = transitions.move(all, coarse, stream);
  EXPECT_EQ(report.failed, 10U);
  EXPECT_EQ(report.acceptance(), 0);
  EXPECT_EQ(points_of(all, problem), before);
}

/// Steps so long that all overflows.
TEST(Transitions, RejectWhatIsBeyondNumbers) {
  auto problem = normal_problem();
  const auto moved =
      from_target<HamiltonianRules>(problem, {.step_size = 1e200, .steps = 5}, 200, 2);
  EXPECT_EQ(moved.report.accepted, 0U);
  EXPECT_TRUE(moved.z.allFinite());
}

TEST(Transitions, AdaptToTheWantedAcceptance) {
  const auto problem = normal_problem();
  Executor executor(1);
  Transitions transitions(problem.model, problem.params, *problem.target, executor, best());
  for (const double first : {1e-3, 10.0}) {
    Ensemble all(3, 1024);
    set_points(all, problem, exact_points(problem, 1024, 5));
    transitions.evaluate(all);
    TransitionOptions options{.step_size = first, .steps = 4};
    auto now = stream;
    transitions.adapt(all, options, 0.8, 150, now);
    now.step = 1000;
    TransitionReport after;
    for (int t = 0; t < 20; ++t, ++now.step) after.add(transitions.move(all, options, now));
    EXPECT_NEAR(after.acceptance(), 0.8, 0.03) << first;
  }
}

}  // namespace
}  // namespace riffle::test
