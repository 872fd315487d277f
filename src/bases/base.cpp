#include "bases/base.h"

#include <array>
#include <cassert>

#include "bases/diagonal_normal.h"
#include "bases/full_normal.h"
#include "bases/mixture.h"
#include "bases/standard_normal.h"
#include "bases/student_t.h"
#include "bases/uniform_box.h"

namespace riffle {

std::span<const BaseEntry> base_registry() {
  static const std::array registry{
      standard_normal_entry, diagonal_normal_entry, full_normal_entry,
      mixture_entry,         student_t_entry,       uniform_box_entry,
  };
  return registry;
}

template <class T>
void Base<T>::sample(std::span<const T> params, const RandomStream& stream,
                     std::uint64_t first_sample, Tile<T> z, T* cache) const {
  assert(params.size() == parameters_.size() && z.dim() == dim_ && first_sample % tile_size == 0);
  sample_impl(params.data(), stream, first_sample, z, cache);
}

template <class T>
void Base<T>::sample_vjp(std::span<const T> params, Tile<const T> z, T* cache, Tile<const T> g,
                         std::span<T> grad) const {
  assert(params.size() == parameters_.size() && grad.size() == parameters_.size());
  assert(z.dim() == dim_ && g.dim() == dim_ && z.count() == g.count());
  if (!grad.empty()) sample_vjp_impl(params.data(), z, cache, g, grad.data());
}

template <class T>
void Base<T>::log_density(std::span<const T> params, Tile<const T> z, T* log_density) const {
  assert(params.size() == parameters_.size() && z.dim() == dim_);
  log_density_impl(params.data(), z, log_density);
}

template <class T>
void Base<T>::log_density_vjp(std::span<const T> params, Tile<const T> z, const T* weight,
                              Tile<T> g, std::span<T> grad) const {
  assert(params.size() == parameters_.size() && z.dim() == dim_ && g.dim() == dim_);
  assert(grad.empty() || grad.size() == parameters_.size());
  log_density_vjp_impl(params.data(), z, weight, g, grad.empty() ? nullptr : grad.data());
}

template <class T>
void Base<T>::initialise(const RandomStream& stream, std::span<T> params) const {
  assert(params.size() == parameters_.size());
  if (!params.empty()) initialise_impl(stream, params.data());
}

template <class T>
std::unique_ptr<Base<T>> make_base(std::string_view text, std::size_t dim, InstructionSet set) {
  const auto chosen = choose(base_registry(), text, "base");
  return chosen.entry.template make<T>({dim, set, chosen.arguments});
}

template class Base<float>;
template class Base<double>;
template class Base<Dual>;
template std::unique_ptr<Base<float>> make_base(std::string_view, std::size_t, InstructionSet);
template std::unique_ptr<Base<double>> make_base(std::string_view, std::size_t, InstructionSet);
template std::unique_ptr<Base<Dual>> make_base(std::string_view, std::size_t, InstructionSet);

}  // namespace riffle
