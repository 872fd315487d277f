#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "riffle/trained_flow.h"

namespace riffle {

/// One cell of figure 3 of Rezende & Mohamed (2015): a flow of some length on a target.
struct Figure3Cell {
  std::string target;
  std::string flow;        ///< "planar", "radial", "nice-permutation" or "nice-orthogonal"
  std::size_t length = 0;  ///< K
  std::string layers;      ///< the flow as a spec has it
  std::uint64_t starts = 1;
  std::uint64_t patience = 1;  ///< iterations and steps of the annealing, times those of the spec

  bool operator==(const Figure3Cell&) const = default;
};

/// All cells, in the order of the figure.
std::vector<Figure3Cell> figure3_cells();

/// The name of the file with a row for each fit.
inline constexpr const char* figure3_table = "figure3.csv";

/// The name of a cell's model file.
std::string model_file(const Figure3Cell& cell);

/// The names of all files that only the folder of a figure has, whether or not each is there.
std::vector<std::string> figure3_files();

/// A cell and what came of its starts.
struct Figure3Fit {
  Figure3Cell cell;
  bool finished = false;   ///< every start is done; before that, what follows is of some of them
  std::uint64_t seed = 0;  ///< of the start that is kept
  double kl = 0;           ///< of that start; NaN where every start diverged
  double kl_se = 0;        ///< and of the ELBO
  double elbo = 0;
  bool injective = true;
  std::uint64_t diverged = 0;         ///< starts whose ELBO means nothing
  double seconds = 0;                 ///< of training, over all starts
  std::optional<TrainedFlow> flow{};  ///< nothing where every start diverged
};

}  // namespace riffle
