#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "io/plots.h"
#include "riffle/trained_flow.h"
#include "targets/density.h"

namespace riffle {

// Densities on the square [-limit, limit]², cells × cells values.

/// exp(log p - log Z) at the cell centres; where log Z is unknown, scaled to integrate to 1 over
/// the square.
DensityGrid target_grid(const Density<double>& target, std::optional<double> log_z, double limit,
                        std::size_t cells);
/// The same for a built-in target with its defaults.
DensityGrid built_in_grid(std::string_view name, double limit, std::size_t cells);
/// exp(log q) at the cell centres.
DensityGrid learned_grid(const TrainedFlow& flow, double limit, std::size_t cells);
/// The density of points, each x and y, counted in squares of `cells_wide` cells a side.
DensityGrid histogram_grid(std::span<const double> points, std::size_t cells_wide, double limit,
                           std::size_t cells);

}  // namespace riffle
