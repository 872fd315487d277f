#include "flows/sylvester.h"

#include <algorithm>
#include <cmath>

#include "core/whole_lanes.h"
#include "flows/interface/kernel_layer.h"

namespace riffle {

/// Sizes, and where things are in the cache.
struct SylvesterSettings {
  std::size_t dim;
  std::size_t m;            ///< columns of Q
  std::size_t reflections;  ///< that make Q; where there are none, it is a permutation
  bool reversed;            ///< which of the two permutations

  /// Elements of an upper triangle, and the place of (i, j), j >= i, among them.
  std::size_t triangle() const { return m * (m + 1) / 2; }
  std::size_t at(std::size_t i, std::size_t j) const { return i * (2 * m - i - 1) / 2 + j; }
  /// From one row of Q to the next.
  std::size_t stride() const { return whole_lanes(m); }

  // Per-sample rows first, then Q and its like, then what need not be aligned.
  static constexpr std::size_t row_blocks = 7;
  std::size_t matrix() const { return reflections == 0 ? 0 : dim * stride(); }

  template <class T>
  T* basis(T* cache) const {
    return cache + row_blocks * m * tile_stride;
  }
  template <class T>
  T* g_basis(T* cache) const {
    return basis(cache) + matrix();
  }
  template <class T>
  T* scratch_basis(T* cache) const {
    return g_basis(cache) + matrix();
  }
  /// Two rows as wide as Q's.
  template <class T>
  T* scratch(T* cache) const {
    return scratch_basis(cache) + matrix();
  }
  /// R and S, diagonals mapped.
  template <class T>
  T* triangles(T* cache) const {
    return scratch(cache) + 2 * stride();
  }
  /// The c_i; behind them the 1 + c_i.
  template <class T>
  T* products(T* cache) const {
    return triangles(cache) + 2 * triangle();
  }
  /// The unit vector of reflection k.
  template <class T>
  T* unit(T* cache, std::size_t k) const {
    return products(cache) + 2 * m + k * dim;
  }
  template <class T>
  T* lengths(T* cache) const {
    return unit(cache, reflections);
  }
  template <class T>
  T* unit_cotangent(T* cache) const {
    return lengths(cache) + reflections;
  }
  std::size_t cache_size() const {
    return row_blocks * m * tile_stride + 3 * matrix() + 2 * stride() + 2 * triangle() + 2 * m +
           (reflections + 1) * dim + reflections;
  }
};

/// The per-sample rows in the cache, M of each kind. x = Qᵀz, t and q = R t are forward's; the
/// others vjp's and push_score's own.
template <class T>
struct SylvesterRows {
  SylvesterRows(const SylvesterSettings& sizes, T* cache) : m(sizes.m), start(cache) {}

  T* x(std::size_t i) const { return row(0, i); }
  T* t(std::size_t i) const { return row(1, i); }
  T* q(std::size_t i) const { return row(2, i); }
  T* g_q(std::size_t i) const { return row(3, i); }
  T* g_a(std::size_t i) const { return row(4, i); }
  T* g_c(std::size_t i) const { return row(5, i); }
  T* g_x(std::size_t i) const { return row(6, i); }

 private:
  T* row(std::size_t kind, std::size_t i) const { return start + (kind * m + i) * tile_stride; }

  std::size_t m;
  T* start;
};

namespace {

template <class T>
using SylvesterKernels = FlowKernels<T, SylvesterSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/sylvester.inc"
#define RIFFLE_CLASS SylvesterRepeated
#define RIFFLE_KERNELS SylvesterKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr auto how_many = Values::whole(1, 65536);

constexpr Option options_of_orthogonal[] = {
    {"m", "8", "columns of Q, but D at most", how_many},
};
constexpr std::string_view variants_of_orthogonal[] = {"", "m=2"};

constexpr Option options_of_householder[] = {
    {"reflections", "4", "reflections that make Q", how_many},
};
constexpr std::string_view variants_of_householder[] = {"reflections=3"};

SylvesterSettings orthogonal(const LayerOptions& options) {
  const std::size_t m = std::min(options.dim, options.arguments.whole("m"));
  return {options.dim, m, m, false};
}
SylvesterSettings householder(const LayerOptions& options) {
  return {options.dim, options.dim, options.arguments.whole("reflections"), false};
}
SylvesterSettings triangular(const LayerOptions& options) {
  return {options.dim, options.dim, 0, options.index % 2 == 1};
}

ParameterLayout layout(const SylvesterSettings& n) {
  ParameterLayout views;
  views.add("r", "R ∈ R^{M×M}, upper triangle by rows, tanh of its diagonal", {n.triangle()});
  views.add("r_tilde", "R̃ ∈ R^{M×M}, as R", {n.triangle()});
  views.add("b", "b ∈ R^M", {n.m});
  if (n.reflections > 0) views.add("v", "v_k ∈ R^D, k = 1 … K", {n.reflections, n.dim});
  return views;
}

template <class T>
class SylvesterLayer final : public KernelLayer<T, SylvesterSettings> {
 public:
  SylvesterLayer(const SylvesterSettings& settings, InstructionSet set)
      : KernelLayer<T, SylvesterSettings>(settings.dim, layout(settings), settings.cache_size(),
                                          settings, kernels_for<T>(set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  /// R of U(-0.01, 0.01), which is near the identity; R̃ of U(-1, 1)/√M, b and the v_k of U(-1, 1),
  /// so that R has something to learn from.
  void initialise_impl(const RandomStream& stream, T* params) const override {
    const auto& n = this->settings();
    const double width = 1 / std::sqrt(static_cast<double>(n.m));
    for (std::size_t i = 0; i < this->parameters().size(); ++i) {
      const double scale = i < n.triangle() ? 0.01 : i < 2 * n.triangle() ? width : 1;
      params[i] = T(scale * (2 * stream.uniform(static_cast<std::uint32_t>(i), 0) - 1));
    }
  }
};

template <class T, SylvesterSettings (*settings)(const LayerOptions&)>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<SylvesterLayer<T>>(settings(options), options.set);
}

constexpr std::string_view inversion = "by a bracketed Newton method, one coordinate after another";

}  // namespace

const FlowEntry sylvester_orthogonal_entry{
    .name = "sylvester-orthogonal",
    .summary = "z + Q R tanh(R̃ Qᵀz + b), Q of M orthonormal columns (van den Berg et al. 2018)",
    .cost = "O(D M + M²)",
    .inversion = inversion,
    .options = options_of_orthogonal,
    .least_dim = 2,
    .variants = variants_of_orthogonal,
    .make_float = &make<float, &orthogonal>,
    .make_double = &make<double, &orthogonal>,
    .make_dual = &make<Dual, &orthogonal>,
};

const FlowEntry sylvester_householder_entry{
    .name = "sylvester-householder",
    .summary = "the same with a square Q, the product of a few Householder reflections",
    .cost = "O(D²)",
    .inversion = inversion,
    .options = options_of_householder,
    .least_dim = 2,
    .variants = variants_of_householder,
    .make_float = &make<float, &householder>,
    .make_double = &make<double, &householder>,
    .make_dual = &make<Dual, &householder>,
};

const FlowEntry sylvester_triangular_entry{
    .name = "sylvester-triangular",
    .summary = "the same with Q the identity and the reversing permutation in turn",
    .cost = "O(D²)",
    .inversion = inversion,
    .period = 2,
    .make_float = &make<float, &triangular>,
    .make_double = &make<double, &triangular>,
    .make_dual = &make<Dual, &triangular>,
};

}  // namespace riffle
