#pragma once

#include <cstddef>

#include "flows/interface/log_det.h"
#include "riffle/tile.h"

namespace riffle {

/// The per-sample arrays of one tile, as an objective sees them.
template <class T>
struct TileTerms {
  const T* log_q0;         ///< ln q0(z0); not read where its weight is 0
  LogDet<T> log_det;       ///< of the flow at z0
  const T* log_p;          ///< ln p(z_K)
  Tile<const T> gradient;  ///< ∇ln p(z_K)
  const T* weight;         ///< of each sample: 1, or 0 for one that is left out; null for all 1
};

/// The compiled functions of the objectives for one precision and instruction set.
template <class T>
struct ObjectiveKernels {
  /// Sum over the samples of base_weight · ln q0 - log_det - beta · ln p, and the cotangents of
  /// `scale` times it: g is overwritten with dL/dz_K, and g_log_det with dL/dlog_det. Both are zero
  /// in the padding lanes. Where a value, a gradient or a coordinate z of the samples is not
  /// finite, nor is what is returned.
  T(*combine)
  (const TileTerms<T>&, Tile<const T> z, T base_weight, T beta, T scale, Tile<T> g, T* g_log_det);

  /// log_weight[s] = beta · ln p + log_det - base_weight · ln q0.
  void (*log_weights)(const TileTerms<T>&, std::size_t count, T base_weight, T beta, T* log_weight);
  /// The path's cotangent: g is overwritten with c (score - beta ∇ln p), and with 0 where the
  /// coefficient c[s] of a sample is 0, which it is in the padding. Returns 0, or NaN where any
  /// number that it used is not finite.
  T(*path_cotangents)
  (const TileTerms<T>&, const T* c, Tile<const T> z, Tile<const T> score, T beta, Tile<T> g);

  template <class Maths>
  static ObjectiveKernels of() {
    return {&Maths::combine, &Maths::log_weights, &Maths::path_cotangents};
  }
};

}  // namespace riffle
