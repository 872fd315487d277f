#include "nets/mlp_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/whole_lanes.h"
#include "support/random.h"

namespace riffle::test {
namespace {

using Number = PlainNet::Number;

template <class T>
constexpr T nan_of = std::numeric_limits<T>::quiet_NaN();

/// act(a) and act'(a), and how far a rounding error of a, and their own, move them.
struct Activated {
  Number h;
  Number slope;
};

Activated activate(Activation activation, Number a, long double eps) {
  const long double x = a.value;
  switch (activation) {
    case Activation::tanh: {
      const long double t = std::tanh(x);
      const long double d = 1 - t * t;
      // The kernel's tanh is within 6 ulp, and 1 - t² follows it.
      const long double own = 6 * eps * std::abs(t);
      const long double error = d * a.error + a.error * a.error + own;
      return {{t, error}, {d, 2 * std::abs(t) * error + error * error + 2 * eps}};
    }
    case Activation::silu: {
      const long double s = 1 / (1 + std::exp(-x));
      const long double d = s * (1 + x * (1 - s));
      // |act'| <= 1.1 and |act''| <= 0.5.
      return {{x * s, 1.1L * a.error + 4 * eps * std::abs(x * s)},
              {d, 0.5L * a.error + 8 * eps * (s + std::abs(x * s))}};
    }
    case Activation::relu:
    case Activation::leaky: {
      const long double below = activation == Activation::relu ? 0 : static_cast<long double>(0.01);
      const bool up = x > 0;
      const long double d = up ? 1 : below;
      // Across the kink the slope is either.
      const bool near = std::abs(x) <= a.error;
      return {{d * x, a.error + eps * std::abs(x)}, {d, near ? 1 : eps}};
    }
  }
  return {};
}

/// Σ terms, of each its value and its error; one rounding of the running sum of magnitudes for
/// each term.
class Sum {
 public:
  explicit Sum(long double eps) : eps_(eps) {}
  void add(Number a, Number b) {
    value_ += a.value * b.value;
    size_ += std::abs(a.value * b.value);
    error_ += std::abs(a.value) * b.error + a.error * std::abs(b.value) + a.error * b.error;
    ++terms_;
  }
  Number result() const { return {value_, error_ + eps_ * (terms_ + 1) * size_}; }

 private:
  long double eps_;
  long double value_ = 0;
  long double size_ = 0;
  long double error_ = 0;
  long double terms_ = 0;
};

/// 1, exactly.
constexpr Number one{1, 0};

bool within(Number exact, double got) {
  return std::abs(static_cast<long double>(got) - exact.value) <= exact.error;
}

std::size_t input_of_rank(const MlpShape& shape, std::size_t r) {
  return shape.input_of_rank.empty() ? r : shape.input_of_rank[r];
}

/// A block of inputs to the derivative: parameters from `begin` to `end`, or, from `parameters` on,
/// the inputs of the net.
struct Block {
  std::string name;
  std::size_t begin;
  std::size_t end;
};

std::vector<Block> blocks_of(const MlpShape& shape) {
  ParameterLayout layout;
  add_mlp_parameters(layout, shape, "");
  std::vector<Block> blocks;
  for (const auto& view : layout.views()) {
    if (view.size() > 0) blocks.push_back({view.name, view.offset, view.offset + view.size()});
  }
  if (shape.inputs > 0) {
    blocks.push_back({"x", shape.parameters, shape.parameters + shape.inputs});
  }
  return blocks;
}

/// A direction in the space of parameters, then inputs, the same for every sample. Dead weights
/// have no part in it.
std::vector<double> random_direction(const MlpShape& shape, const Block& block, bool single,
                                     Random& random) {
  std::vector<double> v(shape.parameters + shape.inputs, 0.0);
  const std::size_t only =
      block.begin +
      std::min(block.end - block.begin - 1,
               static_cast<std::size_t>(random.uniform(0, 1) *
                                        static_cast<double>(block.end - block.begin)));
  for (std::size_t i = block.begin; i < block.end; ++i) {
    const double x = random.normal();
    if (!single || i == only) v[i] = x;
  }
  for (const auto* layer : [&] {
         std::vector<const DenseShape*> all{&shape.direct};
         for (const auto& l : shape.layers) all.push_back(&l);
         return all;
       }()) {
    for (std::size_t o = 0; o < layer->outputs; ++o) {
      for (std::size_t i = 0; i < layer->inputs; ++i) {
        if (!alive(*layer, o, i)) v[layer->offset + o * layer->inputs + i] = 0;
      }
    }
  }
  return v;
}

/// Σ_s g_x · v over the samples, plus grad · v.
long double along(const MlpShape& shape, const NetOutput<double>& y, const std::vector<double>& v,
                  std::size_t count) {
  long double sum = 0;
  for (std::size_t i = 0; i < shape.parameters; ++i) {
    if (v[i] != 0) sum += static_cast<long double>(v[i]) * y.grad[i + 1];
  }
  for (std::size_t d = 0; d < shape.inputs; ++d) {
    for (std::size_t s = 0; s < count; ++s) {
      sum += static_cast<long double>(v[shape.parameters + d]) * y.g_x.view()(d, s);
    }
  }
  return sum;
}

}  // namespace

MlpShape NetCase::shape() const {
  return rank.empty() ? mlp_shape(inputs, hidden, outputs, activation, residual)
                      : masked_mlp_shape(rank, hidden, outputs, activation, residual);
}

std::string NetCase::name() const {
  std::string text = rank.empty() ? "dense" : "masked";
  if (!std::is_sorted(rank.begin(), rank.end())) {
    text += std::is_sorted(rank.rbegin(), rank.rend()) ? "_reversed" : "_shuffled";
  }
  text += fmt::format("_{}", inputs);
  for (const std::size_t width : hidden) text += fmt::format("_{}", width);
  text += fmt::format("_{}_{}", outputs, activation_names[static_cast<std::size_t>(activation)]);
  return residual ? text + "_residual" : text;
}

std::vector<NetCase> net_cases() {
  std::vector<NetCase> shapes{
      {.inputs = 1, .hidden = {}, .outputs = 1},
      {.inputs = 3, .hidden = {}, .outputs = 65},
      {.inputs = 0, .hidden = {5}, .outputs = 3},
      {.inputs = 1, .hidden = {1}, .outputs = 1},
      {.inputs = 1, .hidden = {64, 64}, .outputs = 2},
      {.inputs = 3, .hidden = {17, 3, 3}, .outputs = 5},
      {.inputs = 16, .hidden = {16, 16, 16}, .outputs = 16},
      {.inputs = 5, .hidden = {64, 65, 65}, .outputs = 23},
      {.inputs = 65, .hidden = {17, 17}, .outputs = 64},
      {.inputs = 48, .hidden = {32}, .outputs = 16},
  };
  const auto masked = [&](std::vector<std::size_t> rank, std::vector<std::size_t> hidden,
                          std::size_t outputs_per_dim) {
    const std::size_t dim = rank.size();
    shapes.push_back({.inputs = dim,
                      .hidden = std::move(hidden),
                      .outputs = outputs_per_dim,
                      .rank = std::move(rank)});
  };
  std::vector<std::size_t> natural(17);
  std::iota(natural.begin(), natural.end(), std::size_t{0});
  masked({0}, {4}, 2);
  masked({0, 1}, {16}, 1);
  masked({2, 1, 0}, {}, 3);
  masked({0, 1, 2, 3, 4, 5, 6, 7}, {64, 64}, 5);
  masked({4, 3, 2, 1, 0}, {17, 17, 16}, 2);
  masked({3, 0, 5, 1, 4, 2}, {65, 65, 33}, 3);
  masked(natural, {3, 3}, 1);
  masked({1, 3, 0, 2}, {1, 9}, 23);

  std::vector<NetCase> cases;
  for (auto c : shapes) {
    const bool repeats = std::adjacent_find(c.hidden.begin(), c.hidden.end()) != c.hidden.end();
    for (std::size_t a = 0; a < activation_names.size(); ++a) {
      // Without a hidden layer nothing is activated.
      if (c.hidden.empty() && a > 0) continue;
      c.activation = static_cast<Activation>(a);
      c.residual = false;
      cases.push_back(c);
      c.residual = true;
      if (repeats) cases.push_back(c);
    }
  }
  return cases;
}

bool alive(const DenseShape& layer, std::size_t o, std::size_t i) {
  return layer.mask.empty() || i < layer.mask[o];
}

template <class T>
Net<T>::Net(const MlpShape& s, InstructionSet set) : shape(s) {
  const auto kernels = mlp_kernels<T>(set);
  forward = [s, kernels](const T* params, Tile<const T> x, Tile<T> out, T* cache) {
    AlignedVector<T> workspace(mlp_workspace_size(s), nan_of<T>);
    kernels.forward(s, params, x, out, cache, workspace.data());
  };
  vjp = [s, kernels](const T* params, Tile<const T> x, T* cache, Tile<const T> g_out, Tile<T> g_x,
                     T* grad) {
    AlignedVector<T> workspace(mlp_workspace_size(s), nan_of<T>);
    kernels.vjp(s, params, x, cache, g_out, g_x, grad, workspace.data());
  };
}

template <class T>
NetInput<T>::NetInput(const MlpShape& shape, double scale, std::uint64_t seed)
    : storage(shape.parameters + 1),
      x(shape.inputs),
      g(shape.outputs),
      parameters(shape.parameters) {
  Random random(seed);
  const auto fill = [&](const DenseShape& layer) {
    const double size = scale / std::sqrt(std::max(1.0, static_cast<double>(layer.inputs)));
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        const T w = static_cast<T>(size * random.normal());
        storage[1 + layer.offset + o * layer.inputs + i] = alive(layer, o, i) ? w : nan_of<T>;
      }
      if (layer.bias) storage[1 + layer.bias_offset() + o] = static_cast<T>(random.normal());
    }
  };
  for (const auto& layer : shape.layers) fill(layer);
  fill(shape.direct);
  for (std::size_t s = 0; s < tile_size; ++s) {
    for (std::size_t d = 0; d < shape.inputs; ++d) x.row(d)[s] = static_cast<T>(random.normal());
    for (std::size_t o = 0; o < shape.outputs; ++o) g.row(o)[s] = static_cast<T>(random.normal());
  }
}

template <class T>
NetInput<T> NetInput<T>::first(std::size_t count) const {
  NetInput part = *this;
  const auto x_tile = part.x.view();
  const auto g_tile = part.g.view();
  for (std::size_t s = count; s < tile_size; ++s) {
    // Past whole lanes nothing may be looked at.
    const bool padding = s < whole_lanes(count);
    for (std::size_t d = 0; d < x_tile.dim(); ++d) {
      x_tile(d, s) = padding ? x_tile(d, 0) : nan_of<T>;
    }
    for (std::size_t o = 0; o < g_tile.dim(); ++o) g_tile(o, s) = padding ? T(0) : nan_of<T>;
  }
  return part;
}

template <class T>
NetOutput<T> run(const Net<T>& net, const NetInput<T>& whole, std::size_t count, T before) {
  const auto in = whole.first(count);
  AlignedVector<T> cache(mlp_cache_size(net.shape), nan_of<T>);
  NetOutput<T> y{TileBuffer<T>(net.shape.outputs), TileBuffer<T>(net.shape.inputs),
                 AlignedVector<T>(net.shape.parameters + 1, before)};
  for (std::size_t o = 0; o < net.shape.outputs; ++o) {
    std::fill_n(y.out.row(o), tile_size, nan_of<T>);
  }
  for (std::size_t d = 0; d < net.shape.inputs; ++d) std::fill_n(y.g_x.row(d), tile_size, before);
  net.forward(in.params(), in.x.view(count), y.out.view(count), cache.data());
  net.vjp(in.params(), in.x.view(count), cache.data(), in.g.view(count), y.g_x.view(count),
          y.grad.data() + 1);
  return y;
}

template <class T>
PlainNet::PlainNet(const MlpShape& shape, const NetInput<T>& in, std::vector<std::size_t> wanted)
    : counts(std::move(wanted)), out(tile_size), g_x(tile_size) {
  const long double eps = std::numeric_limits<T>::epsilon();
  const auto weight = [&](const DenseShape& layer, std::size_t o, std::size_t i) {
    return Number{in.params()[layer.offset + o * layer.inputs + i], 0};
  };
  std::vector<Sum> grad_sums(shape.parameters, Sum(eps));
  const auto add_grad = [&](const DenseShape& layer, const std::vector<Number>& x,
                            const std::vector<Number>& g) {
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        if (alive(layer, o, i)) grad_sums[layer.offset + o * layer.inputs + i].add(g[o], x[i]);
      }
      if (layer.bias) grad_sums[layer.bias_offset() + o].add(g[o], one);
    }
  };
  const auto add_turned = [&](const DenseShape& layer, const std::vector<Number>& g,
                              std::vector<Sum>& sums) {
    for (std::size_t i = 0; i < layer.inputs; ++i) {
      for (std::size_t o = 0; o < layer.outputs; ++o) {
        if (alive(layer, o, i)) sums[i].add(weight(layer, o, i), g[o]);
      }
    }
  };

  for (std::size_t s = 0; s < tile_size; ++s) {
    std::vector<std::vector<Number>> h(1);
    std::vector<std::vector<Number>> slope;
    for (std::size_t r = 0; r < shape.inputs; ++r) {
      h[0].push_back({in.x.view()(input_of_rank(shape, r), s), 0});
    }
    for (std::size_t l = 0; l < shape.layers.size(); ++l) {
      const auto& layer = shape.layers[l];
      const bool is_output = l + 1 == shape.layers.size();
      std::vector<Number> next;
      std::vector<Number> next_slope;
      for (std::size_t o = 0; o < layer.outputs; ++o) {
        Sum sum(eps);
        sum.add(one, {in.params()[layer.bias_offset() + o], 0});
        for (std::size_t i = 0; i < layer.inputs; ++i) {
          if (alive(layer, o, i)) sum.add(weight(layer, o, i), h[l][i]);
        }
        if (is_output) {
          for (std::size_t i = 0; i < shape.inputs && shape.direct.outputs > 0; ++i) {
            if (alive(shape.direct, o, i)) sum.add(weight(shape.direct, o, i), h[0][i]);
          }
          next.push_back(sum.result());
          continue;
        }
        const auto a = activate(shape.activation, sum.result(), eps);
        next_slope.push_back(a.slope);
        if (layer.residual) {
          Sum both(eps);
          both.add(one, a.h);
          both.add(one, h[l][o]);
          next.push_back(both.result());
        } else {
          next.push_back(a.h);
        }
      }
      h.push_back(std::move(next));
      slope.push_back(std::move(next_slope));
    }
    out[s] = h.back();

    std::vector<Number> g_out;
    for (std::size_t o = 0; o < shape.outputs; ++o) g_out.push_back({in.g.view()(o, s), 0});
    std::vector<Number> g = g_out;
    for (std::size_t l = shape.layers.size(); l-- > 0;) {
      const auto& layer = shape.layers[l];
      std::vector<Number> g_a = g;
      if (l + 1 < shape.layers.size()) {
        for (std::size_t o = 0; o < layer.outputs; ++o) {
          Sum product(eps);
          product.add(g[o], slope[l][o]);
          g_a[o] = product.result();
        }
      }
      add_grad(layer, h[l], g_a);
      std::vector<Sum> sums(layer.inputs, Sum(eps));
      for (std::size_t i = 0; layer.residual && i < layer.inputs; ++i) sums[i].add(one, g[i]);
      add_turned(layer, g_a, sums);
      if (l == 0 && shape.direct.outputs > 0) {
        add_grad(shape.direct, h[0], g_out);
        add_turned(shape.direct, g_out, sums);
      }
      g.clear();
      for (const auto& sum : sums) g.push_back(sum.result());
    }
    g_x[s].resize(shape.inputs);
    for (std::size_t r = 0; r < shape.inputs; ++r) g_x[s][input_of_rank(shape, r)] = g[r];
    if (std::find(counts.begin(), counts.end(), s + 1) != counts.end()) {
      grad.emplace_back();
      for (const auto& sum : grad_sums) grad.back().push_back(sum.result());
    }
  }
}

template <class T>
Failures check_values(const Net<T>& net, const NetInput<T>& in, const PlainNet& plain,
                      std::size_t count) {
  Failures failures;
  const auto y = run(net, in, count);
  for (std::size_t o = 0; o < net.shape.outputs; ++o) {
    for (std::size_t s = 0; s < count; ++s) {
      const double got = y.out.view()(o, s);
      if (!within(plain.out[s][o], got)) {
        failures.push_back(fmt::format("output {} of sample {}: {} instead of {} ± {}", o, s, got,
                                       double(plain.out[s][o].value),
                                       double(plain.out[s][o].error)));
      }
    }
    for (std::size_t s = whole_lanes(count); s < tile_size; ++s) {
      if (!std::isnan(y.out.view()(o, s))) {
        failures.push_back(fmt::format("sample {} written, of {}", s, count));
      }
    }
  }
  return failures;
}

template <class T>
Failures check_gradients(const Net<T>& net, const NetInput<T>& in, const PlainNet& plain,
                         std::size_t count) {
  Failures failures;
  const auto y = run(net, in, count);
  for (std::size_t d = 0; d < net.shape.inputs; ++d) {
    for (std::size_t s = 0; s < count; ++s) {
      const double got = y.g_x.view()(d, s);
      if (!within(plain.g_x[s][d], got)) {
        failures.push_back(fmt::format("g_x {} of sample {}: {} instead of {} ± {}", d, s, got,
                                       double(plain.g_x[s][d].value),
                                       double(plain.g_x[s][d].error)));
      }
    }
    for (std::size_t s = whole_lanes(count); s < tile_size; ++s) {
      if (y.g_x.view()(d, s) != 0) {
        failures.push_back(fmt::format("g_x of sample {} written, of {}", s, count));
      }
    }
  }
  const auto at = std::find(plain.counts.begin(), plain.counts.end(), count);
  const auto& grad = plain.grad.at(static_cast<std::size_t>(at - plain.counts.begin()));
  for (std::size_t i = 0; i < net.shape.parameters; ++i) {
    // Of dead weights both are exactly 0.
    if (!within(grad[i], y.grad[i + 1])) {
      failures.push_back(fmt::format("gradient {}: {} instead of {} ± {}", i, double(y.grad[i + 1]),
                                     double(grad[i].value), double(grad[i].error)));
    }
  }
  if (y.grad[0] != 0) failures.emplace_back("something written in front of the gradient");
  return failures;
}

Failures check_vjp_by_duals(const Net<double>& net, const NetInput<double>& in,
                            const PlainNet& plain, std::size_t count) {
  Failures failures;
  Random random(5);
  const auto& shape = net.shape;
  const auto y = run(net, in, count);
  const Net<Dual> dual(shape, InstructionSet::scalar());
  const auto at = std::find(plain.counts.begin(), plain.counts.end(), count);
  const auto& bounds = plain.grad.at(static_cast<std::size_t>(at - plain.counts.begin()));
  for (const auto& block : blocks_of(shape)) {
    for (const bool single : {false, false, true, true, true}) {
      const auto v = random_direction(shape, block, single, random);
      std::vector<Dual> params(shape.parameters);
      for (std::size_t i = 0; i < shape.parameters; ++i) params[i] = {in.params()[i], v[i]};
      TileBuffer<Dual> x(shape.inputs);
      TileBuffer<Dual> out(shape.outputs);
      AlignedVector<Dual> cache(mlp_cache_size(shape));
      long double bound = 0;
      for (std::size_t i = 0; i < shape.parameters; ++i) bound += std::abs(v[i]) * bounds[i].error;
      for (std::size_t s = 0; s < count; ++s) {
        for (std::size_t d = 0; d < shape.inputs; ++d) {
          const double direction = v[shape.parameters + d];
          x.row(d)[s] = {in.x.view()(d, s), direction};
          bound += std::abs(direction) * plain.g_x[s][d].error;
        }
      }
      dual.forward(params.data(), x.view(count), out.view(count), cache.data());
      long double exact = 0;
      for (std::size_t o = 0; o < shape.outputs; ++o) {
        for (std::size_t s = 0; s < count; ++s) {
          exact += static_cast<long double>(in.g.view()(o, s)) * out.view()(o, s).tangent;
        }
      }
      const long double got = along(shape, y, v, count);
      // The tangents round as the gradients do.
      if (!(std::abs(got - exact) <= 2 * bound + 1e-13L * std::abs(exact))) {
        failures.push_back(fmt::format("along {}: {} instead of {} ± {}", block.name, double(got),
                                       double(exact), double(bound)));
      }
    }
  }
  return failures;
}

Failures check_vjp_by_differences(const Net<double>& net, const NetInput<double>& in,
                                  std::size_t count) {
  Failures failures;
  Random random(6);
  const auto& shape = net.shape;
  const auto y = run(net, in, count);
  for (const auto& block : blocks_of(shape)) {
    const auto v = random_direction(shape, block, false, random);
    long double size = 0;  // of v
    for (const double x : v) size += static_cast<long double>(x) * x;
    const double h = 1e-3 / std::max(1.0, std::sqrt(double(size)));
    long double magnitude = 0;
    const auto loss = [&](double step) {
      auto moved = in;
      for (std::size_t i = 0; i < shape.parameters; ++i) {
        if (v[i] != 0) moved.storage[i + 1] += step * v[i];
      }
      for (std::size_t d = 0; d < shape.inputs; ++d) {
        for (std::size_t s = 0; s < tile_size; ++s) {
          moved.x.row(d)[s] += step * v[shape.parameters + d];
        }
      }
      const auto at = run(net, moved, count);
      long double sum = 0;
      for (std::size_t o = 0; o < shape.outputs; ++o) {
        for (std::size_t s = 0; s < count; ++s) {
          const long double term =
              static_cast<long double>(in.g.view()(o, s)) * at.out.view()(o, s);
          sum += term;
          magnitude += std::abs(term);
        }
      }
      return sum;
    };
    const long double slope = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) /
                              (12 * static_cast<long double>(h));
    const long double got = along(shape, y, v, count);
    long double scale = std::abs(got);
    for (std::size_t i = 0; i < shape.parameters; ++i) {
      if (v[i] != 0) scale += 1e-3L * std::abs(static_cast<long double>(v[i]) * y.grad[i + 1]);
    }
    const long double rounding = 1e-14L * magnitude / h;
    if (!(std::abs(got - slope) <= 1e-6L * scale + rounding)) {
      failures.push_back(fmt::format("along {}: {} instead of {} by differences, ± {}", block.name,
                                     double(got), double(slope), double(1e-6L * scale + rounding)));
    }
  }
  return failures;
}

template <class T>
Failures check_accumulation(const Net<T>& net, const NetInput<T>& in, const PlainNet& plain,
                            std::size_t count) {
  Failures failures;
  const T before = T(2.5);
  const T eps = std::numeric_limits<T>::epsilon();
  const auto fresh = run(net, in, count);
  const auto added = run(net, in, count, before);
  const auto at = std::find(plain.counts.begin(), plain.counts.end(), count);
  const auto& bounds = plain.grad.at(static_cast<std::size_t>(at - plain.counts.begin()));
  const auto close = [&](T a, T b, long double bound, std::size_t terms) {
    return std::abs(static_cast<long double>(b) - a - before) <=
           2 * bound + eps * static_cast<long double>(terms + 2) * (before + std::abs(a));
  };
  for (std::size_t i = 0; i < net.shape.parameters; ++i) {
    if (!close(fresh.grad[i + 1], added.grad[i + 1], bounds[i].error, count)) {
      failures.push_back(fmt::format("gradient {}: {} + {} = {}", i, double(before),
                                     double(fresh.grad[i + 1]), double(added.grad[i + 1])));
    }
  }
  for (std::size_t d = 0; d < net.shape.inputs; ++d) {
    for (std::size_t s = 0; s < count; ++s) {
      const T a = fresh.g_x.view()(d, s);
      const T b = added.g_x.view()(d, s);
      if (!close(a, b, plain.g_x[s][d].error, net.shape.layers[0].outputs + net.shape.outputs)) {
        failures.push_back(
            fmt::format("g_x {} {}: {} + {} = {}", d, s, double(before), double(a), double(b)));
      }
    }
  }
  return failures;
}

template struct Net<float>;
template struct Net<double>;
template struct Net<Dual>;
#define RIFFLE_INSTANTIATE(T)                                                                      \
  template struct NetInput<T>;                                                                     \
  template NetOutput<T> run(const Net<T>&, const NetInput<T>&, std::size_t, T);                    \
  template PlainNet::PlainNet(const MlpShape&, const NetInput<T>&, std::vector<std::size_t>);      \
  template Failures check_values(const Net<T>&, const NetInput<T>&, const PlainNet&, std::size_t); \
  template Failures check_gradients(const Net<T>&, const NetInput<T>&, const PlainNet&,            \
                                    std::size_t);                                                  \
  template Failures check_accumulation(const Net<T>&, const NetInput<T>&, const PlainNet&,         \
                                       std::size_t);
RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
#undef RIFFLE_INSTANTIATE

}  // namespace riffle::test
