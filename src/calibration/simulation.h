#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "riffle/spec.h"

namespace riffle {

/// One draw of the prior, and the data that the model makes of it.
struct Simulation {
  std::vector<double> parameters;  ///< as Target::parameter_names() has them, parameters alone
  std::string data;                ///< JSON, in a line
};

/// What a Stan model's generated quantities simulate: NAME_sim of each parameter NAME is a draw of
/// its prior, NAME_sim of an entry NAME of the data takes that entry's place; further data stay.
/// They may use random numbers and data, but no parameters. The spec's data serve as a pattern.
/// Simulation i is the same whatever `count` is.
///
/// Throws Error{usage} for a spec without a Stan model, Error{data} where a parameter has no
/// simulation, none of the data has one, or shapes or values are not right.
std::vector<Simulation> simulate(const Spec& spec, std::size_t count);

/// The seed of the fit of a simulation: whole numbers after the spec's.
std::uint64_t seed_of_simulation(const Spec& spec, std::size_t number);

}  // namespace riffle
