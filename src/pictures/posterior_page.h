#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "diagnostics/verdict.h"
#include "pictures/plots.h"

namespace riffle {

/// What the picture of a posterior shows. What is empty is not drawn.
struct PosteriorPage {
  /// The bound as a fit went on.
  struct Bound {
    double gradients = 0;  ///< evaluated so far
    double elbo = 0;
    std::string stage;  ///< in which it was measured; those of one stage follow each other
  };

  std::string title;               ///< such as the name of the model
  std::optional<Grade> grade;      ///< shown as a coloured label
  std::vector<std::string> lines;  ///< under the title, such as figures and reasons; three at most
  std::vector<std::string> names;  ///< of the parameters and of what is computed from them
  std::optional<std::size_t> parameter_count;  ///< of these, from the first on; all where not given
  std::vector<std::size_t> chosen;  ///< indices of those to show, eight at most; empty: found here
  std::vector<double> values;       ///< row-major [n][names], as drawn
  std::vector<double> log_weights;  ///< [n]; empty where the draws have none
  bool resampled = false;           ///< why they have none
  bool by_sampler = false;          ///< or why they never had any
  std::optional<double> log_z;      ///< a line in the panel of the bound
  std::vector<Bound> bound;
  std::vector<std::string> stage_header;         ///< of a small table
  std::vector<std::vector<std::string>> stages;  ///< its rows, as text; of many the first and last
};

/// Draws posterior.png and posterior.svg into `folder`:
///   marginals of at most eight quantities, as drawn and weighted: the model's own scalars, then
///   elements of its arrays, then what is computed from them; of one kind those that the weights
///   move most
///   the three pairs of parameters that depend on each other most, draws and weighted draws
///   weights in descending order, before and after Pareto smoothing
///   the bound against the gradients spent, and the stages as a table
/// Weights are smoothed; where none is positive, only the draws are shown. Numbers that are not
/// finite are left out. Missing or failing gnuplot gives a warning, as write_plots does, which also
/// says what is thrown.
PlotReport write_posterior_page(const PosteriorPage& page, const std::filesystem::path& folder);

}  // namespace riffle
