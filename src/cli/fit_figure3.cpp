#include "cli/fit_figure3.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "cli/say.h"
#include "core/figure_text.h"
#include "figure3/figure3.h"
#include "figure3/figure3_folder.h"
#include "io/output.h"

namespace riffle {
namespace {

constexpr int interrupted_exit = 130;

void show_fit(const Figure3Fit& fit, std::size_t finished, std::size_t all) {
  say("{:2} of {}  {}  {:<16} K = {:<2}  KL {}  best of {}, {:.1f} s{}\n", finished, all,
      fit.cell.target, fit.cell.flow, fit.cell.length, figure_text(fit.kl, fit.kl_se),
      fit.cell.starts, fit.seconds, fit.injective ? "" : "  (not injective)");
  std::fflush(standard_output());
}

/// What `make` does with callbacks is shown, unless it is to be quiet.
template <class Make>
int shown(const std::filesystem::path& folder, const bool& quiet, const std::atomic<bool>& stop,
          Make&& make) {
  const auto start = std::chrono::steady_clock::now();
  Figure3Callbacks callbacks;
  callbacks.stop = &stop;
  callbacks.on_fit = [&](const Figure3Fit& fit, std::size_t finished, std::size_t all) {
    if (!quiet) show_fit(fit, finished, all);
  };
  const Figure3Outcome outcome = make(callbacks);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  for (const auto& warning : outcome.warnings) complain("warning: {}\n", warning);
  if (!quiet) {
    say("{} fits in {:.1f} s; wrote {}\n", outcome.finished, taken.count(),
        (folder / figure3_table).string());
    for (const auto& picture : outcome.pictures) {
      say("  {}\n", (folder / picture).string());
    }
  }
  if (!outcome.interrupted) return 0;
  complain("interrupted; `riffle fit {} --resume` goes on\n", folder.string());
  return interrupted_exit;
}

}  // namespace

int run_fit_figure3(const Spec& spec, const std::filesystem::path& folder,
                    const std::atomic<bool>& stop) {
  return shown(folder, spec.run.quiet, stop, [&](const Figure3Callbacks& callbacks) {
    return fit_figure3(spec, folder, callbacks);
  });
}

int run_resume_figure3(const std::filesystem::path& folder,
                       const std::function<void(Spec&)>& change, const std::atomic<bool>& stop) {
  bool quiet = false;
  return shown(folder, quiet, stop, [&](const Figure3Callbacks& callbacks) {
    return resume_figure3(
        folder,
        [&](Spec& spec) {
          change(spec);
          quiet = spec.run.quiet;
        },
        callbacks);
  });
}

}  // namespace riffle
