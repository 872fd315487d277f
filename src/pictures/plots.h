#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace riffle {

/// A rectangle of the plane.
struct Frame {
  double x_low = -7;
  double x_high = 7;
  double y_low = -7;
  double y_high = 7;

  /// [-limit, limit]²
  static Frame square(double limit) { return {-limit, limit, -limit, limit}; }
};

/// A density on a frame: n × n values at the centres of equal cells, row by row from the lowest y,
/// each row from the lowest x.
struct DensityGrid {
  std::size_t n = 0;
  std::vector<double> values;
};

/// Densities on the line from `low` to `high`: values at the centres of equal cells, each as many
/// as it likes; those of bars count points. What is empty is not drawn.
struct DensityLines {
  double low = 0;
  double high = 0;
  std::vector<double> target;
  std::vector<double> target_bars;
  std::vector<double> learned;
  std::vector<double> learned_bars;
};

/// Points beside draws, in some coordinates, row-major.
struct PairsData {
  std::size_t dim = 0;  ///< coordinates there are in all
  std::vector<std::string> names;
  std::vector<double> points;
  std::vector<double> draws;
};

/// Draws of the flow while it learns.
struct SampleFrame {
  std::uint64_t iteration = 0;
  std::vector<double> x;
  std::vector<double> y;
};

/// A line of a mesh: where its points were on the base, whose edges are at ±1, and where they are.
struct MeshLine {
  bool is_row = true;
  double across = 0;          ///< the coordinate on the base that all its points have
  std::vector<double> along;  ///< the other one, ascending
  std::vector<double> x;
  std::vector<double> y;
};

/// A mesh over the base after some layers.
struct MeshFrame {
  std::size_t layers = 0;  ///< how many layers it has gone through; 0 is the mesh itself
  Frame frame;             ///< of nearly all of the mass
  std::vector<MeshLine> lines;
};

/// Everything the pictures of one run show. What is empty is not drawn.
struct PlotData {
  std::string target;                         ///< name, for titles
  std::string flow;                           ///< such as "planar:16"
  std::size_t flow_length = 0;                ///< number of layers
  std::vector<std::string> axes;              ///< names of the coordinates; empty: z₁, z₂
  Frame frame;                                ///< of samples and densities
  std::optional<DensityGrid> target_density;  ///< normalised where log Z is known
  std::optional<DensityGrid> learned_density;
  bool target_from_points = false;    ///< which are given, so that the target is their histogram
  bool learned_from_draws = false;    ///< the map folds, so the density is a histogram of draws
  std::optional<DensityLines> lines;  ///< of one dimension
  std::optional<PairsData> pairs;     ///< of more than two
  std::vector<SampleFrame> samples;
  std::uint64_t samples_every = 0;  ///< those at multiples of it are pictures, too; 0: none is
  std::vector<MeshFrame> meshes;
  std::vector<double> loss;  ///< one value every `loss_every` iterations
  std::uint64_t loss_every = 1;
  /// The loss on points held out, which chose the parameters: pairs of iteration and value.
  std::vector<double> held_out_loss;
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
///   distributions/density       the target, as the tutorial draws it; where samples are pictures
///   samples/flow_result_{i}     draws at iteration i, as the tutorial draws them
///   densities                   target and learned density side by side, on one colour scale; of
///                               one dimension as curves or bars
///   pairs                       points and draws, coordinate by coordinate and pair by pair
///   loss                        the objective, with its smoothed line and the best possible value
///   layers                      the path of a mesh through the layers
///   learning.gif                draws while the flow learns, animated, ever more slowly
/// Where gnuplot is missing or fails, nothing is thrown: a warning says what to install or what
/// gnuplot said; no picture is ever left half-drawn. Numbers that are not finite are left out.
/// Throws Error{cannot_create} where the folder cannot be written, Error{io} where writing fails
/// half way.
PlotReport write_plots(const PlotData& data, const std::filesystem::path& folder);

}  // namespace riffle
