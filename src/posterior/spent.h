#pragma once

#include <cstdint>
#include <string>

namespace riffle {

/// What was asked of a target, as a run has it that was stopped and resumed.
struct Spent {
  std::uint64_t evaluations = 0;
  std::uint64_t failed_evaluations = 0;
  std::string first_failure;
  double seconds_in_target = 0;  ///< of all threads together
  double seconds = 0;            ///< all in all; of a checkpoint, which has its own, 0
};

}  // namespace riffle
