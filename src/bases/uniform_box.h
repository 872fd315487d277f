#pragma once

#include "bases/base.h"

namespace riffle {

extern const BaseEntry uniform_box_entry;

}  // namespace riffle
