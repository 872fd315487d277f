#pragma once

#include <memory>
#include <utility>

#include "core/instruction_set.h"
#include "targets/density.h"

namespace riffle {

/// ln(p + floor) for another density p: what the tutorial fits. Its gradient is that of ln p times
/// p/(p + floor), so far from the mass, where p vanishes, it is zero.
template <class T>
std::unique_ptr<Density<T>> with_log_floor(std::unique_ptr<Density<T>> density, double floor,
                                           InstructionSet set);

}  // namespace riffle
