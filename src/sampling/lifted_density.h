#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include "core/aligned.h"
#include "core/whole_lanes.h"
#include "model/flow_model.h"
#include "sampling/ensemble.h"
#include "targets/density.h"

namespace riffle {

/// A target's density in the coordinates of a model's base, π(u) = p(f(u)) |det ∂f/∂u|, with its
/// gradient: J^T ∇ln p + ∇ln|det J|, which is the flow's vjp of the target's gradient and of 1. Has
/// the memory that one tile takes, and belongs to one thread; what it is made from must outlive it.
/// `Rules` are those of Hamiltonian transitions.
template <class Rules>
class LiftedDensity {
 public:
  LiftedDensity(const FlowModel<double>& model, std::span<const double> params,
                const Density<double>& target)
      : model_(model),
        params_(params.first(model.parameters().size())),
        target_(target),
        z_(model.dim()),
        cache_(model.flow().cache_size(), 0.0),
        unused_(model.flow().parameters().size(), 0.0) {}

  /// Overwrites all that is known at the first `count` points; these must be finite. Where the flow
  /// or the target fails, ln π is not finite. One evaluation of the target by tile.
  void evaluate(LiftedTile& at, std::size_t count) {
    const std::size_t dim = model_.dim();
    const std::size_t lanes = whole_lanes(count);
    for (std::size_t d = 0; d < dim; ++d) {
      double* const row = at.u.row(d);
      std::fill(row + count, row + lanes, row[0]);
    }
    const Tile<const double> u = at.u.view(count);
    const auto z = z_.view(count);
    const auto g = at.gradient.view(count);
    model_.base().log_density(model_.base_part(params_), u, at.log_q0.data());
    log_det_.fill(0);
    model_.flow().forward(model_.flow_part(params_), u, z, log_det_.data(), cache_.data());
    target_.evaluate(z, at.log_pi.data(), g);
    // A gradient that means nothing stays out of the flow, and the padding's cotangents are zero.
    for (std::size_t s = 0; s < lanes; ++s) {
      at.log_pi[s] += Rules::log_det * log_det_[s];
      at.smooth[s] = s < count && std::isfinite(at.log_pi[s]);
      one_[s] = at.smooth[s] ? Rules::log_det_slope : 0;
    }
    for (std::size_t d = 0; d < dim; ++d) {
      double* const row = g.row(d);
      for (std::size_t s = 0; s < lanes; ++s) row[s] = at.smooth[s] ? row[s] : 0;
    }
    std::fill(unused_.begin(), unused_.end(), 0.0);
    model_.flow().vjp(model_.flow_part(params_), u, cache_.data(), g, one_.data(), unused_);
    for (std::size_t d = 0; d < dim; ++d) {
      const double* const row = g.row(d);
      for (std::size_t s = 0; s < count; ++s) at.smooth[s] = at.smooth[s] && std::isfinite(row[s]);
    }
  }

  /// slope = ∇ of the path's logarithm, (1-β) ∇ln q0 + β ∇ln π, at points that were evaluated. Zero
  /// where they are not smooth.
  void find_slope(const LiftedTile& at, std::size_t count, double beta, Tile<double> slope) {
    const std::size_t lanes = whole_lanes(count);
    const auto g = at.gradient.view(count);
    for (std::size_t d = 0; d < model_.dim(); ++d) {
      for (std::size_t s = 0; s < lanes; ++s) {
        slope.row(d)[s] = s < count && at.smooth[s] ? beta * g.row(d)[s] : 0;
      }
    }
    if (beta == 1) return;
    for (std::size_t s = 0; s < lanes; ++s) one_[s] = s < count && at.smooth[s] ? 1 - beta : 0;
    model_.base().log_density_vjp(model_.base_part(params_), at.u.view(count), one_.data(), slope,
                                  {});
  }

 private:
  const FlowModel<double>& model_;
  std::span<const double> params_;
  const Density<double>& target_;
  TileBuffer<double> z_;
  AlignedVector<double> cache_;
  AlignedVector<double> unused_;  ///< the gradient of the flow's parameters, which nobody wants
  alignas(64) std::array<double, tile_size> log_det_{};
  alignas(64) std::array<double, tile_size> one_{};
};

}  // namespace riffle
