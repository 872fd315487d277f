#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace riffle {

/// A permutation of 0 … dim-1, all equally likely, that depends on the seed and the layer's index
/// alone and is the same on every machine.
std::vector<std::uint32_t> fixed_permutation(std::size_t dim, std::uint64_t seed,
                                             std::size_t index);

}  // namespace riffle
