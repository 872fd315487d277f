#include "flows/flow_checks.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>

#include "support/effort.h"

namespace riffle::test {
namespace {

template <class T>
constexpr double eps = std::numeric_limits<T>::epsilon();

/// What the tests ask of each precision; rounding comes on top where the input is ill-conditioned.
template <class T>
constexpr double wanted = std::is_same_v<T, float> ? 64 * eps<float> : 1e-12;

/// How far the rounding of a saturated intermediate, of size 1, can spread: layers multiply it by
/// products of two parameters, as in 1 + (1 - t²) wᵀu, whose terms are bounded by Σ θ².
template <class T>
double amplification(const FlowInput<T>& in) {
  double squares = 1;
  for (const T p : in.params) squares += static_cast<double>(p) * static_cast<double>(p);
  return squares;
}

/// x with a relative error of up to four ε.
template <class T>
T disturbed(T x, Random& noise) {
  return static_cast<T>(static_cast<double>(x) * (1 + 4 * eps<T> * noise.uniform(-1, 1)));
}

template <class T>
FlowInput<T> disturbed(const FlowInput<T>& in, Random& noise) {
  FlowInput<T> other = in;
  for (T& p : other.params) p = disturbed(p, noise);
  for (std::size_t s = 0; s < tile_size; ++s) {
    other.g_log_det[s] = disturbed(other.g_log_det[s], noise);
    for (std::size_t d = 0; d < in.z.view().dim(); ++d) {
      other.z.row(d)[s] = disturbed(other.z.row(d)[s], noise);
      other.g.row(d)[s] = disturbed(other.g.row(d)[s], noise);
    }
  }
  return other;
}

constexpr int disturbances = 6;

template <class T>
struct Forward {
  TileBuffer<T> y;
  AlignedVector<T> log_det;
};

template <class T>
Forward<T> forward_only(const FlowLayer<T>& layer, const FlowInput<T>& in) {
  Forward<T> out{TileBuffer<T>(layer.dim()), AlignedVector<T>(tile_size, T(0))};
  AlignedVector<T> cache(layer.cache_size());
  layer.forward(in.params, in.z.view(in.count), out.y.view(in.count), out.log_det.data(),
                cache.data());
  return out;
}

/// A tile between whose rows lies something that nobody may touch.
template <class T>
struct Guarded {
  static constexpr T mark = T(-12345.5);
  explicit Guarded(std::size_t dim) : tile(dim) {
    for (std::size_t d = 0; d < dim; ++d) {
      std::fill(tile.row(d) + tile_size, tile.row(d) + tile_stride, mark);
    }
  }
  bool intact() {
    for (std::size_t d = 0; d < tile.view().dim(); ++d) {
      for (std::size_t s = tile_size; s < tile_stride; ++s) {
        if (tile.row(d)[s] != mark) return false;
      }
    }
    return true;
  }
  TileBuffer<T> tile;
};

template <class T>
std::string sample_of(const FlowInput<T>& in, std::size_t s) {
  std::string text = fmt::format("sample {}/{} z=(", s, in.count);
  for (std::size_t d = 0; d < in.z.view().dim(); ++d) {
    text += fmt::format("{:.6g} ", static_cast<double>(in.z.view()(d, s)));
  }
  return text + ")";
}

}  // namespace

std::string LayerCase::text() const {
  return variant.empty() ? std::string(entry->name) : fmt::format("{}({})", entry->name, variant);
}

LayerOptions LayerCase::options(InstructionSet set, double log_det_floor) const {
  const auto expression = parse_expressions(text(), "flow").at(0);
  return {dim, log_det_floor, set, Arguments(expression, entry->options), expression.inner, 0};
}

std::string LayerCase::name() const {
  auto text = fmt::format("{}_{}_{}", entry->name, variant, dim);
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return text;
}

std::vector<ParameterSet> LayerCase::parameter_sets() const {
  const auto layer = make<double>();
  return entry->of_layers ? modest_parameter_sets(*layer) : test::parameter_sets(*layer);
}

std::vector<ParameterSet> modest_parameter_sets(const FlowLayer<double>& layer) {
  std::vector<ParameterSet> sets;
  std::vector<double> values(layer.parameters().size());
  layer.initialise({5, Purpose::initial_values, 0}, values);
  sets.push_back({"initial", values});
  Random random(6);
  for (const double scale : {0.01, 0.3, 0.3, 0.5}) {
    for (double& v : values) v = scale * random.normal();
    sets.push_back({fmt::format("scale {}", scale), values});
  }
  return sets;
}

std::vector<LayerCase> layer_cases(std::initializer_list<std::size_t> dims,
                                   std::size_t most_parameters) {
  std::vector<LayerCase> all;
  static constexpr std::string_view plain[] = {""};
  for (const auto& entry : flow_registry()) {
    for (const auto variant : entry.variants.empty() ? std::span(plain) : entry.variants) {
      for (const auto dim : dims) {
        if (dim < entry.least_dim) continue;
        const LayerCase one{&entry, variant, dim};
        if (one.make<double>()->parameters().size() <= most_parameters) all.push_back(one);
      }
    }
  }
  return all;
}

std::vector<ParameterSet> parameter_sets(const FlowLayer<double>& layer) {
  const auto views = layer.parameters().views();
  const std::size_t size = layer.parameters().size();
  std::vector<ParameterSet> sets;
  Random random(101 + layer.dim());
  const auto normal = [&](double scale) {
    std::vector<double> values(size);
    for (double& v : values) v = scale * random.normal();
    return values;
  };

  std::vector<double> initial(size);
  layer.initialise({17, Purpose::initial_values, 3}, initial);
  sets.push_back({"initial", initial});
  sets.push_back({"tiny", normal(1e-4)});
  for (const double scale : {0.3, 1.0, 5.0, 30.0}) {
    sets.push_back({fmt::format("scale {}", scale), normal(scale)});
    sets.push_back({fmt::format("scale {} again", scale), normal(scale)});
  }
  const std::size_t plain = sets.size();
  for (std::size_t i = 0; i < views.size(); ++i) {
    for (const double factor : {0.0, 1e-20, 1e-9, 1e-3, 20.0}) {
      auto values = normal(0.7);
      for (std::size_t k = 0; k < views[i].size(); ++k) values[views[i].offset + k] *= factor;
      sets.push_back(
          {fmt::format("{} times {}", views[i].name, factor), std::move(values), factor >= 1e-3});
    }
    // Blocks j with a given inner product with block i, along it and with something across.
    for (std::size_t j = i + 1; j < views.size(); ++j) {
      if (views[j].size() != views[i].size()) continue;
      const auto add = [&](double dot, double across, double length) {
        auto values = normal(0.9);
        double* const a = values.data() + views[i].offset;
        double* const b = values.data() + views[j].offset;
        double square = 0;
        double already = 0;
        for (std::size_t k = 0; k < views[i].size(); ++k) {
          a[k] *= length;
          b[k] *= across;
          square += a[k] * a[k];
          already += a[k] * b[k];
        }
        for (std::size_t k = 0; k < views[i].size(); ++k) b[k] += (dot - already) / square * a[k];
        sets.push_back({fmt::format("{}·{} = {} across {} length {}", views[i].name, views[j].name,
                                    dot, across, length),
                        std::move(values),
                        length == 1 && std::abs(dot) < 100 && std::abs(dot + 1) > 0.01});
      };
      for (const double dot :
           {-0.5, -0.999, -1.0, -1.001, -3.0, -30.0, -60.0, -700.0, -1e5, 40.0, 1e4}) {
        add(dot, 0, 1);
        add(dot, 0.5, 1);
      }
      for (const double dot : {-0.5, -3.0, -30.0}) add(dot, 0.5, 1e-3);
    }
  }
  // Slow builds, which look for faults of memory and threads, take a third of the special ones.
  if (hurried) {
    std::erase_if(sets, [plain, k = std::size_t{0}](const auto&) mutable {
      return ++k > plain && k % 3 != 0;
    });
  }
  return sets;
}

template <class T>
FlowInput<T>::FlowInput(const FlowLayer<T>& layer, const ParameterSet& set, std::size_t samples,
                        std::uint64_t seed)
    : count(samples), z(layer.dim()), g(layer.dim()), g_log_det(tile_size, T(0)) {
  Random random(seed);
  for (const double v : set.values) params.push_back(static_cast<T>(v));
  constexpr double scales[] = {1, 0.1, 3, 1, 0.001, 10, 1, 0.5};
  for (std::size_t s = 0; s < tile_size; ++s) {
    for (std::size_t d = 0; d < layer.dim(); ++d) {
      z.row(d)[s] = static_cast<T>(scales[s % std::size(scales)] * random.normal());
      const auto cotangent = static_cast<T>(random.normal());
      if (s < count) g.row(d)[s] = cotangent;
    }
    const auto cotangent = static_cast<T>(random.normal());
    if (s < count) g_log_det[s] = cotangent;
  }
}

template <class T>
FlowInput<T> FlowInput<T>::first(std::size_t samples) const {
  FlowInput other = *this;
  other.count = samples;
  for (std::size_t s = samples; s < tile_size; ++s) {
    other.g_log_det[s] = 0;
    for (std::size_t d = 0; d < z.view().dim(); ++d) other.g.row(d)[s] = 0;
  }
  return other;
}

template <class T>
bool FlowOutput<T>::same(const FlowOutput& other, std::size_t count) const {
  const auto near = [](T a, T b) {
    return a == b || std::abs(a - b) <= T(1e-9) * std::max(std::abs(a), std::abs(b));
  };
  if (!std::equal(grad.begin(), grad.end(), other.grad.begin(), near)) return false;
  for (std::size_t s = 0; s < count; ++s) {
    if (!near(log_det[s], other.log_det[s])) return false;
    for (std::size_t d = 0; d < y.view().dim(); ++d) {
      if (!near(y.view()(d, s), other.y.view()(d, s))) return false;
      if (!near(dz.view()(d, s), other.dz.view()(d, s))) return false;
    }
  }
  return true;
}

template <class T>
FlowOutput<T> forward_and_vjp(const FlowLayer<T>& layer, const FlowInput<T>& in, Random* noise) {
  FlowOutput<T> out{TileBuffer<T>(layer.dim()), AlignedVector<T>(tile_size, T(0)), in.g,
                    std::vector<T>(in.params.size(), T(0))};
  AlignedVector<T> cache(layer.cache_size());
  layer.forward(in.params, in.z.view(in.count), out.y.view(in.count), out.log_det.data(),
                cache.data());
  if (noise != nullptr) {
    for (T& c : cache) c = disturbed(c, *noise);
  }
  layer.vjp(in.params, in.z.view(in.count), cache.data(), out.dz.view(in.count),
            in.g_log_det.data(), out.grad);
  return out;
}

template <class T>
DualOutput::DualOutput(const FlowLayer<Dual>& layer, const FlowInput<T>& in)
    : dim_(layer.dim()), inputs_(layer.dim() + layer.parameters().size()) {
  y_.resize((dim_ + 1) * tile_size);
  slope_.resize(inputs_ * (dim_ + 1) * tile_size);
  std::vector<Dual> params;
  for (const T p : in.params) params.emplace_back(static_cast<double>(p));
  TileBuffer<Dual> z(dim_);
  for (std::size_t d = 0; d < dim_; ++d) {
    for (std::size_t s = 0; s < tile_size; ++s)
      z.row(d)[s] = static_cast<double>(in.z.view()(d, s));
  }
  TileBuffer<Dual> y(dim_);
  AlignedVector<Dual> cache(layer.cache_size());
  for (std::size_t i = 0; i < inputs_; ++i) {
    const auto seed = [&](double tangent) {
      if (i >= dim_) {
        params[i - dim_].tangent = tangent;
      } else {
        for (std::size_t s = 0; s < tile_size; ++s) z.row(i)[s].tangent = tangent;
      }
    };
    seed(1);
    AlignedVector<Dual> log_det(tile_size, Dual(0));
    layer.forward(params, z.view(in.count), y.view(in.count), log_det.data(), cache.data());
    seed(0);
    for (std::size_t s = 0; s < in.count; ++s) {
      for (std::size_t d = 0; d <= dim_; ++d) {
        const Dual v = d == dim_ ? log_det[s] : y.row(d)[s];
        y_[d * tile_size + s] = v.value;
        slope_[(i * (dim_ + 1) + d) * tile_size + s] = v.tangent;
      }
    }
  }
}

template <class T>
bool DualOutput::within_range_of() const {
  constexpr double margin = 1e-6;
  constexpr double largest = margin * std::numeric_limits<T>::max();
  const auto inside = [](double x) { return !(std::abs(x) > largest); };
  return std::all_of(y_.begin(), y_.end(), inside) &&
         std::all_of(slope_.begin(), slope_.end(), inside);
}
template bool DualOutput::within_range_of<float>() const;
template bool DualOutput::within_range_of<double>() const;

Eigen::MatrixXd DualOutput::jacobian(std::size_t s) const {
  const auto n = static_cast<Eigen::Index>(dim_);
  Eigen::MatrixXd j(n, n);
  for (std::size_t d = 0; d < dim_; ++d) {
    for (std::size_t i = 0; i < dim_; ++i) {
      j(static_cast<Eigen::Index>(d), static_cast<Eigen::Index>(i)) = slope(d, i, s);
    }
  }
  return j;
}

template <class T>
Failures check_values(const FlowLayer<T>& layer, const FlowInput<T>& in, const DualOutput& exact) {
  Failures failures;
  const std::size_t dim = layer.dim();
  const auto out = forward_only(layer, in);
  Random noise(7);
  std::vector<Forward<T>> others;
  for (int k = 0; k < disturbances; ++k)
    others.push_back(forward_only(layer, disturbed(in, noise)));
  for (std::size_t s = 0; s < in.count; ++s) {
    const double inverse = exact.jacobian(s).inverse().norm();
    for (std::size_t d = 0; d <= dim; ++d) {
      // log_det moves by ‖J⁻¹‖ times what J does; see check_determinant.
      const double spread =
          16 * eps<T> * amplification(in) * (d < dim ? 1 : std::max(1.0, inverse));
      const auto pick = [&](const Forward<T>& f) {
        return static_cast<double>(d < dim ? f.y.view()(d, s) : f.log_det[s]);
      };
      const double got = pick(out);
      double rounding = 0;
      for (const auto& other : others) rounding = std::max(rounding, std::abs(pick(other) - got));
      const double expected = exact.y(d, s);
      const double allowed = wanted<T> * (1 + std::abs(expected)) + spread + 8 * rounding;
      if (std::isfinite(expected) && std::isfinite(allowed) &&
          !(std::abs(got - expected) <= allowed)) {
        failures.push_back(fmt::format("{} of {} is {:.17g} instead of {:.17g}, allowed {:.2g}",
                                       d < dim ? fmt::format("y[{}]", d) : "log_det",
                                       sample_of(in, s), got, expected, allowed));
      }
    }
  }
  return failures;
}

template <class T>
Failures check_determinant(const FlowLayer<T>& layer, const FlowInput<T>& in,
                           const DualOutput& exact, double floor) {
  Failures failures;
  const auto out = forward_only(layer, in);
  for (std::size_t s = 0; s < in.count; ++s) {
    const Eigen::MatrixXd jacobian = exact.jacobian(s);
    const Eigen::PartialPivLU<Eigen::MatrixXd> lu(jacobian);
    double log_det = 0;
    for (Eigen::Index k = 0; k < jacobian.rows(); ++k) {
      log_det += std::log(std::abs(lu.matrixLU()(k, k)));
    }
    if (floor > 0) log_det = std::log(std::exp(log_det) + floor);
    // |δ ln|det J|| = |tr J⁻¹ δJ| <= ‖J⁻¹‖ ‖δJ‖: the elimination's δJ is some D ε ‖J‖, and the
    // layer's is ε times the products that make J.
    const double inverse = lu.inverse().norm();
    if (!std::isfinite(inverse) || !std::isfinite(log_det)) continue;
    const double dim = static_cast<double>(layer.dim());
    const double allowed =
        wanted<T> * (1 + std::abs(log_det)) +
        16 * inverse * (dim * eps<double> * jacobian.norm() + eps<T> * amplification(in));
    const auto got = static_cast<double>(out.log_det[s]);
    if (!(std::abs(got - log_det) <= allowed)) {
      failures.push_back(
          fmt::format("log_det of {} is {:.17g}, that of the Jacobian {:.17g}, "
                      "allowed {:.2g}",
                      sample_of(in, s), got, log_det, allowed));
    }
  }
  return failures;
}

template <class T>
Failures check_vjp_by_duals(const FlowLayer<T>& layer, const FlowInput<T>& in,
                            const DualOutput& exact) {
  Failures failures;
  const std::size_t dim = layer.dim();
  const auto out = forward_and_vjp(layer, in);
  // How much rounding of the input and of what the cache keeps can change the result. An error of
  // the formulas is not rounding: it stays whatever is disturbed.
  Random noise(8);
  std::vector<FlowOutput<T>> others;
  for (int k = 0; k < disturbances; ++k) {
    others.push_back(forward_and_vjp(layer, disturbed(in, noise), &noise));
  }
  const auto compare = [&](double got, double expected, double allowed, auto&& pick, auto&& what) {
    double rounding = 0;
    for (const auto& other : others) {
      const double moved = std::abs(static_cast<double>(pick(other)) - got);
      // What rounding can drive out of the range of T is not known at all.
      rounding =
          std::isnan(moved) ? std::numeric_limits<double>::infinity() : std::max(rounding, moved);
      if (std::isinf(rounding)) break;
    }
    // Below the smallest normal number there are no more digits.
    allowed += 8 * rounding + static_cast<double>(std::numeric_limits<T>::min());
    if (std::isfinite(expected) && std::isfinite(allowed) &&
        !(std::abs(got - expected) <= allowed)) {
      failures.push_back(fmt::format("{} is {:.17g} instead of {:.17g}, allowed {:.2g}", what(),
                                     got, expected, allowed));
    }
  };
  // The slope of log_det holds 1/det, which is no better known than det: to ε ‖J⁻¹‖.
  std::vector<double> doubt(in.count);
  for (std::size_t s = 0; s < in.count; ++s) {
    doubt[s] = 16 * eps<T> * exact.jacobian(s).inverse().norm();
  }
  struct Sum {
    double value = 0;
    double size = 0;     ///< of its terms
    double allowed = 0;  ///< error
  };
  const auto pull = [&](std::size_t i, std::size_t s, Sum& sum) {
    for (std::size_t d = 0; d <= dim; ++d) {
      const auto cotangent = static_cast<double>(d < dim ? in.g.view()(d, s) : in.g_log_det[s]);
      const double term = cotangent * exact.slope(d, i, s);
      sum.value += term;
      sum.size += std::abs(term);
      sum.allowed += (wanted<T> + (d < dim ? 0 : doubt[s])) * std::abs(term);
    }
  };
  for (std::size_t i = 0; i < dim; ++i) {
    for (std::size_t s = 0; s < in.count; ++s) {
      Sum sum;
      pull(i, s, sum);
      compare(
          static_cast<double>(out.dz.view()(i, s)), sum.value, sum.allowed,
          [&](const FlowOutput<T>& o) { return o.dz.view()(i, s); },
          [&] { return fmt::format("dz[{}] of {}", i, sample_of(in, s)); });
    }
  }
  std::vector<Sum> sums(layer.parameters().size());
  double largest = 0;
  // The slopes of the oracle are rounded as well, to ε of the products of parameters of which they
  // are the rest, such as 1 - σ(-wᵀu) in one dimension.
  double oracle = 0;
  for (std::size_t d = 0; d < dim; ++d) {
    for (std::size_t s = 0; s < in.count; ++s) {
      oracle += eps<double> * amplification(in) * std::abs(static_cast<double>(in.g.view()(d, s)));
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    for (std::size_t s = 0; s < in.count; ++s) pull(dim + i, s, sums[i]);
    largest = std::max(largest, sums[i].size);
  }
  for (const auto& view : layer.parameters().views()) {
    for (std::size_t k = 0; k < view.size(); ++k) {
      const std::size_t i = view.offset + k;
      // A parameter without effect, such as one behind a saturated constraint, has a gradient whose
      // parts cancel: it is small only against the rest of the gradient.
      compare(
          static_cast<double>(out.grad[i]), sums[i].value,
          sums[i].allowed + eps<T> * largest + oracle,
          [&](const FlowOutput<T>& o) { return o.grad[i]; },
          [&] {
            return fmt::format("gradient of {}[{}] over {} samples", view.name, k, in.count);
          });
    }
  }
  return failures;
}

Failures check_vjp_by_differences(const FlowLayer<double>& layer, const FlowInput<double>& in) {
  Failures failures;
  const std::size_t dim = layer.dim();
  const auto out = forward_and_vjp(layer, in);

  // The terms of L_s = ȳᵀy + log_det̄ · log_det of each sample, one behind the other.
  using Terms = std::vector<double>;
  const auto terms_of = [&](const FlowInput<double>& at) {
    const auto f = forward_only(layer, at);
    Terms terms;
    for (std::size_t s = 0; s < in.count; ++s) {
      for (std::size_t d = 0; d <= dim; ++d) {
        terms.push_back(d < dim ? in.g.view()(d, s) * f.y.view()(d, s)
                                : in.g_log_det[s] * f.log_det[s]);
      }
    }
    return terms;
  };
  // Fourth order: (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h, for a sequence of steps. The best
  // step is where two neighbours differ least; that difference, and rounding of f, bound the error.
  // Where the slope of f jumps within 2h, as at the kink of an activation or a knot of a spline,
  // the formula gives something between the slopes on both sides, in agreement with its neighbours.
  // Then the jump bounds the error. The slopes from 0 to 2h and to -2h differ by it and by 2h f'',
  // which extrapolation removes: a smooth f has none.
  constexpr int steps = 7;
  std::size_t unresolved = 0;
  std::size_t drowned = 0;
  std::size_t compared = 0;
  struct Step {
    double h;
    std::array<Terms, 4> at;  ///< h, -h, 2h, -2h
  };
  struct Table {
    std::vector<Step> steps;
    Terms middle;  ///< at 0
    /// Steps so far that a term which does not move does not depend on what is moved. Its rounding
    /// does not count, however large it is.
    std::array<Terms, 2> far;
  };
  /// Steps from `first` down to `last`, each a quarter of the one before.
  const auto table_of = [&](auto&& move, double first, double last) {
    const auto moved = [&](double x) {
      FlowInput<double> at = in;
      move(at, x);
      return terms_of(at);
    };
    Table table{{}, moved(0), {moved(1e100), moved(-1e100)}};
    for (double h = first; h >= 0.99 * last; h *= 0.25) {
      table.steps.push_back({h, {moved(h), moved(-h), moved(2 * h), moved(-2 * h)}});
    }
    return table;
  };
  const auto compare = [&](const Table& table, std::size_t from, std::size_t to, double got,
                           const std::string& what) {
    double best = 0;
    double best_error = std::numeric_limits<double>::infinity();
    double least_rounding = 0;
    double unseen = 0;
    bool moved = false;
    double previous = 0;
    double previous_jump = 0;
    for (std::size_t k = 0; k < table.steps.size(); ++k) {
      const auto& [h, at] = table.steps[k];
      double slope = 0;
      double jump = 0;
      double size = 0;
      for (std::size_t i = from * (dim + 1); i < to * (dim + 1); ++i) {
        const double middle = table.middle[i];
        slope += (8 * (at[0][i] - at[1][i]) - (at[2][i] - at[3][i])) / (12 * h);
        jump += (at[2][i] - 2 * middle + at[3][i]) / (2 * h);
        const bool moves = middle != table.far[0][i] || middle != table.far[1][i];
        size += moves ? std::abs(at[0][i]) : 0;
        moved |= moves;
        if (k == 0) unseen += 8 * eps<double> * std::abs(middle) / h;
      }
      const double rounding = 8 * eps<double> * size / h;
      if (k == 0) least_rounding = rounding;
      const double error =
          std::abs(slope - previous) + rounding + std::abs(4 * jump - previous_jump) / 3;
      if (k > 0 && error < best_error) {
        best_error = error;
        best = slope;
      }
      previous = slope;
      previous_jump = jump;
    }
    ++compared;
    const double scale = std::max(std::abs(best), std::abs(got));
    // Settled: to 1e-8, or to a thousandth of a slope that is small beside the rounding of f. A
    // slope that drowns in it at the widest step, as that of 1 beside e^60, is no sign that
    // differences do not settle.
    const double settled = std::max(1e-5 * (1e-3 + scale), 1e-3 * scale);
    if (least_rounding > settled) {
      ++drowned;
    } else if (!(best_error <= settled)) {
      ++unresolved;
    }
    // Where no step moves anything, a slope may be hidden in rounding, as that of a small part of a
    // softmax.
    const double allowed = 1e-8 * scale + 4 * best_error + (moved ? 0 : unseen);
    if (!(std::abs(got - best) <= allowed)) {
      failures.push_back(fmt::format("{} is {:.12g}, by differences {:.12g}, allowed {:.2g}", what,
                                     got, best, allowed));
    }
  };

  constexpr double first_step = 0.02;
  const double last_step = first_step * std::pow(0.25, steps - 1);
  // A bend of a spline may be narrow, and z reach it through the weights of a net.
  const double last_step_of_z = last_step / 64;
  for (std::size_t d = 0; d < dim; ++d) {
    const auto table = table_of(
        [&](FlowInput<double>& at, double h) {
          for (std::size_t r = 0; r < in.count; ++r) at.z.row(d)[r] += h;
        },
        first_step, last_step_of_z);
    for (std::size_t s = 0; s < in.count; ++s) {
      compare(table, s, s + 1, out.dz.view()(d, s),
              fmt::format("dz[{}] of {}", d, sample_of(in, s)));
    }
  }
  // A layer may change with a small parameter over the parameter's own size, or far more slowly.
  for (const auto& view : layer.parameters().views()) {
    for (std::size_t k = 0; k < view.size(); ++k) {
      const std::size_t i = view.offset + k;
      const double size = std::min(1.0, std::max(std::abs(in.params[i]), 1e-3));
      const auto table = table_of([&](FlowInput<double>& at, double h) { at.params[i] += h; },
                                  first_step, last_step * size);
      compare(table, 0, in.count, out.grad[i], fmt::format("gradient of {}[{}]", view.name, k));
    }
  }
  if (compared > 0 && 4 * unresolved >= compared - drowned) {
    failures.push_back(
        fmt::format("the differences tell nothing: {} of {} did not settle, {} drown", unresolved,
                    compared, drowned));
  }
  return failures;
}

template <class T>
Failures check_accumulation(const FlowLayer<T>& layer, const FlowInput<T>& in) {
  Failures failures;
  Random random(9);
  const auto plain = forward_and_vjp(layer, in);
  const auto compare = [&](T start, T added, T got, double tolerance, const std::string& what) {
    if (!std::isfinite(added)) return;
    const double expected = static_cast<double>(start) + static_cast<double>(added);
    const double allowed = tolerance * (1 + std::abs(static_cast<double>(start)) +
                                        std::abs(static_cast<double>(added)));
    if (!(std::abs(static_cast<double>(got) - expected) <= allowed)) {
      failures.push_back(fmt::format("{}: {} + {} gave {}", what, start, added, got));
    }
  };

  std::vector<T> start(in.params.size());
  for (T& v : start) v = static_cast<T>(3 * random.normal());
  std::vector<T> grad = start;
  AlignedVector<T> log_start(tile_size);
  for (T& v : log_start) v = static_cast<T>(3 * random.normal());
  AlignedVector<T> log_det = log_start;
  Guarded<T> y(layer.dim());
  Guarded<T> g(layer.dim());
  for (std::size_t d = 0; d < layer.dim(); ++d) {
    std::copy_n(in.g.view().row(d), tile_size, g.tile.row(d));
  }
  // One number more than the layer asks for, to see that it keeps within its cache.
  constexpr T mark = T(-54321.25);
  AlignedVector<T> cache(layer.cache_size() + 1, mark);
  layer.forward(in.params, in.z.view(in.count), y.tile.view(in.count), log_det.data(),
                cache.data());
  layer.vjp(in.params, in.z.view(in.count), cache.data(), g.tile.view(in.count),
            in.g_log_det.data(), grad);
  if (cache.back() != mark) failures.push_back("wrote behind the cache");
  if (!y.intact()) failures.push_back("wrote behind a row of y");
  if (!g.intact()) failures.push_back("wrote behind a row of g");
  for (std::size_t s = 0; s < in.count; ++s) {
    compare(log_start[s], plain.log_det[s], log_det[s], 64 * eps<T>, "log_det");
  }
  // The parts of a gradient may be larger than itself and are rounded as such, and one by one added
  // to `start`, which would be missed or counted twice as a whole.
  double largest = 1;
  for (const T v : plain.grad) largest = std::max(largest, std::abs(static_cast<double>(v)));
  for (std::size_t i = 0; i < grad.size(); ++i) {
    const double tolerance = std::sqrt(eps<T>) + 256 * eps<T> * largest;
    if (tolerance < 0.1) compare(start[i], plain.grad[i], grad[i], tolerance, "grad");
  }
  TileBuffer<T> unwanted = in.g;
  std::vector<T> alone = start;
  layer.forward(in.params, in.z.view(in.count), y.tile.view(in.count), log_det.data(),
                cache.data());
  layer.parameter_vjp(in.params, in.z.view(in.count), cache.data(), unwanted.view(in.count),
                      in.g_log_det.data(), alone);
  if (alone != grad) failures.push_back("another grad where dL/dz is not wanted");

  if (!layer.has_inverse() || !layer.injective(in.params)) return failures;
  TileBuffer<T> z(layer.dim());
  AlignedVector<T> from_zero(tile_size, T(0));
  layer.inverse(in.params, y.tile.view(in.count), z.view(in.count), from_zero.data(), cache.data());
  log_det = log_start;
  layer.inverse(in.params, y.tile.view(in.count), z.view(in.count), log_det.data(), cache.data());
  for (std::size_t s = 0; s < in.count; ++s) {
    compare(log_start[s], from_zero[s], log_det[s], 64 * eps<T>, "log_det of the inverse");
  }
  if (cache.back() != mark) failures.push_back("the inverse wrote behind the cache");
  return failures;
}

template <class T>
Failures check_round_trip(const FlowLayer<T>& layer, const FlowInput<T>& in,
                          const DualOutput& exact) {
  Failures failures;
  const std::size_t dim = layer.dim();
  const auto out = forward_only(layer, in);
  TileBuffer<T> z(dim);
  AlignedVector<T> log_det(tile_size, T(0));
  AlignedVector<T> cache(layer.cache_size());
  layer.inverse(in.params, out.y.view(in.count), z.view(in.count), log_det.data(), cache.data());
  FlowInput<T> back = in;
  back.z = z;
  const auto again = forward_only(layer, back);
  // Where J is ill-conditioned, rounding of y and of the parameters throws z far, and what f makes
  // of it is as uncertain. An error of the formulas is not rounding: it is the same in all of
  // these, and cancels in their differences.
  Random noise(13);
  std::vector<TileBuffer<T>> others;
  for (int k = 0; k < disturbances; ++k) {
    FlowInput<T> at = in;
    at.z = out.y;
    at = disturbed(at, noise);
    if (!layer.injective(at.params)) continue;
    AlignedVector<T> unused(tile_size, T(0));
    layer.inverse(at.params, at.z.view(in.count), back.z.view(in.count), unused.data(),
                  cache.data());
    others.push_back(forward_only(layer, back).y);
  }
  for (std::size_t s = 0; s < in.count; ++s) {
    const Eigen::MatrixXd jacobian = exact.jacobian(s);
    double size = 1;
    for (std::size_t d = 0; d < dim; ++d) {
      size = std::max({size, std::abs(static_cast<double>(in.z.view()(d, s))),
                       std::abs(static_cast<double>(out.y.view()(d, s)))});
    }
    // Backward error: f(z') - y comes from the rounding of y, of z' (which J magnifies), and of
    // wᵀz-like inner products, whose terms are products of parameters.
    const double residual = 64 * eps<T> * (size * (1 + jacobian.norm()) + amplification(in));
    for (std::size_t d = 0; d < dim; ++d) {
      const auto value = static_cast<double>(again.y.view()(d, s));
      const double off = value - static_cast<double>(out.y.view()(d, s));
      double rounding = 0;
      bool finite = std::isfinite(value);
      for (const auto& other : others) {
        const auto moved = static_cast<double>(other.view()(d, s));
        finite &= std::isfinite(moved);
        rounding = std::max(rounding, std::abs(moved - value));
      }
      // Only a J that is singular to this precision may throw z out of its range.
      if (!finite && !(eps<T> * jacobian.norm() * jacobian.inverse().norm() < 1)) continue;
      if (!(std::abs(off) <= residual + 8 * rounding)) {
        failures.push_back(fmt::format("f(f⁻¹(y)) misses y[{}] of {} by {:.3g}, allowed {:.2g}", d,
                                       sample_of(in, s), off, residual + 8 * rounding));
      }
    }
    // Forward error: J⁻¹ times the residual, as far as f is linear over that distance.
    const double inverse = jacobian.inverse().norm();
    const double distance = residual * (1 + inverse);
    if (distance <= 1e-3) {
      for (std::size_t d = 0; d < dim; ++d) {
        const double off =
            static_cast<double>(z.view()(d, s)) - static_cast<double>(in.z.view()(d, s));
        if (!(std::abs(off) <= distance)) {
          failures.push_back(fmt::format("f⁻¹(f(z)) misses z[{}] of {} by {:.3g}, allowed {:.2g}",
                                         d, sample_of(in, s), off, distance));
        }
      }
      // The log-det moves with z by its slope, and by the rounding of the determinant.
      double slope = 0;
      for (std::size_t i = 0; i < dim; ++i) slope += std::abs(exact.slope(dim, i, s));
      const double moved = 2 * slope * distance + wanted<T> * (1 + std::abs(exact.log_det(s))) +
                           16 * eps<T> * inverse * amplification(in);
      const double off = static_cast<double>(log_det[s]) + static_cast<double>(out.log_det[s]);
      if (moved < 0.1 && !(std::abs(off) <= moved)) {
        failures.push_back(fmt::format("the log-dets of {} leave {:.3g}, allowed {:.2g}",
                                       sample_of(in, s), off, moved));
      }
    }
  }
  return failures;
}

template <class T>
Failures check_push_score(const FlowLayer<T>& layer, const FlowInput<T>& in,
                          const DualOutput& exact) {
  Failures failures;
  const std::size_t dim = layer.dim();
  const auto push = [&](const FlowInput<T>& at, Random* noise) {
    TileBuffer<T> y(dim);
    TileBuffer<T> g = at.g;
    AlignedVector<T> log_det(tile_size, T(0));
    AlignedVector<T> cache(layer.cache_size());
    layer.forward(at.params, at.z.view(in.count), y.view(in.count), log_det.data(), cache.data());
    if (noise != nullptr) {
      for (T& c : cache) c = disturbed(c, *noise);
    }
    layer.push_score(at.params, at.z.view(in.count), cache.data(), g.view(in.count),
                     at.g_log_det.data());
    return g;
  };
  const auto got = push(in, nullptr);
  Random noise(11);
  std::vector<TileBuffer<T>> others;
  for (int k = 0; k < disturbances; ++k) others.push_back(push(disturbed(in, noise), &noise));
  for (std::size_t s = 0; s < in.count; ++s) {
    // J itself is known to ε times the products of parameters that make it, and what log_det says
    // to ‖J⁻¹‖ times that; see check_values and check_determinant.
    const double off_jacobian = 16 * eps<T> * amplification(in);
    const double doubt = off_jacobian * exact.jacobian(s).inverse().norm();
    for (std::size_t i = 0; i < dim; ++i) {
      const double through_log_det = static_cast<double>(in.g_log_det[s]) * exact.slope(dim, i, s);
      const double expected = static_cast<double>(in.g.view()(i, s)) - through_log_det;
      double allowed = wanted<T> * std::abs(static_cast<double>(in.g.view()(i, s))) +
                       (wanted<T> + doubt) * std::abs(through_log_det);
      const auto pulled = [&](const TileBuffer<T>& v) {
        double sum = 0;
        for (std::size_t d = 0; d < dim; ++d) {
          sum += exact.slope(d, i, s) * static_cast<double>(v.view()(d, s));
        }
        return sum;
      };
      const double value = pulled(got);
      double rounding = 0;
      for (const auto& other : others) {
        rounding = std::max(rounding, std::abs(pulled(other) - value));
      }
      for (std::size_t d = 0; d < dim; ++d) {
        const double v = std::abs(static_cast<double>(got.view()(d, s)));
        allowed += (wanted<T> * std::abs(exact.slope(d, i, s)) + off_jacobian) * v;
      }
      allowed += 8 * rounding;
      if (std::isfinite(expected) && std::isfinite(allowed) &&
          !(std::abs(value - expected) <= allowed)) {
        failures.push_back(
            fmt::format("Jᵀ times the pushed score of {} is {:.17g} in [{}] instead of {:.17g}, "
                        "allowed {:.2g}",
                        sample_of(in, s), value, i, expected, allowed));
      }
    }
  }
  return failures;
}

template <class T>
Failures check_cache_of_inverse(const FlowLayer<T>& layer, const FlowInput<T>& in,
                                const DualOutput& exact) {
  Failures failures;
  const std::size_t dim = layer.dim();
  const std::size_t n = in.count;
  const auto y = forward_only(layer, in).y;
  FlowInput<T> back = in;
  AlignedVector<T> log_det(tile_size, T(0));
  AlignedVector<T> after_inverse(layer.cache_size());
  layer.inverse(in.params, y.view(n), back.z.view(n), log_det.data(), after_inverse.data());
  AlignedVector<T> after_forward(layer.cache_size());
  TileBuffer<T> again(dim);
  layer.forward(in.params, back.z.view(n), again.view(n), log_det.data(), after_forward.data());

  struct Pulled {
    TileBuffer<T> dz, score;
    std::vector<T> grad;
  };
  const auto pull = [&](const AlignedVector<T>& left, Random* noise) {
    Pulled out{in.g, in.g, std::vector<T>(in.params.size(), T(0))};
    const auto cache = [&] {
      auto copy = left;
      if (noise != nullptr) {
        for (T& c : copy) c = disturbed(c, *noise);
      }
      return copy;
    };
    auto own = cache();
    layer.push_score(in.params, back.z.view(n), own.data(), out.score.view(n), in.g_log_det.data());
    own = cache();
    layer.vjp(in.params, back.z.view(n), own.data(), out.dz.view(n), in.g_log_det.data(), out.grad);
    return out;
  };
  const auto got = pull(after_inverse, nullptr);
  const auto due = pull(after_forward, nullptr);
  Random noise(12);
  std::vector<Pulled> others;
  for (int k = 0; k < disturbances; ++k) others.push_back(pull(after_forward, &noise));
  // What an iteration leaves is as near as z is: to the residual of check_round_trip times ‖J⁻¹‖.
  const auto compare = [&](auto&& pick, double doubt, auto&& what) {
    const auto value = static_cast<double>(pick(got));
    const auto expected = static_cast<double>(pick(due));
    double rounding = 0;
    for (const auto& other : others) {
      rounding = std::max(rounding, std::abs(static_cast<double>(pick(other)) - expected));
    }
    const double allowed = doubt * (1 + std::abs(expected)) + 8 * rounding;
    if (doubt > 1e-2 || !std::isfinite(expected) || !std::isfinite(allowed)) return;
    if (!(std::abs(value - expected) <= allowed)) {
      failures.push_back(fmt::format("{} is {:.17g} after inverse, {:.17g} after forward", what(),
                                     value, expected));
    }
  };
  double worst = 0;
  for (std::size_t s = 0; s < n; ++s) {
    const Eigen::MatrixXd jacobian = exact.jacobian(s);
    const double inverse = jacobian.inverse().norm();
    const double doubt =
        wanted<T> * amplification(in) * (1 + jacobian.norm()) * (1 + inverse) * (1 + inverse);
    if (!std::isfinite(doubt)) return failures;
    worst = std::max(worst, doubt);
    for (std::size_t d = 0; d < dim; ++d) {
      compare([&](const Pulled& p) { return p.dz.view()(d, s); }, doubt,
              [&] { return fmt::format("dz[{}] of {}", d, sample_of(in, s)); });
      compare([&](const Pulled& p) { return p.score.view()(d, s); }, doubt,
              [&] { return fmt::format("the score in [{}] of {}", d, sample_of(in, s)); });
    }
  }
  double largest = 0;
  for (const T v : due.grad) largest = std::max(largest, std::abs(static_cast<double>(v)));
  for (std::size_t i = 0; i < due.grad.size(); ++i) {
    compare([&](const Pulled& p) { return p.grad[i]; }, worst * (1 + largest),
            [&] { return fmt::format("gradient [{}]", i); });
  }
  return failures;
}

template <class T>
Failures check_extremes(const FlowLayer<T>& layer, const FlowInput<T>& in) {
  Failures failures;
  const std::size_t dim = layer.dim();
  const bool invertible = layer.has_inverse() && layer.injective(in.params);
  const auto calm = forward_and_vjp(layer, in);
  AlignedVector<T> cache(layer.cache_size());
  const auto inverse_of = [&](const std::vector<T>& params, const TileBuffer<T>& y) {
    Forward<T> back{TileBuffer<T>(dim), AlignedVector<T>(tile_size, T(0))};
    layer.inverse(params, y.view(in.count), back.y.view(in.count), back.log_det.data(),
                  cache.data());
    return back;
  };
  std::vector<Forward<T>> backs;
  if (invertible) {
    backs.push_back(inverse_of(in.params, calm.y));
    Random noise(10);
    for (int k = 0; k < disturbances; ++k) {
      FlowInput<T> other = in;
      other.z = calm.y;
      other = disturbed(other, noise);
      if (layer.injective(other.params)) backs.push_back(inverse_of(other.params, other.z));
    }
  }
  // Whether a is b, but for what rounding can do to it.
  const auto inverse_near = [&](T a, auto&& pick) {
    const auto b = static_cast<double>(pick(backs[0]));
    if (!std::isfinite(b)) return !std::isfinite(a);
    double rounding = 0;
    for (const auto& back : backs) {
      rounding = std::max(rounding, std::abs(static_cast<double>(pick(back)) - b));
    }
    return !std::isfinite(rounding) ||
           std::abs(static_cast<double>(a) - b) <= 64 * eps<T> * (1 + std::abs(b)) + 16 * rounding;
  };
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const T extremes[] = {T(1e30), T(-1e30), T(1e-30), std::numeric_limits<T>::max(), inf, -inf, nan};
  for (const T extreme : extremes) {
    for (std::size_t bad = 0; bad < in.count; bad += 5) {
      FlowInput<T> at = in;
      at.z.row(bad % dim)[bad] = extreme;
      const auto out = forward_and_vjp(layer, at);
      bool all_finite = std::isfinite(out.log_det[bad]);
      for (std::size_t d = 0; d < dim; ++d) all_finite &= std::isfinite(out.y.view()(d, bad));
      if (!std::isfinite(extreme) && all_finite) {
        failures.push_back(fmt::format("{} in sample {} gave finite output", extreme, bad));
      }
      // Beside it the log-det may be gathered in other steps, but not lose its precision.
      const auto near = [](T a, T b) {
        return std::abs(a - b) <= T(16) * static_cast<T>(eps<T>) * (T(1) + std::abs(b));
      };
      for (std::size_t s = 0; s < in.count; ++s) {
        if (s == bad) continue;
        bool same = near(out.log_det[s], calm.log_det[s]) ||
                    (!std::isfinite(calm.log_det[s]) && !std::isfinite(out.log_det[s]));
        for (std::size_t d = 0; d < dim; ++d) {
          same &= out.y.view()(d, s) == calm.y.view()(d, s);
          const T g = calm.dz.view()(d, s);
          same &= out.dz.view()(d, s) == g || !std::isfinite(g);
        }
        if (!same) {
          failures.push_back(fmt::format("{} in sample {} changed sample {}", extreme, bad, s));
        }
      }
      if (!invertible) continue;
      TileBuffer<T> y = calm.y;
      y.row(bad % dim)[bad] = extreme;
      const auto back = inverse_of(in.params, y);
      for (std::size_t s = 0; s < in.count; ++s) {
        if (s == bad) continue;
        // An iteration that ends when every lane is done may refine a lane beside a slow one.
        bool same = inverse_near(back.log_det[s], [&](const auto& f) { return f.log_det[s]; });
        for (std::size_t d = 0; d < dim; ++d) {
          same &=
              inverse_near(back.y.view()(d, s), [&](const auto& f) { return f.y.view()(d, s); });
        }
        if (!same) {
          failures.push_back(
              fmt::format("{} in y of sample {} changed the inverse of {}: z[0] {:.9g} for {:.9g}, "
                          "log_det {:.9g} for {:.9g}",
                          extreme, bad, s, back.y.view()(0, s), backs[0].y.view()(0, s),
                          back.log_det[s], backs[0].log_det[s]));
        }
      }
    }
  }
  return failures;
}

#define RIFFLE_INSTANTIATE(T)                                                                      \
  template struct FlowInput<T>;                                                                    \
  template struct FlowOutput<T>;                                                                   \
  template FlowOutput<T> forward_and_vjp(const FlowLayer<T>&, const FlowInput<T>&, Random*);       \
  template DualOutput::DualOutput(const FlowLayer<Dual>&, const FlowInput<T>&);                    \
  template Failures check_values(const FlowLayer<T>&, const FlowInput<T>&, const DualOutput&);     \
  template Failures check_determinant(const FlowLayer<T>&, const FlowInput<T>&, const DualOutput&, \
                                      double);                                                     \
  template Failures check_vjp_by_duals(const FlowLayer<T>&, const FlowInput<T>&,                   \
                                       const DualOutput&);                                         \
  template Failures check_accumulation(const FlowLayer<T>&, const FlowInput<T>&);                  \
  template Failures check_round_trip(const FlowLayer<T>&, const FlowInput<T>&, const DualOutput&); \
  template Failures check_push_score(const FlowLayer<T>&, const FlowInput<T>&, const DualOutput&); \
  template Failures check_cache_of_inverse(const FlowLayer<T>&, const FlowInput<T>&,               \
                                           const DualOutput&);                                     \
  template Failures check_extremes(const FlowLayer<T>&, const FlowInput<T>&);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)

}  // namespace riffle::test
