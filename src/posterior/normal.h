#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <optional>
#include <span>

#include "core/instruction_set.h"
#include "core/philox.h"

namespace riffle {

/// A normal distribution, by its mean and the lower Cholesky factor of its covariance.
struct Normal {
  Eigen::VectorXd mean;
  Eigen::MatrixXd lower;

  /// ½ ln |2π Σ|.
  double half_log_volume() const;
  /// ‖L⁻¹ (z - mean)‖, in standard deviations.
  double distance(const Eigen::VectorXd& z) const;
};

/// The normal with this mean and covariance; nothing where the covariance is not positive definite.
std::optional<Normal> make_normal(const Eigen::VectorXd& mean, const Eigen::MatrixXd& covariance);

struct MeanAndCovariance {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

/// Samples first ... first + n - 1 of N(0, I) in a stream, as those of base `standard-normal`, one
/// a column.
Eigen::MatrixXd standard_normals(Eigen::Index dim, const RandomStream& stream, std::uint64_t first,
                                 Eigen::Index n, InstructionSet set);

/// Of an even mixture of normals, of which there is at least one.
MeanAndCovariance moments_of(std::span<const Normal> normals);

}  // namespace riffle
