#include "targets/target_registry.h"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <string>

#include "riffle/error.h"
#include "targets/banana.h"
#include "targets/eight_schools.h"
#include "targets/funnel.h"
#include "targets/gaussian.h"
#include "targets/gmm40.h"
#include "targets/ill_conditioned.h"
#include "targets/logistic.h"
#include "targets/many_well.h"
#include "targets/rings.h"
#include "targets/student_t_mixture.h"
#include "targets/waves.h"

namespace riffle {

std::span<const TargetEntry> target_registry() {
  static const std::array registry{
      crescents_entry,
      u1_entry,
      u2_entry,
      u3_entry,
      u4_entry,
      u2_improper_entry,
      u3_improper_entry,
      u4_improper_entry,
      gaussian_entry,
      funnel_entry,
      banana_entry,
      many_well_entry,
      gmm40_entry,
      gmm40_jax_entry,
      student_t_mixture_entry,
      ill_conditioned_entry,
      eight_schools_entry,
      eight_schools_noncentered_entry,
      logistic_entry,
  };
  return registry;
}

double TargetOptions::positive(std::string_view name) const {
  const double value = number(name);
  if (!(value > 0)) {
    throw Error(ErrorKind::usage,
                fmt::format("target.{} is {}, but must be positive", name, value));
  }
  return value;
}

std::optional<double> log_z_of_normalised(const TargetOptions&) {
  return 0.0;
}

TargetOptions default_options(const TargetEntry& entry, InstructionSet set) {
  TargetOptions options{entry.default_dim, {}, set, {}};
  for (const auto& option : entry.options) {
    options.numbers.emplace(std::string(option.name), option.value);
  }
  return options;
}

template <class T>
void Density<T>::evaluate(Tile<const T> z, T* log_density, Tile<T> gradient) const {
  assert(z.dim() == dim_ && gradient.dim() == dim_ && z.count() == gradient.count());
  evaluate_impl(z, log_density, gradient);
}

template class Density<float>;
template class Density<double>;
template class Density<Dual>;

}  // namespace riffle
