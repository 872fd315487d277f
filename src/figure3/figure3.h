#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "figure3/figure3_cells.h"
#include "riffle/spec.h"

namespace riffle {

struct Figure3Callbacks {
  /// Of each cell that is finished; from any thread, one at a time.
  std::function<void(const Figure3Fit&, std::size_t finished, std::size_t all)> on_fit;
  const std::atomic<bool>* stop = nullptr;
};

/// Whether a start is kept rather than another: the one with the higher ELBO, where one that is NaN
/// is below all others, and of equals the one with the smaller seed. So what is kept does not
/// depend on the order in which starts end.
bool is_better_start(double elbo, std::uint64_t seed, double other_elbo, std::uint64_t other_seed);

/// Makes those of `fits` that are not finished, several starts at a time over `threads`, by `spec`,
/// whose target, flow and seed are each start's own. The same bits on any number of threads. On
/// a stop, what is not finished is left so, and has to be made from the start again.
void make_figure3_fits(const Spec& spec, std::span<Figure3Fit> fits, std::size_t threads,
                       const Figure3Callbacks& callbacks);

struct Figure3Outcome {
  std::size_t finished = 0;
  std::vector<std::filesystem::path> pictures;
  std::vector<std::string> warnings;
  bool interrupted = false;
};

/// Fits all cells by `spec` into `folder`, which must be new or empty unless spec.run.force is set:
/// spec.toml first, each model and the summary as soon as a cell is finished, and in the end
/// figure3.csv and, where spec.run.plots is set, the pictures.
Figure3Outcome fit_figure3(const Spec& spec, const std::filesystem::path& folder,
                           const Figure3Callbacks& callbacks);

/// Goes on with the figure in a folder: makes the fits that are not finished, and ends as if it had
/// not stopped. `change` may alter what does not change the bits (threads, plots, quiet). Throws
/// Error{usage} where the figure is complete, and as read_figure3 does.
Figure3Outcome resume_figure3(const std::filesystem::path& folder,
                              const std::function<void(Spec&)>& change,
                              const Figure3Callbacks& callbacks);

}  // namespace riffle
