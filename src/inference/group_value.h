#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace riffle {

/// A group of draws as ObjectiveTerms has it, by the log weights of its members.
struct GroupValue {
  double order = 0;                                        ///< 1 - alpha
  double most = -std::numeric_limits<double>::infinity();  ///< of order · ln w
  double sum = 0;                                          ///< Σ w^order / e^most
  double bound = 0;  ///< 1/order ln(1/K Σ w^order); at order 0 the mean of ln w

  GroupValue(std::span<const double> log_weights, double alpha) : order(1 - alpha) {
    double log_sum = 0;
    for (const double w : log_weights) {
      most = std::max(most, order * w);
      log_sum += w;
    }
    for (const double w : log_weights) sum += std::exp(order * w - most);
    const auto members = static_cast<double>(log_weights.size());
    bound = order == 0 ? log_sum / members : (most + std::log(sum / members)) / order;
  }

  /// A member's part of Σ w^order.
  double share(double log_weight) const { return std::exp(order * log_weight - most) / sum; }
};

}  // namespace riffle
