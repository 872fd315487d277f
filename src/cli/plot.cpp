#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/say.h"
#include "run/plot_folder.h"

namespace riffle {

Command add_plot(CLI::App& app) {
  auto folder = std::make_shared<std::string>();
  auto* plot = app.add_subcommand("plot", "draw the pictures of a run (again)");
  plot->add_option("DIR", *folder, "folder of a run")->required();
  plot->footer("Needs gnuplot (Debian and Ubuntu: the package gnuplot-nox).");
  return {plot, [folder] {
            const auto plotted = plot_folder(*folder);
            for (const auto& picture : plotted.files) {
              say("{}\n", (std::filesystem::path(*folder) / picture).string());
            }
            for (const auto& warning : plotted.warnings) {
              complain("warning: {}\n", warning);
            }
            return 0;
          }};
}

}  // namespace riffle
