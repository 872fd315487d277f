#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/flow_model.h"

namespace riffle {

/// ln|det J| of a dense Jacobian, and the sign of the determinant; the logarithm is NaN where the
/// Jacobian is not finite.
struct DenseLogDet {
  double log_abs = 0;
  int sign = 0;
};

/// The determinants of ∂f/∂z at points, row-major [n][dim], of Jacobians that are built from vjps
/// of unit cotangents: what forward says of the log-det plays no part in it.
std::vector<DenseLogDet> dense_log_det(const FlowModel<double>& model,
                                       std::span<const double> params,
                                       std::span<const double> points);

/// The determinant of a matrix, row-major [dim][dim], by elimination with partial pivoting;
/// overwrites it.
DenseLogDet eliminate(std::span<double> matrix, std::size_t dim);

}  // namespace riffle
