#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/aligned.h"
#include "core/expression.h"
#include "core/instruction_set.h"
#include "core/parameters.h"
#include "core/philox.h"
#include "flows/interface/log_det.h"
#include "flows/interface/repeats.h"
#include "lanes/dual.h"
#include "riffle/tile.h"

namespace riffle {

/// What a layer is made from, besides its name.
struct LayerOptions {
  std::size_t dim = 0;
  /// Added to |det J| inside the logarithm: ln(|det| + floor). Zero for exact densities.
  double log_det_floor = 0;
  InstructionSet set;
  Arguments arguments{};
  /// What stands inside the parentheses of a layer that is made of layers.
  std::vector<Expression> inner{};
  /// Place among the layers of its run, from 0: decides halves, orders and fixed permutations.
  std::size_t index = 0;
};

/// Which way samples go through a layer.
enum class Direction { forward, inverse };

/// One invertible (or, where it says so, only differentiable) map y = f(z) of R^dim, for one
/// precision T: float, double, or Dual for tests.
///
/// A layer is immutable, owns no parameter and may be shared between threads. Every method works on
/// one tile. `params` and `grad` are the layer's own part of the flat vectors, of
/// `parameters().size()` elements. Per-sample arrays (`log_det`, their cotangents) have `tile_size`
/// elements and are 64-byte aligned, as is `cache`, of `cache_size()` elements.
///
/// Kernels round the number of samples up to whole lanes. The padding must hold finite numbers, and
/// its cotangents must be zero.
///
/// Non-finite input gives non-finite output, never an exception.
template <class T>
class FlowLayer {
 public:
  virtual ~FlowLayer() = default;
  FlowLayer(const FlowLayer&) = delete;
  FlowLayer& operator=(const FlowLayer&) = delete;

  std::size_t dim() const { return dim_; }
  const ParameterLayout& parameters() const { return parameters_; }
  /// Elements of T that `forward` and `inverse` leave for `vjp` and `push_score`.
  std::size_t cache_size() const { return cache_size_; }
  /// So many of them, the last ones, are workspace, which need not outlast a call. In a flow
  /// the layers' forward and vjp share one such workspace, which stays in the core's cache.
  std::size_t workspace_size() const { return space_size_; }

  /// y is overwritten; log_det[s] += ln|det ∂f/∂z| at z_s; cache is overwritten. y must not be z.
  void forward(std::span<const T> params, Tile<const T> z, Tile<T> y, T* log_det, T* cache) const;
  /// The same, but the log-det is left as a sum and a product, for a caller that gathers it over
  /// several layers.
  void forward_product(std::span<const T> params, Tile<const T> z, Tile<T> y, LogDet<T> log_det,
                       T* cache) const;
  /// The same for several applications of the layer in a row; `params`, `grad` and `cache` are
  /// those of the first, and `repeats` says where the others are.
  void forward_repeats(const Repeats<T>& repeats, const T* params, Tile<const T> z, Tile<T> y,
                       LogDet<T> log_det, T* cache) const;
  void vjp_repeats(const Repeats<T>& repeats, const T* params, Tile<const T> z, T* cache, Tile<T> g,
                   const T* g_log_det, T* grad) const;

  /// Vector–Jacobian product. `g` holds dL/dy and is overwritten with dL/dz; `g_log_det[s]` is
  /// dL/dlog_det of sample s; grad += dL/dparams, summed over the samples. z and cache are those of
  /// the forward call; the part of the cache that a layer keeps for its own use here may change.
  void vjp(std::span<const T> params, Tile<const T> z, T* cache, Tile<T> g, const T* g_log_det,
           std::span<T> grad) const;
  /// The same where dL/dz is not wanted: g is left as it falls.
  void parameter_vjp(std::span<const T> params, Tile<const T> z, T* cache, Tile<T> g,
                     const T* g_log_det, std::span<T> grad) const;

  /// Whether `inverse` is implemented; where it is not, `no_inverse_reason()` says why.
  bool has_inverse() const { return no_inverse_reason().empty(); }
  virtual std::string_view no_inverse_reason() const { return {}; }
  /// z with f(z) = y, overwritten; log_det[s] += ln|det ∂f⁻¹/∂y| at y_s. Leaves the cache as
  /// forward(z) would. Only where the map is injective at these parameters and `has_inverse()`.
  void inverse(std::span<const T> params, Tile<const T> y, Tile<T> z, T* log_det, T* cache) const;

  /// Takes a cotangent through the inverse of the Jacobian J = ∂f/∂z: g holds a row vector at z and
  /// is overwritten with J⁻ᵀ (g - weight[s] ∇_z log_det). For g = ∇ ln q0(z) and weight 1 that is
  /// the score ∇ ln q(y), which path gradients need; in general it is the vjp of the inverse map,
  /// whose log-det is -log_det, with respect to y. z and cache are those of forward or inverse.
  /// Where `inverse` may be called.
  void push_score(std::span<const T> params, Tile<const T> z, T* cache, Tile<T> g,
                  const T* weight) const;

  /// vjp of the inverse map, by the implicit function theorem, whether f is inverted in closed form
  /// or by iteration: g holds dL/dz and is overwritten with dL/dy; `g_log_det[s]` is dL/d of the
  /// log-det of the inverse; grad += dL/dparams. z and cache are those of inverse; `scratch` has
  /// `inverse_vjp_scratch()` elements, 64-byte aligned. Where `inverse` may be called.
  void inverse_vjp(std::span<const T> params, Tile<const T> z, T* cache, Tile<T> g,
                   const T* g_log_det, std::span<T> grad, T* scratch) const;
  std::size_t inverse_vjp_scratch() const { return (dim_ + 1) * tile_stride; }

  /// Lets the layers that start from data (actnorm) set their parameters by a batch of full tiles
  /// that enters in the given direction, and takes the batch through. Others leave them alone.
  void adapt(Direction direction, std::span<TileBuffer<T>> batch, std::span<T> params) const;

  /// Whether the map is injective at these parameters. Where it is not, log q is not the density of
  /// the draws, and every bound built on it means nothing.
  bool injective(std::span<const T> params) const;

  /// Initial values for the parameters (overwritten), drawn from `stream`, whose step is the
  /// layer's index.
  void initialise(const RandomStream& stream, std::span<T> params) const;

 protected:
  FlowLayer(std::size_t dim, ParameterLayout parameters, std::size_t cache_size,
            std::size_t workspace_size = 0)
      : dim_(dim),
        parameters_(std::move(parameters)),
        cache_size_(cache_size),
        space_size_(workspace_size) {}

  /// By push_score and vjp, unless the layer knows better.
  virtual void inverse_vjp_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                                const T* g_log_det, T* grad, T* scratch) const;
  /// By default takes the batch through and sets nothing.
  virtual void adapt_impl(Direction direction, std::span<TileBuffer<T>> batch, T* params) const;

 private:
  /// Of one application that is by itself.
  Repeats<T> once(T* cache) const {
    return {1, parameters_.size(), cache_size_, nullptr, cache + (cache_size_ - space_size_)};
  }

  virtual void forward_impl(const Repeats<T>& repeats, const T* params, Tile<const T> z, Tile<T> y,
                            LogDet<T> log_det, T* cache) const = 0;
  virtual void vjp_impl(const Repeats<T>& repeats, const T* params, Tile<const T> z, T* cache,
                        Tile<T> g, const T* g_log_det, T* grad) const = 0;
  virtual void inverse_impl(const T* params, Tile<const T> y, Tile<T> z, T* log_det,
                            T* cache) const = 0;
  virtual void push_score_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                               const T* weight) const = 0;
  virtual bool injective_impl(const T* params) const = 0;
  virtual void initialise_impl(const RandomStream& stream, T* params) const = 0;

  std::size_t dim_;
  ParameterLayout parameters_;
  std::size_t cache_size_;
  std::size_t space_size_;
};

}  // namespace riffle
