#pragma once

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "core/instruction_set.h"
#include "lanes/dual.h"
#include "nets/mlp.h"
#include "support/failures.h"

namespace riffle::test {

/// A shape to test, by what it is made from.
struct NetCase {
  std::size_t inputs = 0;
  std::vector<std::size_t> hidden;
  std::size_t outputs = 0;  ///< for each input where masked
  Activation activation = Activation::tanh;
  bool residual = false;
  std::vector<std::size_t> rank{};  ///< of a masked net; empty: not masked

  MlpShape shape() const;
  std::string name() const;  ///< as GoogleTest allows it
  friend void PrintTo(const NetCase& c, std::ostream* out) { *out << c.name(); }
};

/// Widths around whole lanes and blocks, masked nets in several orders, wide and narrow; every
/// activation, with and without residual layers.
std::vector<NetCase> net_cases();

/// Whether an activation has no kink.
inline bool smooth(Activation activation) {
  return activation == Activation::tanh || activation == Activation::silu;
}

/// Whether weight (o, i) of a layer is alive.
bool alive(const DenseShape& layer, std::size_t o, std::size_t i);

/// A net to check; the gate puts broken ones in place of the kernels.
template <class T>
struct Net {
  MlpShape shape;
  std::function<void(const T* params, Tile<const T> x, Tile<T> out, T* cache)> forward;
  std::function<void(const T* params, Tile<const T> x, T* cache, Tile<const T> g_out, Tile<T> g_x,
                     T* grad)>
      vjp;

  Net(const MlpShape& s, InstructionSet set);
};

/// Parameters, which start one element behind an aligned place, samples and cotangents for a whole
/// tile. Dead weights are NaN: they must have no effect.
template <class T>
struct NetInput {
  AlignedVector<T> storage;
  TileBuffer<T> x;
  TileBuffer<T> g;
  std::size_t parameters;

  /// Weights are normal, of size `scale` / √inputs.
  NetInput(const MlpShape& shape, double scale, std::uint64_t seed);
  const T* params() const { return storage.data() + 1; }
  /// The first samples; the padding is a copy of the first, with cotangents of zero.
  NetInput first(std::size_t count) const;
};

template <class T>
struct NetOutput {
  TileBuffer<T> out;
  TileBuffer<T> g_x;
  AlignedVector<T> grad;
};

/// forward and vjp of the first samples, from a cache, and with results, that hold NaN before.
/// What is added to starts from `before` in place of 0.
template <class T>
NetOutput<T> run(const Net<T>& net, const NetInput<T>& whole, std::size_t count, T before = T(0));

/// Values and gradients by plain sums in long double, with bounds on what rounding in T can make of
/// them: to first order, the error of every sum from those of its terms. Gradients are kept for
/// each number of samples in `counts`.
struct PlainNet {
  struct Number {
    long double value = 0;
    long double error = 0;  ///< bound on the distance of a result in T
  };
  std::vector<std::size_t> counts;
  std::vector<std::vector<Number>> out;   ///< [sample][output]
  std::vector<std::vector<Number>> g_x;   ///< [sample][input]
  std::vector<std::vector<Number>> grad;  ///< [count][parameter]

  template <class T>
  PlainNet(const MlpShape& shape, const NetInput<T>& in, std::vector<std::size_t> counts);
};

// The checks.

/// out, g_x and grad of the first `count` samples against plain sums.
template <class T>
Failures check_values(const Net<T>& net, const NetInput<T>& in, const PlainNet& plain,
                      std::size_t count);
template <class T>
Failures check_gradients(const Net<T>& net, const NetInput<T>& in, const PlainNet& plain,
                         std::size_t count);
/// grad and g_x along random directions of each block of parameters, and of x, against the tangents
/// of dual numbers through the scalar kernels.
Failures check_vjp_by_duals(const Net<double>& net, const NetInput<double>& in,
                            const PlainNet& plain, std::size_t count);
/// The same against central differences of fourth order of the net's own forward. Smooth
/// activations only.
Failures check_vjp_by_differences(const Net<double>& net, const NetInput<double>& in,
                                  std::size_t count);
/// grad += and g_x +=.
template <class T>
Failures check_accumulation(const Net<T>& net, const NetInput<T>& in, const PlainNet& plain,
                            std::size_t count);

}  // namespace riffle::test
