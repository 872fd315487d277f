#pragma once

#include "bases/base.h"

namespace riffle {

extern const BaseEntry student_t_entry;

}  // namespace riffle
