#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "riffle/target.h"

namespace riffle {

/// Where a fit begins to look for maxima, in unconstrained space.
struct InitialValues {
  double reach = 2;  ///< uniform on (-reach, reach)^D, where there are no starts
  std::vector<std::vector<double>> starts{};
};

/// What the key target.init says: nothing, a radius, or a JSON file of values by the parameters'
/// names, as CmdStan's init and Riffle's own inits_1.json are. Parameters that the file leaves out
/// are drawn, as CmdStan does, uniform on (-2, 2) in unconstrained space: there are then many
/// starts, and one otherwise. Throws Error{no_input} and Error{data} for a file that cannot be read
/// or does not go with the target, such as for a name that it does not have, and Error{usage} for a
/// radius that is none.
InitialValues initial_values(const std::string& init, const Target& target, std::uint64_t seed);

}  // namespace riffle
