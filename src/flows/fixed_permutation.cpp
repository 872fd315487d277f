#include "flows/fixed_permutation.h"

#include <numeric>
#include <utility>

#include "core/philox.h"

namespace riffle {

std::vector<std::uint32_t> fixed_permutation(std::size_t dim, std::uint64_t seed,
                                             std::size_t index) {
  const RandomStream stream{seed, Purpose::structure, index};
  std::vector<std::uint32_t> order(dim);
  std::iota(order.begin(), order.end(), 0U);
  // Fisher and Yates: each place takes one of those that are left.
  for (std::size_t i = dim; i-- > 1;) {
    const double u = stream.uniform(static_cast<std::uint32_t>(i), 0);
    std::swap(order[i], order[static_cast<std::size_t>(u * static_cast<double>(i + 1))]);
  }
  return order;
}

}  // namespace riffle
