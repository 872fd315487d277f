#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry student_t_mixture_entry;

}  // namespace riffle
