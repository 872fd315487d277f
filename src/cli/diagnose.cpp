#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/fit_posterior.h"
#include "cli/say.h"
#include "cli/wrapped.h"
#include "riffle/run.h"
#include "run/run_folder.h"

namespace riffle {

void add_diagnose(CommandLine& line) {
  struct Arguments {
    std::string folder;
    std::string draws;
    std::string seed;
    bool sampler = false;
    bool strict = false;
  };
  auto a = std::make_shared<Arguments>();
  auto& diagnose = line.add("diagnose", "judge the fit of a posterior again, by more draws");
  diagnose.option("DIR", a->folder, "folder of a run").required();
  diagnose.option("-n", a->draws, "how many draws [5 times those of the run]");
  diagnose.option("--seed", a->seed, "seed of the draws [that of the run]");
  diagnose.flag("--sampler", a->sampler,
                "hear chains of a sampler, too, that start from the flow's draws");
  diagnose.flag("--strict", a->strict, "exit code 65 where the verdict is unreliable");
  diagnose.footer(
      "Evidence, parameters and verdict from fresh draws, not those that the run was judged by;\n"
      "what its search for modes knew is taken from summary.json. Writes DIR/diagnose.json.\n"
      "Exit codes: 0 done, 64 usage, 65 unreliable (--strict) or damaged, 66 no run.");
  diagnose.does([a] {
    DiagnosisOptions options;
    if (!a->draws.empty()) options.draws = whole_number("-n", a->draws);
    if (!a->seed.empty()) options.seed = whole_number("--seed", a->seed);
    options.sampler = a->sampler;
    const auto diagnosis = diagnose_folder(a->folder, options);
    const auto& d = diagnosis.flow.definition();
    print_wrapped(
        "", fmt::format("{} on {} for {}, D = {}: {} fresh draws of seed {}", d.layers, d.base,
                        diagnosis.target, d.dim, diagnosis.posterior.draws, diagnosis.seed));
    show_posterior(diagnosis.posterior, a->folder);
    say("wrote {}\n", (std::filesystem::path(a->folder) / run_files::diagnosis).string());
    for (const auto& warning : diagnosis.warnings) {
      complain("warning: {}\n", warning);
    }
    return a->strict ? exit_code_of(diagnosis.posterior) : 0;
  });
}

}  // namespace riffle
