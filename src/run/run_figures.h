#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "riffle/posterior.h"

namespace riffle {

/// What a finished run says of its fit, read from its folder.
struct RunFigures {
  std::filesystem::path folder;
  std::string target;
  std::string flow;
  StopReason stop_reason = StopReason::completed;
  double elbo = 0;  ///< NaN of a fit to samples
  double elbo_se = 0;
  /// Of a posterior: its evidence and the verdict.
  std::optional<double> log_z;
  double log_z_se = 0;
  bool keeps_constants = true;
  std::optional<Grade> verdict;
  /// Of a fit to samples: mean ln q of a point, and how many points it is the mean of.
  std::optional<double> log_likelihood;
  double log_likelihood_se = 0;
  std::uint64_t points = 0;
  /// Digest of the data that the target was made of; empty where there were no files.
  std::string data_digest;
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
