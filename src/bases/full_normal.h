#pragma once

#include "bases/base.h"

namespace riffle {

extern const BaseEntry full_normal_entry;

}  // namespace riffle
