#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "figure3/figure3_cells.h"
#include "pictures/plots.h"
#include "riffle/spec.h"

namespace riffle {

/// How far a figure has come.
struct Figure3State {
  std::vector<Figure3Fit> fits;  ///< one for each cell
  double seconds = 0;            ///< wall-clock, over all parts of a run that was resumed
};

/// Names the fits of which every start diverged, where there are some.
std::vector<std::string> figure3_warnings(const Figure3State& state);

/// The text of a figure's summary.json: its settings and the finished fits. `spec_text` is what its
/// spec.toml holds.
std::string figure3_summary(const Spec& spec, std::string_view spec_text, const Figure3State& state,
                            StopReason stop_reason, std::uint64_t threads);

/// The text of figure3.csv.
std::string figure3_csv(const Figure3State& state);

/// What the summary and the models in a folder tell; without a summary, cells of which none is
/// finished. A fit whose model is gone is not finished. Throws Error{data} where spec.toml is not
/// what it was, or a file is damaged.
Figure3State read_figure3(const std::filesystem::path& folder);

/// Removes what only the folder of a figure has, before another run takes its place; nothing where
/// there is no table of a figure.
void remove_figure3(const std::filesystem::path& folder);

/// Draws the pictures of a figure's folder again. Throws as plot_folder does.
PlotReport plot_figure3(const std::filesystem::path& folder,
                        const std::vector<std::string>& parameters);

/// Draws the pictures of the finished fits into the folder.
PlotReport draw_figure3(const Figure3State& state, const std::filesystem::path& folder);

}  // namespace riffle
