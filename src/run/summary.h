#pragma once

#include <string>

#include "riffle/fit.h"

namespace riffle {

/// The text of summary.json. Figures that are unknown or not finite are null.
std::string summary_json(const Spec& spec, const FitReport& report);

}  // namespace riffle
