#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/instruction_set.h"
#include "core/philox.h"
#include "riffle/tile.h"

namespace riffle {

/// Base distribution q0 over R^dim, from which a flow's draws start. Immutable; safe to share
/// between threads.
template <class T>
class Base {
 public:
  explicit Base(std::size_t dim) : dim_(dim) {}
  virtual ~Base() = default;
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;
  std::size_t dim() const { return dim_; }

  /// Draws samples first_sample ... first_sample + z.count() - 1 of the stream into z (overwritten,
  /// whole lanes beyond count too). A sample of a stream has the same bits whatever is drawn beside
  /// it. `first_sample` is a multiple of `tile_size` and below 2^32.
  void sample(const RandomStream& stream, std::uint64_t first_sample, Tile<T> z) const;
  /// log_density[s] = ln q0(z_s), overwritten, for s < z.count() and the rest of their lanes.
  void log_density(Tile<const T> z, T* log_density) const;

 private:
  virtual void sample_impl(const RandomStream&, std::uint64_t first_sample, Tile<T> z) const = 0;
  virtual void log_density_impl(Tile<const T> z, T* log_density) const = 0;

  std::size_t dim_;
};

/// One line of the registry.
struct BaseEntry {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Base<float>> (*make_float)(std::size_t dim, InstructionSet);
  std::unique_ptr<Base<double>> (*make_double)(std::size_t dim, InstructionSet);
};

std::span<const BaseEntry> base_registry();

/// The base of that name; throws Error{usage} with the nearest name where there is none.
template <class T>
std::unique_ptr<Base<T>> make_base(std::string_view name, std::size_t dim, InstructionSet set);

}  // namespace riffle
