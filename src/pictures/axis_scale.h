#pragma once

#include <string>

namespace riffle {

/// From the lowest to the highest number on an axis.
struct Range {
  double low = 0;
  double high = 0;
  double length() const { return high - low; }
};

/// How numbers are written at an axis: less a number where they differ in late digits only, and in
/// a power of ten where they are very large or very small.
struct Scale {
  double shift = 0;
  double unit = 1;

  double operator()(double v) const { return (v - shift) / unit; }
  Range operator()(const Range& range) const { return {(*this)(range.low), (*this)(range.high)}; }
  /// The words at the axis: "x", "x less 12345678", "x, in 1e-90".
  std::string of(const std::string& name) const;
};

/// Of a range of some length, whatever its numbers.
Scale scale_of(const Range& range);

/// The distance of ticks of which about `count` fit on an axis.
double tick_step(const Range& range, double count);

}  // namespace riffle
