#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "calibration/calibration_report.h"

namespace riffle {

/// Draws calibration.png and calibration.svg: for up to twelve quantities, those with the smallest
/// p first, the ranks' distribution function less the uniform one, with its simultaneous band.
/// Returns warnings, such as that gnuplot is missing.
std::vector<std::string> draw_calibration(const CalibrationReport& report,
                                          const std::filesystem::path& folder);

}  // namespace riffle
