#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/expression.h"
#include "riffle/fit.h"

namespace riffle {

/// Those of `counts` that are not 0, with names: they are of the layers of `flow`, and last of
/// `last`.
std::vector<Blame> blamed(std::span<const std::uint64_t> counts, std::span<const Expression> flow,
                          std::string_view last);

/// Appends to the report's warnings what its figures give cause for.
void add_warnings(FitReport& report, bool improper, double final_beta);

/// Where some of `draws` have generated quantities that are NaN.
void add_generation_warning(std::vector<std::string>& warnings, const TargetFailures& failures,
                            std::uint64_t draws);
/// Where some of `draws` have parameters that are NaN, or some parameter is NaN in all.
void add_missing_warning(std::vector<std::string>& warnings, const MissingValues& missing,
                         std::uint64_t draws);
/// The same where threads were asked for and a target may be used from one alone.
void warn_of_one_thread(FitReport& report, const Spec& spec, const Target& target);

}  // namespace riffle
