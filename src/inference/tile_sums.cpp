#include "inference/tile_sums.h"

#define RIFFLE_MATHS "inference/tile_sums.inc"
#define RIFFLE_CLASS TileSumMaths
#define RIFFLE_KERNELS TileSumKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

/// One tile, until there are enough for many threads.
std::size_t tiles_in_group(std::size_t tiles) {
  constexpr std::size_t enough_groups = 16;
  return std::max<std::size_t>(1, tiles / enough_groups);
}

std::size_t ceiling(std::size_t a, std::size_t b) {
  return (a + b - 1) / b;
}

}  // namespace

template <class T>
TileSums<T>::TileSums(std::size_t batch, std::size_t parameters, Executor& executor,
                      InstructionSet set)
    : batch_(batch),
      draws_in_group_(tile_size * tiles_in_group(ceiling(batch, tile_size))),
      groups_(ceiling(batch, draws_in_group_)),
      parameters_(parameters),
      stride_(whole_lanes(parameters)),
      executor_(executor),
      alone_(executor.threads() == 1),
      kernels_(kernels_for<T>(set)),
      shares_(groups_) {
  if (groups_ > 1) slots_.resize((slot_of(groups_ - 1) + 1) * stride_);
}

template <class T>
void TileSums<T>::add_slots(std::span<T> grad) {
  // A chunk of parameters is summed over all slots, in their order, by one thread.
  constexpr std::size_t chunk = 4096;
  const std::size_t chunks = (stride_ + chunk - 1) / chunk;
  executor_.run(chunks, [&](std::size_t k, std::size_t) {
    const std::size_t first = k * chunk;
    const std::size_t n = std::min(chunk, stride_ - first);
    T* const sum = slots_.data() + first;
    for (std::size_t group = 1; group < groups_ && !alone_; ++group) {
      kernels_.add(sum + group * stride_, sum, n);
    }
    std::copy_n(sum, std::min(n, parameters_ - first), grad.data() + first);
  });
}

template class TileSums<float>;
template class TileSums<double>;

}  // namespace riffle
