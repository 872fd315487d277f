#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "riffle/fit.h"
#include "riffle/spec.h"

namespace riffle {

/// One cell of figure 3 of Rezende & Mohamed (2015): a flow of some length on a target.
struct Figure3Cell {
  std::string target;
  std::string flow;        ///< "planar", "radial", "nice-permutation" or "nice-orthogonal"
  std::size_t length = 0;  ///< K
  std::string layers;      ///< the flow as a spec has it
  std::uint64_t starts = 1;
  std::uint64_t seed = 0;  ///< of the start that was kept: the one with the highest ELBO
  double kl = 0;
  double kl_se = 0;
  double elbo = 0;
  double seconds = 0;  ///< of training, over all starts
  bool injective = true;
};

struct Figure3Callbacks {
  std::function<void(const Figure3Cell&)> on_cell;  ///< from any thread, one at a time
  const std::atomic<bool>* stop = nullptr;
};

struct Figure3Outcome {
  std::vector<Figure3Cell> cells;  ///< those that were finished, in the order of the figure
  std::vector<std::filesystem::path> pictures;
  std::vector<std::string> warnings;
  bool interrupted = false;
};

/// Fits every cell by `spec`, whose target, flow and seed are each cell's own, several at a time
/// over spec.run.threads (0: all cores), and writes figure3.csv, the trained flows and, where
/// spec.run.plots is set, the pictures into `folder`, which must be new or empty unless
/// spec.run.force is set. The figures do not depend on the number of threads.
Figure3Outcome fit_figure3(const Spec& spec, const std::filesystem::path& folder,
                           const Figure3Callbacks& callbacks);

}  // namespace riffle
