#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fit/whitening.h"

namespace riffle {

/// A number that cannot well be of the distribution of the rest of its column.
struct FarOff {
  std::size_t row = 0;  ///< from 0
  std::size_t column = 0;
  double value = 0;
  double spreads = 0;  ///< how far from the centre of its column
};

/// Those of rows, row-major [n][dim], the farthest first: at most one in a hundred of a column,
/// with a gap below them that the tail of the others, whatever power it falls like, would show once
/// in a thousand columns.
std::vector<FarOff> far_off(std::span<const double> rows, std::span<const Spread> spreads);

/// The commonest value of a column, and in how many rows it stands.
struct Commonest {
  double value = 0;
  std::size_t rows = 0;
};
Commonest commonest(std::span<const double> rows, std::size_t dim, std::size_t column);

}  // namespace riffle
