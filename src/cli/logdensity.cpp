#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/say.h"
#include "run/run_folder.h"

namespace riffle {

Command add_logdensity(CLI::App& app) {
  struct Arguments {
    std::string folder;
    std::string points;
    std::string file;
  };
  auto a = std::make_shared<Arguments>();
  auto* logdensity = app.add_subcommand("logdensity", "ln q of a trained flow at given points");
  logdensity->add_option("DIR", a->folder, "folder of a run, or a model file (.riffle)")
      ->required();
  logdensity->add_option("POINTS", a->points, "file of points: CSV, or .npy of NumPy")->required();
  logdensity->add_option("-o", a->file, "file to write [standard output]");
  logdensity->footer(
      "Writes CSV: one column lp_approx__, ln q of each point, normalised, by the inverse of the "
      "flow.\n"
      "CSV to read has one point in each row, below a line of names or none; columns whose names\n"
      "end in __ are skipped, so that a draws.csv can be given as it is. A .npy file holds float64 "
      "or\n"
      "float32, [n][D], or [n] where D = 1.");
  return {logdensity, [a] {
            const auto without = log_density_folder(a->folder, a->points, a->file);
            if (without > 0) {
              complain("warning: ln q of {} points is not finite\n", without);
            }
            return 0;
          }};
}

}  // namespace riffle
