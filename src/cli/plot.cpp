#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/say.h"
#include "figure3/figure3_folder.h"
#include "run/plot_folder.h"
#include "run/run_folder.h"

namespace riffle {

void add_plot(CommandLine& line) {
  struct Arguments {
    std::string folder;
    std::vector<std::string> parameters;
  };
  auto a = std::make_shared<Arguments>();
  auto& plot = line.add("plot", "draw the pictures of a run (again)");
  plot.option("DIR", a->folder, "folder of a run").required();
  plot.option(
          "--parameters", a->parameters,
          "what a posterior's page shows: a,b,c; of an array theta: theta, theta.3 or 'theta.*'")
      .delimiter(',');
  plot.footer("Needs gnuplot (Debian and Ubuntu: the package gnuplot-nox).");
  plot.does([a] {
    const auto plotted = is_figure3(a->folder) ? plot_figure3(a->folder, a->parameters)
                                               : plot_folder(a->folder, a->parameters);
    for (const auto& picture : plotted.files) {
      say("{}\n", (std::filesystem::path(a->folder) / picture).string());
    }
    for (const auto& warning : plotted.warnings) {
      complain("warning: {}\n", warning);
    }
    return 0;
  });
}

}  // namespace riffle
