#pragma once

#include <Eigen/LU>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/executor.h"
#include "model/flow_model.h"
#include "posterior/densities.h"
#include "sampling/hamiltonian.h"
#include "support/failures.h"
#include "support/random.h"

namespace riffle::test {

inline InstructionSet best() {
  return InstructionSet::best();
}

/// A target that can be drawn from, and a model of another shape to sample it in.
struct SamplingProblem {
  SamplingProblem(std::string name_, const std::string& base, const std::string& flow,
                  std::shared_ptr<const Density<double>> target_,
                  std::function<VectorXd(Random&)> exact_)
      : name(std::move(name_)),
        target(std::move(target_)),
        exact(std::move(exact_)),
        model(make_model<double>(base, parse_flow(flow), {target->dim(), 0, best()})),
        params(model.parameters().size()) {
    Random random(11);
    for (double& p : params) p = 0.4 * random.normal();
  }

  std::string name;
  std::shared_ptr<const Density<double>> target;
  std::function<VectorXd(Random&)> exact;
  FlowModel<double> model;
  std::vector<double> params;
};

inline const std::string bent = "iaf(hidden=8,activation=silu) + affine-full";

/// Correlated, in three dimensions.
inline SamplingProblem normal_problem(const std::string& base = "standard-normal",
                                      double least_variance = 1.0 / 3) {
  const VectorXd mean = random_point(3, 0.5, 3);
  const MatrixXd covariance = least_variance * random_covariance(3, 6, 4);
  const MatrixXd lower = covariance.llt().matrixL();
  return {"normal", base, bent,
          std::shared_ptr<const Density<double>>(new OwnDensity(normal_density(mean, covariance))),
          [=](Random& random) -> VectorXd {
            VectorXd n(3);
            for (double& x : n) x = random.normal();
            return mean + lower * n;
          }};
}

/// Two normals that overlap, unlike each other.
inline SamplingProblem mixture_problem() {
  const std::vector<NormalComponent> two{
      {0.7, Eigen::Vector2d(-0.5, 0.3), Eigen::Vector2d(0.3, 0.1).asDiagonal()},
      {0.3, Eigen::Vector2d(0.5, -0.3), Eigen::Vector2d(0.1, 0.2).asDiagonal()}};
  return {"mixture", "standard-normal", bent,
          std::shared_ptr<const Density<double>>(new OwnDensity(mixture_density(two))),
          [two](Random& random) -> VectorXd {
            const auto& c = two[random.uniform(0, 1) < two[0].weight ? 0 : 1];
            VectorXd n(2);
            for (Index d = 0; d < 2; ++d) {
              n[d] = c.mean[d] + std::sqrt(c.covariance(d, d)) * random.normal();
            }
            return n;
          }};
}

/// ln of a Gamma(3) variable: one tail exponential, the other much shorter.
inline SamplingProblem log_gamma_problem() {
  return {"log gamma", "standard-normal", "affine",
          std::make_shared<OwnDensity>(1,
                                       [](const VectorXd& z, VectorXd& gradient) {
                                         gradient[0] = 3 - std::exp(z[0]);
                                         return 3 * z[0] - std::exp(z[0]) - std::log(2.0);
                                       }),
          [](Random& random) -> VectorXd {
            double sum = 0;
            for (int i = 0; i < 3; ++i) sum -= std::log(random.uniform(0, 1) + 0x1p-54);
            return VectorXd::Constant(1, std::log(sum));
          }};
}

/// A half normal whose middle cannot be evaluated: it is as if it had no density there, but for
/// being counted as a failure.
inline SamplingProblem torn_problem() {
  return {"torn", "standard-normal", "affine",
          std::make_shared<OwnDensity>(1,
                                       [](const VectorXd& z, VectorXd& gradient) {
                                         gradient[0] = -z[0];
                                         if (z[0] < 0) {
                                           gradient[0] = std::numeric_limits<double>::quiet_NaN();
                                           return -std::numeric_limits<double>::infinity();
                                         }
                                         if (z[0] > 0.5 && z[0] < 0.7) {
                                           return std::numeric_limits<double>::quiet_NaN();
                                         }
                                         return -0.5 * z[0] * z[0];
                                       }),
          [](Random& random) -> VectorXd {
            for (;;) {
              const double z = std::abs(random.normal());
              if (z <= 0.5 || z >= 0.7) return VectorXd::Constant(1, z);
            }
          }};
}

/// The points of an ensemble set to the base points of z (column by column).
inline void set_points(Ensemble& all, const SamplingProblem& problem, const MatrixXd& z) {
  const auto& flow = problem.model.flow();
  const std::span<const double> params(problem.params);
  AlignedVector<double> cache(flow.cache_size());
  TileBuffer<double> y(all.dim);
  for (std::size_t tile = 0; tile < all.tiles.size(); ++tile) {
    const std::size_t count = all.count(tile);
    for (std::size_t d = 0; d < all.dim; ++d) {
      for (std::size_t s = 0; s < tile_size; ++s) {
        const std::size_t i = tile * tile_size + std::min(s, count - 1);
        y.row(d)[s] = z(static_cast<Index>(d), static_cast<Index>(i));
      }
    }
    alignas(64) std::array<double, tile_size> log_det{};
    flow.inverse(problem.model.flow_part(params), std::as_const(y).view(count),
                 all.tiles[tile].u.view(count), log_det.data(), cache.data());
  }
}

/// z of all chains, as columns.
inline MatrixXd points_of(Ensemble& all, const SamplingProblem& problem) {
  const auto& flow = problem.model.flow();
  const std::span<const double> params(problem.params);
  AlignedVector<double> cache(flow.cache_size());
  TileBuffer<double> y(all.dim);
  MatrixXd z(static_cast<Index>(all.dim), static_cast<Index>(all.chains));
  for (std::size_t i = 0; i < all.chains; ++i) {
    if (i % tile_size == 0) {
      alignas(64) std::array<double, tile_size> log_det{};
      const std::size_t count = all.count(i / tile_size);
      flow.forward(problem.model.flow_part(params), std::as_const(all.tile_of(i).u).view(count),
                   y.view(count), log_det.data(), cache.data());
    }
    for (std::size_t d = 0; d < all.dim; ++d) {
      z(static_cast<Index>(d), static_cast<Index>(i)) = y.row(d)[i % tile_size];
    }
  }
  return z;
}

inline MatrixXd exact_points(const SamplingProblem& problem, std::size_t n, std::uint64_t seed) {
  Random random(seed);
  MatrixXd z(static_cast<Index>(problem.target->dim()), static_cast<Index>(n));
  for (Index i = 0; i < z.cols(); ++i) z.col(i) = problem.exact(random);
  return z;
}

/// Functions whose means tell distributions apart: coordinates, squares, products, sines.
inline VectorXd features(const VectorXd& z) {
  std::vector<double> all;
  for (Index d = 0; d < z.size(); ++d) {
    all.insert(all.end(), {z[d], z[d] * z[d], std::sin(2 * z[d]), std::abs(z[d])});
    for (Index e = 0; e < d; ++e) all.push_back(z[d] * z[e]);
  }
  return Eigen::Map<VectorXd>(all.data(), static_cast<Index>(all.size()));
}

/// Where the means over independent points differ from those of the target by more than 4.5
/// standard errors: of some twenty figures, one in thousands is so by chance.
inline Failures differ(const SamplingProblem& problem, const MatrixXd& z) {
  const auto summary = [](const MatrixXd& points) {
    const auto n = static_cast<double>(points.cols());
    VectorXd mean = VectorXd::Zero(features(points.col(0)).size());
    VectorXd squares = mean;
    for (Index i = 0; i < points.cols(); ++i) {
      const VectorXd f = features(points.col(i));
      mean += f / n;
      squares += f.cwiseAbs2() / n;
    }
    return std::pair<VectorXd, VectorXd>(mean, (squares - mean.cwiseAbs2()) / n);
  };
  const auto [mean, variance] = summary(z);
  const auto [right, right_variance] = summary(exact_points(problem, 100'000, 99));
  Failures failures;
  for (Index k = 0; k < mean.size(); ++k) {
    const double off = (mean[k] - right[k]) / std::sqrt(variance[k] + right_variance[k]);
    if (!(std::abs(off) < 4.5)) {
      failures.push_back(fmt::format("{}: feature {} has mean {:.4f} for {:.4f}: {:.1f} s.e.",
                                     problem.name, k, mean[k], right[k], off));
    }
  }
  return failures;
}

}  // namespace riffle::test
