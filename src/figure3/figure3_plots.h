#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "pictures/plots.h"

namespace riffle {

/// What the pictures of figure 3 show: targets in rows, flows and their lengths in columns.
struct Figure3Plots {
  struct Target {
    std::string name;
    DensityGrid density;
  };
  struct Cell {
    std::string target;
    std::string flow;
    std::size_t length = 0;
    double kl = 0;
    DensityGrid density;
  };
  double limit = 4;  ///< the axes of the densities are ±limit
  std::vector<Target> targets;
  std::vector<Cell> cells;
};

/// Draws figure3.png and .svg (the densities in a grid, each beside its target) and figure3-kl (KL
/// against the number of layers, a panel for each target). As write_plots, it warns where gnuplot
/// is missing.
PlotReport write_figure3(const Figure3Plots& plots, const std::filesystem::path& folder);

}  // namespace riffle
