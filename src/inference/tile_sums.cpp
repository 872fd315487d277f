#include "inference/tile_sums.h"

#define RIFFLE_MATHS "inference/tile_sums.inc"
#define RIFFLE_CLASS TileSumMaths
#define RIFFLE_KERNELS TileSumKernels
#include "lanes/instantiate.h"

namespace riffle {

template <class T>
TileSums<T>::TileSums(std::size_t batch, std::size_t parameters, Executor& executor,
                      InstructionSet set)
    : batch_(batch),
      parameters_(parameters),
      stride_(whole_lanes(parameters)),
      executor_(executor),
      kernels_(kernels_for<T>(set)),
      shares_(tiles()) {
  if (tiles() > 1) slots_.resize(tiles() * stride_);
}

template <class T>
void TileSums<T>::add_slots(std::span<T> grad) {
  // A chunk of parameters is summed over all tiles, in their order, by one thread.
  constexpr std::size_t chunk = 4096;
  const std::size_t chunks = (stride_ + chunk - 1) / chunk;
  executor_.run(chunks, [&](std::size_t k, std::size_t) {
    const std::size_t first = k * chunk;
    const std::size_t n = std::min(chunk, stride_ - first);
    T* const sum = slots_.data() + first;
    for (std::size_t tile = 1; tile < tiles(); ++tile) {
      kernels_.add(sum + tile * stride_, sum, n);
    }
    std::copy_n(sum, std::min(n, parameters_ - first), grad.data() + first);
  });
}

template class TileSums<float>;
template class TileSums<double>;

}  // namespace riffle
