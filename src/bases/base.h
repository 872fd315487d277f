#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/expression.h"
#include "core/instruction_set.h"
#include "core/parameters.h"
#include "core/philox.h"
#include "lanes/dual.h"
#include "riffle/tile.h"

namespace riffle {

/// What a base is made from, besides its name.
struct BaseOptions {
  std::size_t dim = 0;
  InstructionSet set;
  Arguments arguments{};
};

/// Base distribution q0 over R^dim, from which a flow's draws start, for one precision T: float,
/// double, or Dual for tests. Immutable, owns no parameter, safe to share between threads.
///
/// As with flow layers, `params` and `grad` are the base's own part of the flat vectors, per-sample
/// arrays have `tile_size` elements, kernels round the number of samples up to whole lanes, and
/// weights and cotangents are zero in the padding. Draws and parameters are what is
/// differentiated: a draw is a function of the parameters and of random numbers that are not.
template <class T>
class Base {
 public:
  virtual ~Base() = default;
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;

  std::size_t dim() const { return dim_; }
  const ParameterLayout& parameters() const { return parameters_; }
  /// Elements of T, 64-byte aligned, that `sample` leaves for `sample_vjp`.
  std::size_t cache_size() const { return cache_size_; }

  /// Draws samples first_sample ... first_sample + z.count() - 1 of the stream into z (overwritten,
  /// whole lanes beyond count too). A sample of a stream has the same bits whatever is drawn beside
  /// it. `first_sample` is a multiple of `tile_size` and below 2^32.
  void sample(std::span<const T> params, const RandomStream& stream, std::uint64_t first_sample,
              Tile<T> z, T* cache) const;
  /// grad += Σ_s (∂z_s/∂θ)ᵀ g_s for the draws z of the `sample` call that left the cache.
  void sample_vjp(std::span<const T> params, Tile<const T> z, T* cache, Tile<const T> g,
                  std::span<T> grad) const;

  /// log_density[s] = ln q0(z_s), normalised, overwritten, for s < z.count() and the rest of their
  /// lanes; -infinity outside the support.
  void log_density(std::span<const T> params, Tile<const T> z, T* log_density) const;
  /// g(d, s) += weight[s] ∂ln q0(z_s)/∂z_d, and grad += Σ_s weight[s] ∂ln q0(z_s)/∂θ unless it is
  /// empty: then it is not wanted.
  void log_density_vjp(std::span<const T> params, Tile<const T> z, const T* weight, Tile<T> g,
                       std::span<T> grad) const;

  /// Whether this is N(0, I) whatever the parameters.
  virtual bool is_standard_normal() const { return false; }

  /// Initial values for the parameters (overwritten), drawn from `stream`.
  void initialise(const RandomStream& stream, std::span<T> params) const;

 protected:
  explicit Base(std::size_t dim, ParameterLayout parameters = {}, std::size_t cache_size = 0)
      : dim_(dim), parameters_(std::move(parameters)), cache_size_(cache_size) {}

 private:
  virtual void sample_impl(const T* params, const RandomStream&, std::uint64_t first_sample,
                           Tile<T> z, T* cache) const = 0;
  virtual void log_density_impl(const T* params, Tile<const T> z, T* log_density) const = 0;
  virtual void log_density_vjp_impl(const T* params, Tile<const T> z, const T* weight, Tile<T> g,
                                    T* grad) const = 0;
  // Of bases that have parameters.
  virtual void sample_vjp_impl(const T*, Tile<const T>, T*, Tile<const T>, T*) const {}
  virtual void initialise_impl(const RandomStream&, T*) const {}

  std::size_t dim_;
  ParameterLayout parameters_;
  std::size_t cache_size_;
};

/// One line of the registry.
struct BaseEntry {
  std::string_view name;
  std::string_view summary;
  std::span<const Option> options{};
  /// What stands in the parentheses in tests, which go through all of them.
  std::span<const std::string_view> variants{};
  /// Whether draws are differentiated implicitly, as functions of their places: with the random
  /// numbers held they would jump. Then sample_vjp takes any places for draws, and its cache is
  /// room to work in.
  bool implicit = false;
  std::unique_ptr<Base<float>> (*make_float)(const BaseOptions&) = nullptr;
  std::unique_ptr<Base<double>> (*make_double)(const BaseOptions&) = nullptr;
  std::unique_ptr<Base<Dual>> (*make_dual)(const BaseOptions&) = nullptr;

  template <class T>
  std::unique_ptr<Base<T>> make(const BaseOptions& chosen) const {
    if constexpr (std::is_same_v<T, float>) {
      return make_float(chosen);
    } else if constexpr (std::is_same_v<T, double>) {
      return make_double(chosen);
    } else {
      return make_dual(chosen);
    }
  }
};

std::span<const BaseEntry> base_registry();

/// The base that a text such as "mixture(components=4)" stands for. Throws Error{usage} for what
/// cannot be read and for unknown names and arguments, naming the nearest.
template <class T>
std::unique_ptr<Base<T>> make_base(std::string_view text, std::size_t dim, InstructionSet set);

}  // namespace riffle
