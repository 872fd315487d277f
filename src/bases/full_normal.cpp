#include "bases/full_normal.h"

#include <cmath>

#include "bases/base_kernels.h"
#include "core/aligned.h"

namespace riffle {
namespace {

template <class T>
struct FullNormalSettings {
  T* scratch;  // 2 D rows
};

template <class T>
using FullNormalKernels = BaseKernels<T, FullNormalSettings<T>>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "bases/normal_prelude.inc"
#define RIFFLE_MATHS "bases/full_normal.inc"
#define RIFFLE_CLASS FullNormal
#define RIFFLE_KERNELS FullNormalKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

ParameterLayout layout(std::size_t dim, bool learn) {
  ParameterLayout views;
  if (!learn) return views;
  views.add("mean", "m ∈ R^D", {dim});
  views.add("log_diagonal", "λ_i = ln L_ii", {dim});
  views.add("below", "L_ij, j < i, row by row", {dim * (dim - 1) / 2});
  return views;
}

template <class T>
class FullNormalBase final : public Base<T> {
 public:
  explicit FullNormalBase(const BaseOptions& options)
      : Base<T>(options.dim, layout(options.dim, options.arguments.flag("learn")),
                options.dim * tile_stride),
        kernels_(kernels_for<T>(options.set)),
        start_(options.dim, T(options.arguments.number("mean"))) {
    const std::size_t dim = options.dim;
    start_.resize(2 * dim, T(std::log(options.arguments.number("sd"))));
    start_.resize(2 * dim + dim * (dim - 1) / 2, T(0));
  }

 private:
  void sample_impl(const T* params, const RandomStream& stream, std::uint64_t first, Tile<T> z,
                   T* cache) const override {
    kernels_.sample({nullptr}, own(params), stream, first, z, cache);
  }
  void sample_vjp_impl(const T* params, Tile<const T> z, T* cache, Tile<const T> g,
                       T* grad) const override {
    kernels_.sample_vjp({nullptr}, own(params), z, cache, g, grad);
  }
  void log_density_impl(const T* params, Tile<const T> z, T* log_density) const override {
    kernels_.log_density({scratch()}, own(params), z, log_density);
  }
  void log_density_vjp_impl(const T* params, Tile<const T> z, const T* weight, Tile<T> g,
                            T* grad) const override {
    kernels_.log_density_vjp({scratch()}, own(params), z, weight, g, learned() ? grad : nullptr);
  }
  void initialise_impl(const RandomStream&, T* params) const override {
    for (std::size_t i = 0; i < start_.size(); ++i) params[i] = start_[i];
  }

  bool learned() const { return this->parameters().size() > 0; }
  const T* own(const T* params) const { return learned() ? params : start_.data(); }
  /// A thread's first call allocates, the later ones do not.
  T* scratch() const {
    thread_local AlignedVector<T> rows;
    const std::size_t size = 2 * this->dim() * tile_stride;
    if (rows.size() < size) rows.resize(size);
    return rows.data();
  }

  FullNormalKernels<T> kernels_;
  std::vector<T> start_;
};

template <class T>
std::unique_ptr<Base<T>> make(const BaseOptions& options) {
  return std::make_unique<FullNormalBase<T>>(options);
}

constexpr Option options[] = {
    {"learn", "yes", "whether the parameters are learned; they start at mean and sd, or stay there",
     Values::flag()},
    {"mean", "0", "the same for every coordinate"},
    {"sd", "1", "the diagonal of L, whose other elements are 0 at the start",
     Values::number_above(0)},
};

constexpr std::string_view variants[] = {"", "learn=no, mean=1, sd=2", "mean=-3, sd=0.5"};

}  // namespace

const BaseEntry full_normal_entry{
    .name = "full-normal",
    .summary = "N(m, L Lᵀ), m and the lower triangle L learned",
    .options = options,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
