#include "flows/affine.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

struct AffineSettings {};

template <class T>
using AffineKernels = FlowKernels<T, AffineSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/affine.inc"
#define RIFFLE_CLASS AffineRepeated
#define RIFFLE_KERNELS AffineKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

ParameterLayout layout(std::size_t dim) {
  ParameterLayout views;
  views.add("s", "s ∈ R^D, scale e^s", {dim});
  views.add("t", "t ∈ R^D", {dim});
  return views;
}

template <class T>
class AffineLayer : public KernelLayer<T, AffineSettings> {
 public:
  explicit AffineLayer(const LayerOptions& options)
      : KernelLayer<T, AffineSettings>(options.dim, layout(options.dim), options.dim, {},
                                       kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  void initialise_impl(const RandomStream&, T* params) const override {
    std::fill_n(params, this->parameters().size(), T(0));
  }
};

double plain(double x) {
  return x;
}
double plain(Dual x) {
  return x.value;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
};

/// Of each coordinate over the samples that are finite in all of them; NaN where there is none.
template <class T>
std::vector<Moments> moments(std::span<const TileBuffer<T>> batch, std::size_t dim) {
  const auto for_each_finite = [&](auto&& use) {
    for (const auto& buffer : batch) {
      const Tile<const T> tile = buffer.view();
      for (std::size_t s = 0; s < tile.count(); ++s) {
        bool finite = true;
        for (std::size_t d = 0; d < dim; ++d) finite &= std::isfinite(plain(tile(d, s)));
        if (!finite) continue;
        for (std::size_t d = 0; d < dim; ++d) use(d, plain(tile(d, s)));
      }
    }
  };
  // Taken from the first sample on, so that a coordinate without spread has a deviation of 0
  // exactly.
  std::vector<double> origin(dim);
  std::vector<double> count(dim);
  std::vector<Moments> all(dim);
  for_each_finite([&](std::size_t d, double x) {
    if (count[d] == 0) origin[d] = x;
    count[d] += 1;
    all[d].mean += x - origin[d];
  });
  for (std::size_t d = 0; d < dim; ++d) all[d].mean = origin[d] + all[d].mean / count[d];
  for_each_finite(
      [&](std::size_t d, double x) { all[d].deviation += (x - all[d].mean) * (x - all[d].mean); });
  for (std::size_t d = 0; d < dim; ++d) all[d].deviation = std::sqrt(all[d].deviation / count[d]);
  return all;
}

/// Starts as the identity. Where it meets data before training, what leaves it then has mean 0 and
/// standard deviation 1 in each coordinate, whichever way the data goes through.
template <class T>
class ActnormLayer final : public AffineLayer<T> {
 public:
  using AffineLayer<T>::AffineLayer;

 private:
  void adapt_impl(Direction direction, std::span<TileBuffer<T>> batch, T* params) const override {
    using Plain = std::conditional_t<std::is_same_v<T, Dual>, double, T>;
    const std::size_t dim = this->dim();
    const auto seen = moments<T>(batch, dim);
    for (std::size_t d = 0; d < dim; ++d) {
      const auto [mean, deviation] = seen[d];
      if (!std::isfinite(mean) || !std::isfinite(deviation)) continue;
      const bool spread = deviation >= static_cast<double>(std::numeric_limits<Plain>::min());
      const double scale = spread ? deviation : 1;
      if (direction == Direction::forward) {
        params[d] = T(static_cast<Plain>(-std::log(scale)));
        params[dim + d] = T(static_cast<Plain>(-mean / scale));
      } else {
        params[d] = T(static_cast<Plain>(std::log(scale)));
        params[dim + d] = T(static_cast<Plain>(mean));
      }
    }
    FlowLayer<T>::adapt_impl(direction, batch, params);
  }
};

template <class T>
std::unique_ptr<FlowLayer<T>> make_affine(const LayerOptions& options) {
  return std::make_unique<AffineLayer<T>>(options);
}
template <class T>
std::unique_ptr<FlowLayer<T>> make_actnorm(const LayerOptions& options) {
  return std::make_unique<ActnormLayer<T>>(options);
}

}  // namespace

const FlowEntry affine_entry{
    .name = "affine",
    .summary = "e^s ∘ z + t: each coordinate scaled and shifted",
    .cost = "O(D)",
    .inversion = "in closed form",
    .make_float = &make_affine<float>,
    .make_double = &make_affine<double>,
    .make_dual = &make_affine<Dual>,
};

const FlowEntry actnorm_entry{
    .name = "actnorm",
    .summary = "as affine, but starts by standardising what first goes through (Glow, 2018)",
    .cost = "O(D)",
    .inversion = "in closed form",
    .make_float = &make_actnorm<float>,
    .make_double = &make_actnorm<double>,
    .make_dual = &make_actnorm<Dual>,
};

}  // namespace riffle
