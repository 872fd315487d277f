#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "riffle/fit.h"
#include "riffle/spec.h"

// The fields of a run's report, each described once: summary.json and diagnose.json are written and
// read, and documented (docs/summary.md), by the same table. A new figure of PosteriorReport or
// FitFigures is a line of it.

namespace riffle {

/// Which reports have a field.
enum class FieldOf {
  all,
  variational,  ///< of a fit to a target, points aside
  likelihood,   ///< of a fit to points
  posterior     ///< of a fit that judges itself
};
template <>
struct ChoiceNames<FieldOf> {
  static constexpr std::string_view kind = "kind of report";
  static constexpr std::array<std::string_view, 4> all{"all", "variational", "likelihood",
                                                       "posterior"};
};

struct ReportField {
  std::string_view name;
  FieldOf of = FieldOf::all;
  std::string_view unit;  ///< empty of words, counts and shares
  std::string meaning;
  bool diagnosed = false;  ///< whether diagnose.json has it, too
};

/// All, in the order of the file.
std::vector<ReportField> report_fields();

/// The table of docs/summary.md, in Markdown.
std::string report_fields_table();

/// What a report is of, besides its figures.
struct ReportSource {
  const Spec* spec;  ///< null of a diagnosis, which has the fields that are `diagnosed` alone
  const TrainedFlow::Definition& flow;
  std::uint64_t seed;
  const FitFigures& fit;
};

nlohmann::ordered_json json_of(const ReportSource& source);

/// What a summary says: all figures, but nothing of single draws.
struct Summary {
  FitFigures fit;
  std::string flow;  ///< its layers
};

/// The counterpart of json_of. Throws std::exception where a field is missing or of another type.
Summary summary_of(const nlohmann::ordered_json& json);

/// A figure of a posterior for the screen.
struct ShownFigure {
  std::string_view name;
  std::string_view label;
  double value = 0;
  double error = 0;  ///< NaN where it has none
};

/// Those that have a label, in order.
std::vector<ShownFigure> shown_figures(const PosteriorReport& report);

}  // namespace riffle
