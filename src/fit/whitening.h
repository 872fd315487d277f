#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flows/interface/flow_registry.h"

namespace riffle {

/// The median of a column, and its spread: the standard deviation of the normal with the same
/// quantiles; 0 of a constant column.
struct Spread {
  double centre = 0;
  double spread = 0;
};
std::vector<Spread> spreads_of(std::span<const double> rows, std::size_t dim);

/// Points as a flow to their density sees them: row-major in the coordinates it is trained in, with
/// ln of the volume that the map to them has at each point.
struct WhitenedPoints {
  std::vector<double> values;
  std::vector<double> log_det;
};

/// The last layers of a flow to points, which do not learn: tails, and the affine map that makes
/// the points' own units out of standard ones. What is trained below them is the same in any units,
/// and single points far away have little say in it.
class Whitening {
 public:
  /// None.
  explicit Whitening(std::size_t dim);
  /// By median and a spread of each column that bear a tenth of the rows far off, and by their
  /// correlations, of rows weighted down where they are far off, where there are enough rows to
  /// know them. No column may be constant.
  static Whitening of(std::span<const double> rows, std::span<const Spread> spreads);

  /// `layers` and these behind them; without these, `layers`.
  std::string behind(const std::string& layers) const;
  std::span<const double> parameters() const { return parameters_; }

  /// From the points' units to the flow's, and back.
  WhitenedPoints enter(std::span<const double> rows) const;
  std::vector<double> leave(std::span<const double> rows) const;

 private:
  std::size_t dim_;
  std::string layers_;
  std::vector<double> parameters_;
  std::shared_ptr<const Chain<double>> chain_;
};

/// The share of a column that the columns before it do not tell.
struct Remainder {
  std::size_t column = 0;
  double share = 1;               ///< standard deviation left, in its own ones
  std::vector<std::size_t> of{};  ///< those before it that it is made of, at most four
};

/// The column that is nearest to a linear combination of those before it. There are more rows than
/// columns, and none is constant.
Remainder least_remainder(std::span<const double> rows, std::size_t dim);

}  // namespace riffle
