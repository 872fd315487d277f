#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "core/expression.h"

namespace riffle {

// The constants of the transformers: scalar maps y = τ(x; θ), strictly increasing in x, whose
// numbers θ come from a net, so that they are others for each sample. Each has
//
//   options     what a layer that is built on it can be asked for
//   parameters()   how many numbers θ one coordinate needs; all zero: the identity
//   kept()      rows of a tile that its forward leaves for its vjp, besides those of θ
//
// and constructors that throw Error{usage} for values out of range.

/// y = x + t.
struct AdditiveSettings {
  static constexpr std::array<Option, 0> options{};

  explicit AdditiveSettings(const Arguments&) {}
  std::size_t parameters() const { return 1; }
  std::size_t kept() const { return 0; }
};

/// y = x eˢ + t with |s| < bound.
struct AffineSettings {
  static constexpr std::array options{
      Option{"bound", "3", "s = bound tanh(raw/bound), the log of the scale",
             Values::number_above(0, 20)},
  };
  double bound;
  double inverse_bound;

  explicit AffineSettings(const Arguments& arguments);
  std::size_t parameters() const { return 2; }
  std::size_t kept() const { return 0; }
};

/// A monotone rational-quadratic spline inside [-bound, bound], the identity outside.
struct RqsSettings {
  static constexpr std::array options{
      Option{"bins", "8", "of the spline", Values::whole(2, 64)},
      Option{"bound", "5", "half the width of the box, outside which the map is the identity",
             Values::number_above(0, 1e6)},
      Option{"least-bin", "0.001", "smallest width and height of a bin, as a part of the box",
             Values::number_above(0, 0.45)},
      Option{"least-slope", "0.001", "smallest slope at a knot", Values::number_above(0, 0.9)},
  };
  std::size_t bins;
  double bound;
  double least_bin;
  double least_slope;
  /// softplus(zero_slope) + least_slope = 1: what is added to the raw slopes, so that 0 means 1.
  double zero_slope;

  explicit RqsSettings(const Arguments& arguments);
  std::size_t parameters() const { return 3 * bins - 1; }
  /// Rows of what forward found, the first of them in place of the raw slopes.
  static constexpr std::size_t found = 12;
  std::size_t kept() const { return found - std::min(found, bins - 1); }
};

}  // namespace riffle
