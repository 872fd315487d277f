#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "calibration/rank_tests.h"

namespace riffle {

/// One quantity: a parameter, what is computed of them, log_density or log_likelihood.
struct QuantityCalibration {
  std::string name;
  RankTests reliable;     ///< of the fits that were not called unreliable
  RankTests all;          ///< of all that ended
  double adjusted_p = 1;  ///< of `reliable`, times the number of quantities (Bonferroni)
};

enum class Calibration { calibrated, not_calibrated, cannot_tell };

struct CalibrationReport {
  std::size_t simulations = 0;
  std::size_t failed = 0;
  std::size_t unreliable = 0;
  std::vector<QuantityCalibration> quantities;
  Calibration verdict = Calibration::cannot_tell;      ///< of the fits that are not unreliable
  Calibration verdict_all = Calibration::cannot_tell;  ///< of all
  std::vector<std::string> reasons;
  /// What would be found with 90 %: a bias in posterior sds, and a relative error of the width.
  double detectable_bias = 0;
  double detectable_width = 0;
  double log_z_mean = 0;  ///< of all that ended; NaN where none has an evidence
  double log_z_mean_se = 0;
  double log_z_error_mean = 0;  ///< of the errors that the fits report
  EcdfBand::Limits band;        ///< of `reliable`, at the level that all quantities together keep
};

/// The chance of a wrong alarm, over all quantities and tests together, is at most this.
inline constexpr double wrong_alarm = 0.05;
/// With fewer reliable fits nothing is said.
inline constexpr std::size_t least_fits = 100;

/// Of the rows of a batch that was simulated, each with its "ranks" where it did not fail.
CalibrationReport calibration_report(std::span<const nlohmann::ordered_json> rows);

/// A row a simulation: number, status, verdict, log_z, log_z_se, a rank for each quantity.
std::string ranks_table(std::span<const nlohmann::ordered_json> rows);

nlohmann::ordered_json json_of(const CalibrationReport& report);
std::string name_of(Calibration verdict);

}  // namespace riffle
