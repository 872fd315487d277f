#include "inference/tile_sums.h"

#define RIFFLE_MATHS "inference/tile_sums.inc"
#define RIFFLE_CLASS TileSumMaths
#define RIFFLE_KERNELS TileSumKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

/// One tile, until there are enough groups for many threads; then more tiles, as the gradient of
/// each group is read and written once more, which is a fifth of a step where it leaves the caches;
/// and then more groups. A gradient that stays in the first cache costs so little that more groups
/// come sooner: the smaller they are, the less a thread waits for another that has a slower core.
std::size_t tiles_in_group(std::size_t tiles, std::size_t parameters) {
  constexpr std::size_t few_parameters = 4096;
  constexpr std::size_t enough_groups = 8;
  const bool cheap = parameters <= few_parameters;
  const std::size_t enough_tiles = cheap ? 2 : 8;
  const std::size_t most_groups = cheap ? 64 : 16;
  const std::size_t grown = std::min(tiles / enough_groups, enough_tiles);
  return std::max<std::size_t>({1, grown, tiles / most_groups});
}

std::size_t ceiling(std::size_t a, std::size_t b) {
  return (a + b - 1) / b;
}

}  // namespace

template <class T>
TileSums<T>::TileSums(std::size_t batch, std::size_t parameters, Executor& executor,
                      InstructionSet set)
    : batch_(batch),
      draws_in_group_(tile_size * tiles_in_group(ceiling(batch, tile_size), parameters)),
      groups_(ceiling(batch, draws_in_group_)),
      parameters_(parameters),
      stride_(whole_lanes(parameters)),
      executor_(executor),
      alone_(executor.threads() == 1),
      kernels_(kernels_for<T>(set)),
      shares_(groups_) {
  if (groups_ > 1) slots_.resize((alone_ ? 1 : groups_ - 1) * stride_);
}

template <class T>
void TileSums<T>::add_slots(std::span<T> sum) {
  // A chunk of parameters is summed over all slots, in their order, by one thread.
  constexpr std::size_t chunk = 4096;
  executor_.run(ceiling(parameters_, chunk), [&](std::size_t k, std::size_t) {
    const std::size_t first = k * chunk;
    const std::size_t n = std::min(chunk, parameters_ - first);
    for (std::size_t group = 1; group < groups_; ++group) {
      kernels_.add(slot_of(group).data() + first, sum.data() + first, n);
    }
  });
}

template class TileSums<float>;
template class TileSums<double>;

}  // namespace riffle
