#pragma once

#include "bases/base.h"

namespace riffle {

extern const BaseEntry diagonal_normal_entry;

}  // namespace riffle
