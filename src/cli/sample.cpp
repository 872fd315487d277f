#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "run/run_folder.h"

namespace riffle {

void add_sample(CommandLine& line) {
  struct Arguments {
    std::string folder;
    std::string n;
    std::string seed = "1";
    std::string file;
    bool unconstrained = false;
  };
  auto a = std::make_shared<Arguments>();
  auto& sample = line.add("sample", "draw from a trained flow, as CSV");
  sample.option("DIR", a->folder, "folder of a run, or a model file (.riffle)").required();
  sample.option("-n", a->n, "how many draws").required();
  sample.option("--seed", a->seed, "seed of the draws [1]");
  sample.option("-o", a->file, "file to write [standard output]");
  sample.flag("--unconstrained", a->unconstrained,
              "of a posterior: the flow's own coordinates; the target is not needed");
  sample.footer(
      "Columns: lp_approx__ (ln q of the draw, exact) and z.1 ... z.D; of a posterior those of "
      "its\n"
      "draws.csv, where lp__ is ln p and parameters are on their own scale.");
  sample.does([a] {
    std::vector<std::string> warnings;
    sample_folder(a->folder, whole_number("-n", a->n), whole_number("--seed", a->seed),
                  a->unconstrained ? Coordinates::unconstrained : Coordinates::parameters, a->file,
                  warnings);
    for (const auto& warning : warnings) complain("warning: {}\n", warning);
    return 0;
  });
}

}  // namespace riffle
