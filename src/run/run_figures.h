#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "riffle/posterior.h"
#include "run/report_fields.h"

namespace riffle {

/// What a finished run says of its fit, read from its folder.
struct RunFigures : Summary {
  std::filesystem::path folder;
  /// Digest of the data that the target was made of; empty where there were no files.
  std::string data_digest;

  const std::optional<PosteriorReport>& posterior() const { return fit.posterior; }
  /// Of a fit to samples: of how many points log_likelihood is the mean.
  std::uint64_t points() const { return fit.held_out > 0 ? fit.held_out : fit.samples; }
};

/// Throws Error{no_input} where there is no run, Error{usage} where it is not finished or a figure
/// of many fits, and Error{data} where its summary is damaged.
RunFigures read_figures(const std::filesystem::path& folder);

/// The parameters of a finished run with their figures: those of summary.json, or, where the run is
/// of no posterior, of the columns of its draws.csv. Throws as read_figures does.
std::vector<PosteriorParameter> read_parameters(const std::filesystem::path& folder);

/// The evidences of runs against the highest of them, or, of fits to samples, their log
/// likelihoods.
struct Comparison {
  struct Row {
    RunFigures run;
    double value = 0;  ///< log Z, or mean ln q of a point
    double value_se = 0;
    double difference = 0;  ///< to the best; 0 of the best itself
    double difference_se = 0;
  };
  bool of_evidence = true;
  std::vector<Row> rows;  ///< the best first
  std::vector<std::string> warnings;
};

/// Compares two or more runs. Throws Error{usage} where they have nothing in common to be compared
/// by, and as read_figures does.
Comparison compare_runs(const std::vector<std::filesystem::path>& folders);

/// e^x of a difference in log Z as people read it: "2.4", "1.3e+05", "10^812".
std::string bayes_factor_text(double log_factor);

}  // namespace riffle
