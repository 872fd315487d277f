#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include "riffle/tile.h"

namespace riffle {

/// Allocator whose blocks start on a cache line, so that whole-vector loads never straddle two, and
/// are followed by a page that is nobody's. A core that runs through a block has its prefetcher ask
/// for the lines behind it, up to the end of a page; where another thread writes those, the two
/// take them from each other at every pass, which can halve the speed of both.
template <class T>
struct CacheLineAllocator {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};
  static constexpr std::size_t apart = 4096;

  CacheLineAllocator() = default;
  template <class U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}  // NOLINT(google-explicit-constructor)

  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new(n * sizeof(T) + apart, alignment));
  }
  void deallocate(T* p, std::size_t) noexcept { ::operator delete(p, alignment); }

  friend bool operator==(const CacheLineAllocator&, const CacheLineAllocator&) { return true; }
};

template <class T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

/// Owner of one tile; the rows are zero at first.
template <class T>
class TileBuffer {
 public:
  explicit TileBuffer(std::size_t dim) : dim_(dim), data_(dim * tile_stride, T(0)) {}
  Tile<T> view(std::size_t count = tile_size) { return {data_.data(), dim_, count}; }
  Tile<const T> view(std::size_t count = tile_size) const { return {data_.data(), dim_, count}; }
  T* row(std::size_t d) { return data_.data() + d * tile_stride; }

 private:
  std::size_t dim_;
  AlignedVector<T> data_;
};

}  // namespace riffle
