#include "cli/fit_figure3.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "core/figure_text.h"
#include "run/figure3.h"

namespace riffle {

int run_fit_figure3(const Spec& spec, const std::filesystem::path& folder,
                    const std::atomic<bool>& stop) {
  constexpr int interrupted_exit = 130;
  constexpr int all_cells = 48;
  const auto start = std::chrono::steady_clock::now();
  int done = 0;
  Figure3Callbacks callbacks;
  callbacks.stop = &stop;
  if (!spec.run.quiet) {
    callbacks.on_cell = [&](const Figure3Cell& cell) {
      fmt::print("{:2} of {}  {}  {:<16} K = {:<2}  KL {}  best of {}, {:.1f} s{}\n", ++done,
                 all_cells, cell.target, cell.flow, cell.length, figure_text(cell.kl, cell.kl_se),
                 cell.starts, cell.seconds, cell.injective ? "" : "  (not injective)");
      std::fflush(stdout);
    };
  }
  const auto outcome = fit_figure3(spec, folder, callbacks);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  for (const auto& warning : outcome.warnings) fmt::print(stderr, "warning: {}\n", warning);
  if (!spec.run.quiet) {
    fmt::print("{} fits in {:.1f} s; wrote {}\n", outcome.cells.size(), taken.count(),
               (folder / "figure3.csv").string());
    for (const auto& picture : outcome.pictures) {
      fmt::print("  {}\n", (folder / picture).string());
    }
  }
  if (!outcome.interrupted) return 0;
  fmt::print(stderr, "interrupted; figure3.csv holds the fits that were finished\n");
  return interrupted_exit;
}

}  // namespace riffle
