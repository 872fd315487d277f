#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/instruction_set.h"
#include "core/parameters.h"
#include "core/philox.h"
#include "riffle/tile.h"

namespace riffle {

/// What follows a hidden layer: tanh a, max(0, a), a σ(a), or max(a, a/100).
enum class Activation { tanh, relu, silu, leaky };

/// As users write them, in the order of the enumeration.
inline constexpr std::array<std::string_view, 4> activation_names{"tanh", "relu", "silu", "leaky"};

/// One affine map a = W h + b inside the parameter vector of a net. W is row-major, [outputs,
/// inputs], and stands in front of b.
struct DenseShape {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t offset = 0;  ///< of W, from the start of the net's parameters
  bool bias = true;
  /// Row o sees inputs 0 … live[o]-1; its other weights have no effect and no gradient. Empty:
  /// every row sees all.
  std::vector<std::uint32_t> mask{};
  /// Whether the input is added behind the activation.
  bool residual = false;

  std::size_t weights() const { return inputs * outputs; }
  std::size_t bias_offset() const { return offset + weights(); }
};

/// A multilayer perceptron: hidden layers h ← act(W h + b), then an affine map to the outputs. With
/// `residual`, a hidden layer behind one of equal width is h ← h + act(W h + b) (He et al. 2016,
/// eq. 1, with one weight layer in the branch). Immutable; made by the functions below.
struct MlpShape {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  Activation activation = Activation::tanh;
  std::vector<DenseShape> layers;  ///< the hidden layers, then the output layer
  /// Masked nets with a hidden layer that is too narrow for all dependences have a linear map from
  /// the inputs to the outputs besides; others have one with no outputs here.
  DenseShape direct{};
  /// Of a masked net: the input of each rank, which is the column of W that it meets. Empty: column
  /// i meets input i.
  std::vector<std::uint32_t> input_of_rank{};
  std::size_t parameters = 0;
};

/// Every output depends on every input. `hidden` may be empty (an affine map), and `inputs` 0
/// (constants).
MlpShape mlp_shape(std::size_t inputs, std::span<const std::size_t> hidden, std::size_t outputs,
                   Activation activation, bool residual);

/// MADE (Germain, Gregor, Murray & Larochelle 2015, section 4), with residual layers as in ResMADE
/// (Nash & Durkan 2019). `rank` is a permutation of 0 … D-1: rank[i] is the place of input i in the
/// order. Outputs i·outputs_per_dim … (i+1)·outputs_per_dim-1 depend on the inputs of rank below
/// rank[i], and on all of them. Hidden units are sorted by their degree, so that what a row sees is
/// a prefix of its inputs, for which the columns of the first W stand in the order of rank.
MlpShape masked_mlp_shape(std::span<const std::size_t> rank, std::span<const std::size_t> hidden,
                          std::size_t outputs_per_dim, Activation activation, bool residual);

/// Elements of T that `Mlp::forward` leaves for `Mlp::vjp`: a multiple of 16.
std::size_t mlp_cache_size(const MlpShape& shape);

/// Elements of T that both work in: a multiple of 16.
std::size_t mlp_workspace_size(const MlpShape& shape);

/// Appends "PREFIX0.W", "PREFIX0.b", "PREFIX1.W", … and, where it exists, "PREFIXdirect.W", for a
/// prefix such as "net.": shape.parameters numbers in all.
void add_mlp_parameters(ParameterLayout& layout, const MlpShape& shape, std::string_view prefix);

/// Overwrites the net's parameters: hidden layers W ~ U(-w, w), with w = √(6/(inputs + outputs))
/// for tanh (Glorot & Bengio 2010, eq. 16) and √(6/inputs) for the others (He et al. 2015, eq. 10),
/// and b ~ U(-1, 1)/√inputs; the output layer 0, so that a fresh net gives 0. Masked rows count the
/// inputs they see. Nets of one layer differ in `net`, the second word of the draws; the first is
/// the place among the parameters.
template <class T>
void initialise_mlp(const RandomStream& stream, const MlpShape& shape, T* params,
                    std::uint32_t net = 0);

/// The compiled functions of nets for one precision and instruction set.
template <class T>
struct MlpKernels {
  void (*forward)(const MlpShape&, const T* params, Tile<const T> x, Tile<T> out, T* cache,
                  T* workspace);
  void (*vjp)(const MlpShape&, const T* params, Tile<const T> x, const T* cache,
              Tile<const T> g_out, Tile<T> g_x, T* grad, T* workspace);
  void (*affine)(const DenseShape&, const T* params, Tile<const T> x, Tile<T> y);
  void (*affine_input_gradient)(const DenseShape&, const T* params, Tile<const T> g, Tile<T> g_x,
                                bool add);
  void (*affine_weight_gradient)(const DenseShape&, Tile<const T> x, Tile<const T> g, T* grad);

  template <class Maths>
  static MlpKernels of() {
    return {&Maths::forward, &Maths::vjp, &Maths::affine, &Maths::affine_input_gradient,
            &Maths::affine_weight_gradient};
  }
};

/// T = float, double or Dual (always scalar).
template <class T>
MlpKernels<T> mlp_kernels(InstructionSet set);

/// A net as layers' maths call it, R being their lane policy. It is compiled once, in mlp.cpp.
/// Tiles have as many rows as the net has inputs and outputs; what they may hold in their padding
/// is stated at FlowLayer. Cache and workspace are 64-byte aligned; params and grad need not be.
///
/// A sample's results are the same to the bit whatever its tile holds besides. Non-finite input
/// makes all outputs non-finite that see it, and others of the same sample may be: a dead weight is
/// no shield, so inputs that are not known yet must be finite.
template <class R>
struct Mlp {
  using T = typename R::Scalar;

  /// out, cache and workspace are overwritten; out must not be x.
  static void forward(const MlpShape& shape, const T* params, Tile<const T> x, Tile<T> out,
                      T* cache, T* workspace) {
    mlp_kernels<T>(R::instruction_set()).forward(shape, params, x, out, cache, workspace);
  }

  /// g_x += Jᵀ g_out, and grad += the parameters' cotangents summed over the samples, in an order
  /// that depends on nothing but their number. params, x and cache are those of forward; workspace
  /// is overwritten. Null data in g_x, or a null grad: not wanted, and not computed.
  static void vjp(const MlpShape& shape, const T* params, Tile<const T> x, const T* cache,
                  Tile<const T> g_out, Tile<T> g_x, T* grad, T* workspace) {
    mlp_kernels<T>(R::instruction_set()).vjp(shape, params, x, cache, g_out, g_x, grad, workspace);
  }
};

/// An affine map of whole tiles without a mask, for layers' maths: what nets/dense.inc writes,
/// compiled once, in mlp.cpp.
template <class R>
struct AffineMap {
  using T = typename R::Scalar;

  /// y = W x + b, or y += W x where there is no bias.
  static void forward(const DenseShape& shape, const T* params, Tile<const T> x, Tile<T> y) {
    mlp_kernels<T>(R::instruction_set()).affine(shape, params, x, y);
  }

  /// g_x = Wᵀ g, or g_x += Wᵀ g.
  static void input_gradient(const DenseShape& shape, const T* params, Tile<const T> g, Tile<T> g_x,
                             bool add) {
    mlp_kernels<T>(R::instruction_set()).affine_input_gradient(shape, params, g, g_x, add);
  }

  /// W̄ += g xᵀ, b̄ += g summed over the samples; the shape may have a mask.
  static void weight_gradient(const DenseShape& shape, Tile<const T> x, Tile<const T> g, T* grad) {
    mlp_kernels<T>(R::instruction_set()).affine_weight_gradient(shape, x, g, grad);
  }
};

}  // namespace riffle
