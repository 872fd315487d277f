#include "posterior/mixture_fit.h"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "model/draws.h"
#include "posterior/densities.h"
#include "posterior/phases.h"

namespace riffle::test {
namespace {

/// A mode that says what the component is like, but for its mass.
Mode mode_of(const NormalComponent& c, double log_mass) {
  return {*make_normal(c.mean, c.covariance), 0, log_mass, 3};
}

/// Axis-aligned components, far apart, in all of mass 1.
std::vector<NormalComponent> three() {
  return {{0.6, Eigen::Vector2d(-20, 5), Eigen::Vector2d(1, 4).asDiagonal()},
          {0.3, Eigen::Vector2d(15, 15), Eigen::Vector2d(2, 0.5).asDiagonal()},
          {0.1, Eigen::Vector2d(10, -30), Eigen::Vector2d(1, 1).asDiagonal()}};
}

TrainedModel<double> fitted(const Density<double>& target, std::span<const Mode> modes,
                            std::size_t threads = 1, std::size_t most_components = 64) {
  Executor executor(threads);
  return fit_mixture(target, modes,
                     {.seed = 3,
                      .most_components = most_components,
                      .draws = 16'384,
                      .set = InstructionSet::best()},
                     executor);
}

PhaseResult quality(const Density<double>& target, const TrainedModel<double>& flow) {
  Executor alone(1);
  return evaluate_quality(*flow.model, target, flow.params, {9, Purpose::evaluation, 0}, 20'000,
                          alone);
}

/// Weights, means and sds of draws by the component whose mean is nearest.
struct Shares {
  std::vector<double> weight;
  std::vector<VectorXd> mean;
  std::vector<VectorXd> sd;
};

Shares shares_of(const TrainedModel<double>& flow, const std::vector<NormalComponent>& all) {
  constexpr std::uint64_t n = 160'000;
  const auto draws = trained_flow(flow).sample(n);
  const auto dim = static_cast<Index>(draws.dim);
  std::vector<std::vector<VectorXd>> of(all.size());
  for (std::size_t s = 0; s < n; ++s) {
    const VectorXd z = Eigen::Map<const VectorXd>(&draws.z[s * draws.dim], dim);
    std::size_t nearest = 0;
    for (std::size_t k = 1; k < all.size(); ++k) {
      if ((z - all[k].mean).norm() < (z - all[nearest].mean).norm()) nearest = k;
    }
    of[nearest].push_back(z);
  }
  Shares shares;
  for (const auto& points : of) {
    const auto count = static_cast<double>(points.size());
    VectorXd mean = VectorXd::Zero(dim);
    VectorXd squares = VectorXd::Zero(dim);
    for (const auto& z : points) mean += z / count;
    for (const auto& z : points) squares += (z - mean).cwiseAbs2() / count;
    shares.weight.push_back(count / n);
    shares.mean.push_back(mean);
    shares.sd.push_back(squares.cwiseSqrt());
  }
  return shares;
}

/// `beside`: where draws may be that belong to none of them.
void expect_components(const TrainedModel<double>& flow, std::vector<NormalComponent> all,
                       const std::vector<NormalComponent>& beside = {}) {
  // 99.9 % of the draws are 1.03 times as wide, 0.1 % 3.
  const double margin = 1.035;
  const auto count = all.size();
  all.insert(all.end(), beside.begin(), beside.end());
  const auto shares = shares_of(flow, all);
  all.resize(count);
  for (std::size_t k = 0; k < all.size(); ++k) {
    EXPECT_NEAR(shares.weight[k], all[k].weight, 0.015) << k;
    for (Index d = 0; d < 2; ++d) {
      const double sd = margin * std::sqrt(all[k].covariance(d, d));
      EXPECT_NEAR(shares.mean[k][d], all[k].mean[d], 0.08 * sd) << k;
      EXPECT_NEAR(shares.sd[k][d], sd, 0.05 * sd) << k;
    }
  }
}

TEST(MixtureFit, KeepsWhatTheModesSayWhereThatIsRight) {
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, std::log(c.weight)));
  const auto target = mixture_density(components);
  const auto flow = fitted(target, modes);
  EXPECT_EQ(flow.base, "mixture(components=18)");  // of three widths, and these with a margin
  expect_components(flow, components);
  const auto result = quality(target, flow);
  EXPECT_GT(result.ess_fraction, 0.99);
  EXPECT_NEAR(result.elbo, 0, 0.01);
}

TEST(MixtureFit, MovesMassBetweenDistantModes) {
  const auto components = three();
  // Laplace's masses turned round: what is heaviest by them is the lightest.
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, -std::log(c.weight)));
  const auto target = mixture_density(components);
  const auto flow = fitted(target, modes);
  expect_components(flow, components);
  EXPECT_GT(quality(target, flow).ess_fraction, 0.99);
}

TEST(MixtureFit, MovesAndWidensComponents) {
  const auto components = three();
  std::vector<Mode> modes;
  for (auto c : components) {
    c.mean += Eigen::Vector2d(0.7, -0.7);
    c.covariance *= 1.8;
    modes.push_back(mode_of(c, std::log(c.weight)));
  }
  const auto target = mixture_density(components);
  const auto flow = fitted(target, modes);
  expect_components(flow, components);
  EXPECT_GT(quality(target, flow).ess_fraction, 0.97);
}

TEST(MixtureFit, AComponentWithNothingBelowItKeepsItsPlace) {
  auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, std::log(c.weight)));
  // Nothing is there, whatever the search said.
  const NormalComponent nothing{0, Eigen::Vector2d(60, 60), MatrixXd::Identity(2, 2)};
  modes.push_back(mode_of(nothing, std::log(0.3)));
  const auto target = mixture_density(components);
  const auto flow = fitted(target, modes);
  for (const double p : flow.params) EXPECT_TRUE(std::isfinite(p));
  const auto result = quality(target, flow);
  EXPECT_GT(result.ess_fraction, 0.98);
  expect_components(flow, components, {nothing});
}

TEST(MixtureFit, AComponentThatFewDrawsBelongToStaysAsItWas) {
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, std::log(c.weight)));
  // Some eight of 8192 draws, in the far tail of the first component.
  const VectorXd tail = components[0].mean + Eigen::Vector2d(7, 0);
  modes.push_back(mode_of({0, tail, MatrixXd::Identity(2, 2)}, -7));
  const auto target = mixture_density(components);
  Executor alone(1);
  const auto fit_in = [&](std::size_t rounds) {
    return fit_mixture(target, modes, {.rounds = rounds, .set = InstructionSet::best()}, alone);
  };
  const auto before = fit_in(0).params;
  const auto after = fit_in(4).params;
  // affine-full: 5; logarithms of weights: 24, the 4 of the modes' own widths first; means: 24 of
  // 2; logarithms of sds: 24 of 2.
  for (const std::size_t i : {35U, 36U, 83U, 84U}) EXPECT_EQ(after[i], before[i]) << i;
  EXPECT_NE(after[29], before[29]);
  EXPECT_LT(after[8], before[8] - 3);
}

TEST(MixtureFit, TakesNoMoreThanTheHeaviestComponents) {
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, std::log(c.weight)));
  const auto flow = fitted(mixture_density(components), modes, 1, 2);
  EXPECT_EQ(flow.base, "mixture(components=12)");
  const auto shares = shares_of(flow, components);
  EXPECT_NEAR(shares.weight[0], 2.0 / 3, 0.02);
  EXPECT_EQ(shares.weight[2], 0);
}

/// A ring of unit mass in the plane of the first two coordinates: its radius is normal, of which
/// there is next to nothing at 0, and as wide are the other coordinates.
OwnDensity ring(double radius, double width, std::size_t* evaluations = nullptr,
                std::size_t dim = 2) {
  const double sides = std::sqrt(2 * std::numbers::pi) * width;
  const double log_z =
      std::log(2 * std::numbers::pi * radius) + static_cast<double>(dim - 1) * std::log(sides);
  return OwnDensity(dim, [=](const VectorXd& z, VectorXd& gradient) {
    if (evaluations != nullptr) ++*evaluations;
    const auto plane = z.head(2);
    const double off = (plane.norm() - radius) / width;
    gradient = -z / (width * width);
    gradient.head(2) = -off / width * plane.normalized();
    return -0.5 * (off * off + z.tail(z.size() - 2).squaredNorm() / (width * width)) - log_z;
  });
}

/// What a search makes of shallow maxima at some angles of it: narrow across, wide along.
std::vector<Mode> shallow_maxima(double radius, double width, const std::vector<double>& angles,
                                 Index dim = 2) {
  std::vector<Mode> modes;
  for (const double angle : angles) {
    VectorXd outwards = VectorXd::Zero(dim);
    VectorXd along = VectorXd::Zero(dim);
    outwards.head(2) = Eigen::Vector2d(std::cos(angle), std::sin(angle));
    along.head(2) = Eigen::Vector2d(-outwards[1], outwards[0]);
    const MatrixXd covariance = width * width * MatrixXd::Identity(dim, dim) +
                                0.04 * radius * radius * along * along.transpose();
    modes.push_back(mode_of({1, radius * outwards, covariance}, 0));
  }
  return modes;
}

/// ln of ∫p as far as draws of the flow find it.
double log_z(const Density<double>& target, const TrainedModel<double>& flow) {
  constexpr std::uint64_t n = 20'000;
  const auto drawn =
      draw<double>(*flow.model, &target, flow.params, {9, Purpose::evaluation, 1}, 0, n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::exp(drawn.log_p[i] - drawn.log_q[i]);
  return std::log(sum / n);
}

TrainedModel<double> many_normals(const Density<double>& target, std::span<const Mode> modes,
                                  std::size_t most, std::uint64_t seed = 3) {
  Executor alone(1);
  return fit_many_normals(target, modes, fitted(target, modes),
                          {.seed = seed,
                           .number = 1,
                           .most_components = most,
                           .rounds = 16,
                           .draws = 16'384,
                           .set = InstructionSet::best()},
                          alone);
}

TEST(MixtureFit, CoversTailsHeavierThanANormals) {
  // Two Student-t of 3 degrees of freedom in the plane, far apart.
  constexpr double nu = 3;
  const std::vector<VectorXd> centres{Eigen::Vector2d(-15, 0), Eigen::Vector2d(15, 5)};
  const OwnDensity target(2, [&](const VectorXd& z, VectorXd& gradient) {
    double p = 0;
    for (const auto& centre : centres) {
      const VectorXd off = z - centre;
      const double tail = 1 + off.squaredNorm() / nu;
      const double density = 0.5 / (2 * std::numbers::pi) * std::pow(tail, -(nu + 2) / 2);
      p += density;
      gradient -= density * (nu + 2) / nu / tail * off;
    }
    gradient /= p;
    return std::log(p);
  });
  std::vector<Mode> modes;
  for (const auto& centre : centres) {
    modes.push_back(mode_of({0.5, centre, nu / (nu + 2) * MatrixXd::Identity(2, 2)}, 0));
  }
  constexpr std::uint64_t seeds = 6;
  double missing = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Executor alone(1);
    const auto flow =
        fit_mixture(target, modes, {.seed = seed, .set = InstructionSet::best()}, alone);
    EXPECT_GT(quality(target, flow).ess_fraction, 0.8) << seed;
    missing -= log_z(target, flow) / seeds;
  }
  EXPECT_NEAR(missing, 0, 0.003);
}

TEST(ManyNormals, FindWhatLiesFurtherAlongARidge) {
  const auto target = ring(4, 0.1);
  const auto modes = shallow_maxima(4, 0.1, {0.3, 0.9});  // most of the ring is far from both
  for (const std::uint64_t seed : {1U, 2U}) {
    const auto flow = many_normals(target, modes, 96, seed);
    EXPECT_NEAR(log_z(target, flow), 0, 0.03) << seed;
    EXPECT_GT(quality(target, flow).ess_fraction, 0.8) << seed;
  }
}

TEST(ManyNormals, FindItInMoreDimensions) {
  // Normals 10 times as wide seldom hit it there, those 3 times as wide do.
  const auto target = ring(4, 0.1, nullptr, 4);
  const auto modes = shallow_maxima(4, 0.1, {0.3, 0.9}, 4);
  const auto flow = many_normals(target, modes, 96);
  EXPECT_NEAR(log_z(target, flow), 0, 0.03);
  EXPECT_GT(quality(target, flow).ess_fraction, 0.2);
}

TEST(ManyNormals, LoseNoMode) {
  // What it starts from knows of one mode alone.
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, 0));
  const auto target = mixture_density(components);
  Executor alone(1);
  const auto flow =
      fit_many_normals(target, modes, fitted(target, std::span(modes).first(1)),
                       {.rounds = 16, .draws = 16'384, .set = InstructionSet::best()}, alone);
  EXPECT_NEAR(log_z(target, flow), 0, 0.03);
  EXPECT_GT(quality(target, flow).ess_fraction, 0.7);
}

/// So many normals lie where draws are; those of the modes and the same ones, but wider, beside.
std::size_t placed(const TrainedModel<double>& flow, std::size_t modes) {
  const auto count = std::stoul(flow.base.substr(flow.base.find('=') + 1));
  EXPECT_EQ((count - modes) % 2, 0U) << flow.base;
  return (count - modes) / 2;
}

TEST(ManyNormals, AreTwiceAsManyWhereALongRidgeTakesThem) {
  const auto modes = [](double width) { return shallow_maxima(4, width, {0.3, 2.4, 4.5}); };
  // Arcs of a circle of radius 4 in 12 normals are too bent for a width of 0.1, not for one of 1.
  const auto thin = ring(4, 0.1);
  const auto many = many_normals(thin, modes(0.1), 12);
  EXPECT_GT(placed(many, 3), 12U);
  EXPECT_LE(placed(many, 3), 24U);
  EXPECT_GT(quality(thin, many).ess_fraction, 0.5);
  EXPECT_LE(placed(many_normals(ring(4, 1), modes(1), 12), 3), 12U);
}

TEST(ManyNormals, EndWhenRoundsTellNoMore) {
  std::size_t evaluations = 0;
  const auto target = ring(4, 1, &evaluations);
  const auto modes = shallow_maxima(4, 1, {0.3, 2.4, 4.5});
  many_normals(target, modes, 96);
  EXPECT_LE(evaluations, 4 * 8192 + 8 * 16'384U);
  EXPECT_GE(evaluations, 4 * 8192 + 3 * 16'384U);
}

TEST(MixtureFit, IsTheSameOnTwoThreads) {
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, 0));
  const auto target = mixture_density(components);
  EXPECT_EQ(fitted(target, modes, 1).params, fitted(target, modes, 2).params);
}

TEST(MixtureFit, OfATargetWithoutNumbersIsThatOfTheModes) {
  const OwnDensity target(
      2, [](const VectorXd&, VectorXd&) { return std::numeric_limits<double>::quiet_NaN(); });
  std::vector<Mode> modes;
  for (const auto& c : three()) modes.push_back(mode_of(c, std::log(c.weight)));
  const auto flow = fitted(target, modes);
  for (const double p : flow.params) EXPECT_TRUE(std::isfinite(p));
  EXPECT_NEAR(shares_of(flow, three()).weight[0], 0.6, 0.02);
}

}  // namespace
}  // namespace riffle::test
