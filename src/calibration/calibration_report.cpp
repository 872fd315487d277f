#include "calibration/calibration_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "diagnostics/quantile_functions.h"
#include "io/csv.h"
#include "run/summary_json.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

bool is_unreliable(const Json& row) {
  return row.contains("report") && row["report"].value("verdict", Json()) == "unreliable";
}

std::vector<std::string> quantity_names(std::span<const Json> rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) {
    if (!row.contains("ranks")) continue;
    for (const auto& [name, rank] : row["ranks"].items()) names.push_back(name);
    break;
  }
  return names;
}

Json json_of(const RankTests& tests) {
  Json coverage;
  for (std::size_t i = 0; i < coverage_levels.size(); ++i) {
    coverage[fmt::format("{}", coverage_levels[i])] = number(tests.coverage[i]);
  }
  return {{"fits", tests.count},
          {"p", number(tests.p())},
          {"ecdf_p", number(tests.ecdf_p)},
          {"bias", number(tests.bias)},
          {"bias_p", number(tests.bias_p)},
          {"width", number(tests.width)},
          {"width_p", number(tests.width_p)},
          {"coverage", std::move(coverage)},
          {"in_bins", tests.in_bins}};
}

void tell(CalibrationReport& r) {
  const double many = static_cast<double>(std::max<std::size_t>(1, r.quantities.size()));
  bool wrong_all = false;
  for (const auto& q : r.quantities) {
    wrong_all = wrong_all || many * q.all.p() < wrong_alarm;
    if (q.adjusted_p >= wrong_alarm) continue;
    const auto& t = q.reliable;
    if (3 * many * t.width_p < wrong_alarm) {
      r.reasons.push_back(fmt::format("{}: too {} by {:.1f} % (p = {:.1g})", q.name,
                                      t.width < 1 ? "narrow" : "wide", 100 * std::abs(t.width - 1),
                                      q.adjusted_p));
    } else if (3 * many * t.bias_p < wrong_alarm) {
      r.reasons.push_back(fmt::format("{}: too {} by {:.2f} sd (p = {:.1g})", q.name,
                                      t.bias > 0 ? "low" : "high", std::abs(t.bias), q.adjusted_p));
    } else {
      r.reasons.push_back(
          fmt::format("{}: ranks leave the band (p = {:.1g})", q.name, q.adjusted_p));
    }
  }
  const auto reliable = r.simulations - r.failed - r.unreliable;
  const bool enough = reliable >= least_fits;
  const bool enough_all = r.simulations - r.failed >= least_fits;
  r.verdict_all = !enough_all ? Calibration::cannot_tell
                  : wrong_all ? Calibration::not_calibrated
                              : Calibration::calibrated;
  if (!enough) {
    r.reasons.insert(r.reasons.begin(), fmt::format("{} fits that are not unreliable are fewer "
                                                    "than {}",
                                                    reliable, least_fits));
  } else {
    r.verdict = r.reasons.empty() ? Calibration::calibrated : Calibration::not_calibrated;
    if (r.reasons.empty()) r.reasons.emplace_back("all ranks are as uniform ones are");
  }
}

}  // namespace

std::string name_of(Calibration verdict) {
  return verdict == Calibration::calibrated       ? "calibrated"
         : verdict == Calibration::not_calibrated ? "not calibrated"
                                                  : "cannot tell";
}

CalibrationReport calibration_report(std::span<const Json> rows) {
  CalibrationReport r;
  r.simulations = rows.size();
  std::vector<double> evidences;
  double errors = 0;
  for (const auto& row : rows) {
    r.failed += row.contains("ranks") ? 0 : 1;
    r.unreliable += row.contains("ranks") && is_unreliable(row) ? 1 : 0;
    if (!row.contains("ranks") || !row["report"].contains("log_z")) continue;
    const double z = number_of(row["report"]["log_z"]);
    if (!std::isfinite(z)) continue;
    evidences.push_back(z);
    errors += number_of(row["report"].value("log_z_se", Json()));
  }
  const auto names = quantity_names(rows);
  const auto ended = r.simulations - r.failed;
  const auto reliable = ended - r.unreliable;
  std::optional<EcdfBand> band_all;
  std::optional<EcdfBand> band;
  if (ended > 0) band_all.emplace(ended, rank_bins);
  if (reliable > 0) band.emplace(reliable, rank_bins);
  const double many = static_cast<double>(std::max<std::size_t>(1, names.size()));
  for (const auto& name : names) {
    std::vector<std::size_t> ranks;
    std::vector<std::size_t> all;
    for (const auto& row : rows) {
      if (!row.contains("ranks")) continue;
      all.push_back(row["ranks"].at(name).get<std::size_t>());
      if (!is_unreliable(row)) ranks.push_back(all.back());
    }
    QuantityCalibration q{name, {}, {}, 1};
    if (band_all) q.all = test_ranks(all, *band_all);
    if (band) q.reliable = test_ranks(ranks, *band);
    q.adjusted_p = std::min(1.0, many * q.reliable.p());
    r.quantities.push_back(std::move(q));
  }
  if (band) r.band = band->limits(1 - wrong_alarm / (3 * many));
  const double reach = -normal_quantile(wrong_alarm / (6 * many)) + normal_quantile(0.9);
  const double n = static_cast<double>(reliable);
  r.detectable_bias = reach / std::sqrt(n);
  r.detectable_width = reach / std::sqrt(2 * n);
  const double m = static_cast<double>(evidences.size());
  r.log_z_mean = r.log_z_mean_se = r.log_z_error_mean = std::numeric_limits<double>::quiet_NaN();
  if (m > 1) {
    double sum = 0;
    for (const double z : evidences) sum += z;
    r.log_z_mean = sum / m;
    double squares = 0;
    for (const double z : evidences) squares += (z - r.log_z_mean) * (z - r.log_z_mean);
    r.log_z_mean_se = std::sqrt(squares / (m - 1) / m);
    r.log_z_error_mean = errors / m;
  }
  tell(r);
  return r;
}

std::string ranks_table(std::span<const Json> rows) {
  const auto names = quantity_names(rows);
  std::vector<std::string> header{"number", "status", "verdict", "log_z", "log_z_se"};
  header.insert(header.end(), names.begin(), names.end());
  CsvText csv(header);
  for (const auto& row : rows) {
    csv.add(row.at("number").get<std::uint64_t>());
    csv.add(std::string_view(row.at("status").get_ref<const std::string&>()));
    const auto report = row.value("report", Json::object());
    csv.add(std::string_view(report.value("verdict", std::string())));
    for (const auto* name : {"log_z", "log_z_se"}) {
      const auto value = report.value(name, Json());
      if (value.is_number()) {
        csv.add(value.get<double>());
      } else {
        csv.add(std::string_view());
      }
    }
    for (const auto& name : names) {
      if (row.contains("ranks")) {
        csv.add(row["ranks"].at(name).get<std::uint64_t>());
      } else {
        csv.add(std::string_view());
      }
    }
    csv.end_row();
  }
  return csv.take();
}

Json json_of(const CalibrationReport& r) {
  Json quantities;
  for (const auto& q : r.quantities) {
    quantities[q.name] = {{"adjusted_p", number(q.adjusted_p)},
                          {"reliable", json_of(q.reliable)},
                          {"all", json_of(q.all)}};
  }
  return {{"simulations", r.simulations},
          {"failed", r.failed},
          {"unreliable", r.unreliable},
          {"verdict", name_of(r.verdict)},
          {"verdict_reasons", r.reasons},
          {"verdict_all", name_of(r.verdict_all)},
          {"detectable_bias", number(r.detectable_bias)},
          {"detectable_width", number(r.detectable_width)},
          {"log_z_mean", number(r.log_z_mean)},
          {"log_z_mean_se", number(r.log_z_mean_se)},
          {"log_z_error_mean", number(r.log_z_error_mean)},
          {"quantities", std::move(quantities)}};
}

}  // namespace riffle
