#include "bases/base.h"

#include <array>
#include <cassert>
#include <type_traits>

#include "bases/standard_normal.h"
#include "core/names.h"

namespace riffle {

std::span<const BaseEntry> base_registry() {
  static const std::array registry{
      standard_normal_entry,
  };
  return registry;
}

template <class T>
void Base<T>::sample(const RandomStream& stream, std::uint64_t first_sample, Tile<T> z) const {
  assert(z.dim() == dim_ && first_sample % tile_size == 0);
  sample_impl(stream, first_sample, z);
}

template <class T>
void Base<T>::log_density(Tile<const T> z, T* log_density) const {
  assert(z.dim() == dim_);
  log_density_impl(z, log_density);
}

template <class T>
std::unique_ptr<Base<T>> make_base(std::string_view name, std::size_t dim, InstructionSet set) {
  const auto& entry = find_by_name(base_registry(), name, "base");
  if constexpr (std::is_same_v<T, float>) {
    return entry.make_float(dim, set);
  } else {
    return entry.make_double(dim, set);
  }
}

template class Base<float>;
template class Base<double>;
template std::unique_ptr<Base<float>> make_base(std::string_view, std::size_t, InstructionSet);
template std::unique_ptr<Base<double>> make_base(std::string_view, std::size_t, InstructionSet);

}  // namespace riffle
