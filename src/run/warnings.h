#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/expression.h"
#include "riffle/fit.h"

namespace riffle {

/// Appends to the report's warnings what its figures give cause for. `blame` counts the draws that
/// were left out in training, by the layers of `flow`, and last by the target.
void add_warnings(FitReport& report, std::span<const std::uint64_t> blame,
                  std::span<const Expression> flow, bool improper, double final_beta);

/// Where some of `draws` have generated quantities that are NaN.
void add_generation_warning(std::vector<std::string>& warnings, const TargetFailures& failures,
                            std::uint64_t draws);
/// The same where threads were asked for and a target may be used from one alone.
void warn_of_one_thread(FitReport& report, const Spec& spec, const Target& target);

}  // namespace riffle
