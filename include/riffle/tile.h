#pragma once

#include <cassert>
#include <cstddef>
#include <type_traits>

namespace riffle {

/// Samples are handled in tiles of fixed size. The size is a constant, never tuned to the machine
/// or to the number of threads, because sums are taken tile by tile: this is what makes a run give
/// the same bits on any number of threads.
inline constexpr std::size_t tile_size = 128;

/// Distance, in elements, between the rows of a tile: `tile_size` and one cache line of doubles
/// twice over, so that rows never lie a power of two apart (which would make them fight for cache
/// sets).
inline constexpr std::size_t tile_stride = tile_size + 16;

/// View of up to `tile_size` samples, structure of arrays: element (d, s) is coordinate d of sample
/// s and lies at data[d * tile_stride + s]. Rows are 64-byte aligned. Elements at s >= count, up to
/// `tile_size`, may be read and written freely: kernels round `count` up to whole lanes.
template <class T>
class Tile {
 public:
  Tile(T* data, std::size_t dim, std::size_t count) : data_(data), dim_(dim), count_(count) {
    assert(count <= tile_size);
  }

  /// A tile of mutable elements is also a tile of constant ones.
  template <class U>
  requires(std::is_const_v<T>&& std::is_same_v<const U, T>)
      Tile(const Tile<U>& other)  // NOLINT(google-explicit-constructor)
      : data_(other.data()), dim_(other.dim()), count_(other.count()) {}

  T* data() const { return data_; }
  T* row(std::size_t d) const { return data_ + d * tile_stride; }
  T& operator()(std::size_t d, std::size_t s) const { return data_[d * tile_stride + s]; }
  std::size_t dim() const { return dim_; }
  std::size_t count() const { return count_; }

 private:
  T* data_;
  std::size_t dim_;
  std::size_t count_;
};

}  // namespace riffle
