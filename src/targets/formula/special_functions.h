#pragma once

#include <cstddef>

#include "targets/formula/graph.h"

namespace riffle::formula {

// Functions that have no kernel over lanes, with their derivatives: over rows, by the C++ library,
// in T = float, double or Dual.

/// value[i] = f(a[i]) and slope[i] = f'(a[i]).
template <class T>
void special_unary(Op op, const T* a, T* value, T* slope, std::size_t n);

/// value[i] = f(a[i], b[i]) and its derivatives by a and by b.
template <class T>
void special_binary(Op op, const T* a, const T* b, T* value, T* slope_a, T* slope_b, std::size_t n);

/// Angles beyond it have no kernel over lanes.
inline constexpr double largest_angle = 1e5;

/// sin and cos of those a[i] that are beyond it; leaves the others alone.
template <class T>
void sincos_of_large(const T* a, T* sine, T* cosine, std::size_t n);

}  // namespace riffle::formula
