// What stands before a file of maths (NAME.inc) where a .cpp includes it, for editors that open it
// alone; .clangd names it. The settings of a layer, base or target are in its .cpp, and not known
// here.
#pragma once

#include <array>
#include <cmath>
#include <numbers>

#include "bases/base_kernels.h"
#include "flows/interface/kernel_layer.h"
#include "inference/objective_kernels.h"
#include "inference/optimizer_kernels.h"
#include "lanes/scalar.h"
#include "targets/target_kernels.h"

#define RIFFLE_INLINE inline
namespace riffle {
#include "flows/interface/prelude.inc"
}  // namespace riffle
using namespace riffle;
