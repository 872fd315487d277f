#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pictures/axis_scale.h"
#include "pictures/plots.h"
#include "riffle/trained_flow.h"
#include "targets/density.h"

namespace riffle {

// Densities on a frame, cells × cells values.

/// exp(log p - log Z) at the cell centres; where log Z is unknown, scaled to integrate to 1 over
/// the frame.
DensityGrid target_grid(const Density<double>& target, std::optional<double> log_z,
                        const Frame& frame, std::size_t cells);
/// The same for a built-in target with its defaults.
DensityGrid built_in_grid(std::string_view name, const Frame& frame, std::size_t cells);
/// exp(log q) at the cell centres.
DensityGrid learned_grid(const TrainedFlow& flow, const Frame& frame, std::size_t cells);
/// The density of points, each x and y, counted in rectangles of `cells_wide` cells a side.
DensityGrid histogram_grid(std::span<const double> points, std::size_t cells_wide,
                           const Frame& frame, std::size_t cells);

// The same of one dimension, from `range.low` to `range.high`.

std::vector<double> target_line(const Density<double>& target, std::optional<double> log_z,
                                const Range& range, std::size_t cells);
std::vector<double> learned_line(const TrainedFlow& flow, const Range& range, std::size_t cells);
std::vector<double> histogram_line(std::span<const double> points, const Range& range,
                                   std::size_t cells);

// Frames.

/// What holds nearly all values of coordinate d of rows of `dim`, with a margin; nothing where none
/// is finite.
std::optional<Range> range_of(std::span<const double> rows, std::size_t dim, std::size_t d);
/// Both.
Range united(const Range& a, const Range& b);
/// For each of one or two coordinates, what holds nearly all of a density's mass, as far as it is
/// seen from where `start` is: looked for ever further out while there is some at the edge.
std::vector<Range> mass_ranges(const Density<double>& target, std::vector<Range> start);

}  // namespace riffle
