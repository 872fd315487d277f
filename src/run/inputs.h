#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "riffle/spec.h"

namespace riffle {

/// The files that a spec's target may be made of; empty where it names none, and `data` may be the
/// data themselves.
std::vector<std::string> input_paths(const Spec& spec);

/// Writes down, in inputs.json of a run's folder, what the files that its target is made of are
/// now: data or points, and the library. Nothing where there are none.
void write_inputs(const std::filesystem::path& folder, const Spec& spec);

/// Throws Error{usage} where one of the files is what a run in `folder` is made of: a new run there
/// would take its place.
void refuse_inputs_of_its_own(const std::filesystem::path& folder, const Spec& spec);

/// Compares the files with what was written down. Throws Error{data} where data have changed, for
/// then the target is another; adds to `warnings` where the library has, which may have been built
/// again. Files that are gone are not looked at, nor are those of runs without inputs.json.
void check_inputs(const std::filesystem::path& folder, const Spec& spec,
                  std::vector<std::string>& warnings);

}  // namespace riffle
