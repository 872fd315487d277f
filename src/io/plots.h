#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace riffle {

/// A density on the square [-limit, limit]²: n × n values at the centres of equal cells, row by row
/// from the lowest y, each row from the lowest x.
struct DensityGrid {
  std::size_t n = 0;
  std::vector<double> values;
};

/// Draws of the flow while it learns.
struct SampleFrame {
  std::uint64_t iteration = 0;
  std::vector<double> x;
  std::vector<double> y;
};

/// A regular mesh of the base after some layers: n × n nodes, row by row.
struct MeshFrame {
  std::size_t layers = 0;  ///< how many layers it has gone through; 0 is the mesh itself
  std::size_t n = 0;
  std::vector<double> x;
  std::vector<double> y;
};

/// Everything the pictures of one run show. What is empty is not drawn.
struct PlotData {
  std::string target;                         ///< name, for titles
  std::string flow;                           ///< such as "planar:16"
  std::size_t flow_length = 0;                ///< number of layers
  double limit = 7;                           ///< the axes of samples and densities are ±limit
  std::optional<DensityGrid> target_density;  ///< normalised where log Z is known
  std::optional<DensityGrid> learned_density;
  bool learned_from_draws = false;  ///< the map folds, so the density is a histogram of draws
  std::vector<SampleFrame> samples;
  std::vector<MeshFrame> meshes;
  std::vector<double> loss;  ///< one value every `loss_every` iterations
  std::uint64_t loss_every = 1;
  std::string loss_name;            ///< such as "bound" or "free energy", for the axis
  std::optional<double> best_loss;  ///< the value of a perfect fit, where log Z is known
  double best_loss_from = 0;        ///< the iteration from which on it is
};

/// What was written, relative to the folder, and what could not be.
struct PlotReport {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> warnings;
};

/// Draws the pictures with gnuplot into `folder`, as PNG and as SVG:
///   distributions/density       the target, as the tutorial draws it
///   samples/flow_result_{i}     draws at iteration i, as the tutorial draws them
///   densities                   target and learned density side by side, on one colour scale
///   loss                        the objective, with its smoothed line and the best possible value
///   layers                      the path of a mesh through the layers
///   learning.gif                draws while the flow learns, animated
/// Where gnuplot is missing or fails, nothing is thrown: a warning says what to install or what
/// gnuplot said; no picture is ever left half-drawn. Numbers that are not finite are left out.
/// Throws Error{cannot_create} where the folder cannot be written, Error{io} where writing fails
/// half way.
PlotReport write_plots(const PlotData& data, const std::filesystem::path& folder);

}  // namespace riffle
