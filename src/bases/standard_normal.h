#pragma once

#include "bases/base.h"

namespace riffle {

extern const BaseEntry standard_normal_entry;

}  // namespace riffle
