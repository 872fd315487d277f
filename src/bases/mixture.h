#pragma once

#include "bases/base.h"

namespace riffle {

extern const BaseEntry mixture_entry;

}  // namespace riffle
