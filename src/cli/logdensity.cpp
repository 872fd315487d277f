#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/say.h"
#include "io/csv.h"
#include "run/score_points.h"

namespace riffle {

void add_logdensity(CommandLine& line) {
  struct Arguments {
    std::string folder;
    std::string points;
    std::string columns;
    std::string file;
    bool unconstrained = false;
    bool log_p = false;
  };
  auto a = std::make_shared<Arguments>();
  auto& logdensity = line.add("logdensity", "ln q of a trained flow at given points");
  logdensity.option("DIR", a->folder, "folder of a run, or a model file (.riffle)").required();
  logdensity.option("POINTS", a->points, "file of points: a table, or .npy of NumPy").required();
  logdensity.option("--columns", a->columns, "a,b,c: the columns that are looked at [all]");
  logdensity.flag("--log-p", a->log_p, "a column lp__ too: ln p, by the run's target");
  logdensity.flag("--unconstrained", a->unconstrained,
                  "of a posterior: points are the flow's own coordinates, z.1 ... z.D");
  logdensity.option("-o", a->file, "file to write [standard output]");
  logdensity.footer(
      "Writes CSV with a row for each point: lp_approx__, ln q, normalised, by the inverse of the\n"
      "flow, and percentile, the share of 10,000 draws of the flow that are less likely.\n"
      "Columns are found by their names where points and flow have some: those of the points that\n"
      "were fitted, or of a posterior's parameters, as in its draws.csv; a table without names, "
      "and\n"
      "a .npy file, are taken in order. Columns whose names end in __ are no coordinates.");
  logdensity.does([a] {
    std::vector<std::string> warnings;
    const ScoreRequest request{
        a->folder, a->points,
        a->columns.empty() ? std::vector<std::string>() : split_csv_line(a->columns),
        a->unconstrained ? Coordinates::unconstrained : Coordinates::parameters, a->log_p};
    score_points(request, a->file, warnings);
    for (const auto& warning : warnings) complain("warning: {}\n", warning);
    return 0;
  });
}

}  // namespace riffle
