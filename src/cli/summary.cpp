#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/fit_posterior.h"
#include "cli/parameter_table.h"
#include "cli/say.h"
#include "cli/wrapped.h"
#include "core/figure_text.h"
#include "diagnostics/parameter_selection.h"
#include "io/csv.h"
#include "io/output.h"
#include "run/run_figures.h"

namespace riffle {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

void write_csv(const std::vector<PosteriorParameter>& parameters, const std::string& file) {
  Output out(file);
  CsvText csv(std::vector<std::string>{"parameter", "mean", "sd", "mcse", "q5", "q50", "q95"});
  for (const auto& p : parameters) {
    csv.add(p.name);
    for (const double figure : {p.mean, p.sd, p.mcse, p.q5, p.q50, p.q95}) csv.add(figure);
    csv.end_row();
  }
  out.write(csv.text());
  out.commit();
}

void show(const RunFigures& run, const std::vector<PosteriorParameter>& parameters) {
  const auto& fit = run.fit;
  print_wrapped("", fmt::format("{}: {}, {}", fit.target, run.flow, name_of(fit.stop_reason)));
  if (const auto& p = fit.posterior) {
    show_figures(*p);
    say("verdict  {}\n", name_of(p->verdict));
  } else if (fit.log_likelihood) {
    say("ln q     {}   (mean over {} points)\n",
        figure_text(*fit.log_likelihood, fit.log_likelihood_se.value_or(unknown)), run.points());
  } else {
    say("ELBO     {}\n", figure_text(fit.elbo, fit.elbo_se));
  }
  say("\n");
  print_parameters(parameters);
}

}  // namespace

void add_summary(CommandLine& line) {
  struct Arguments {
    std::string folder;
    std::vector<std::string> names;
    bool csv = false;
    std::string file;
  };
  auto a = std::make_shared<Arguments>();
  auto& summary = line.add("summary", "table of a run's parameters, or of some of them");
  summary.option("DIR", a->folder, "folder of a run").required();
  summary.option("NAMES", a->names,
                 "parameters: tau, theta (all of it), theta.3 or 'theta[3]', 'th*' [all]");
  summary.flag("--csv", a->csv, "as CSV, with all digits");
  summary.option("-o", a->file, "file to write, as CSV [standard output]");
  summary.footer(
      "mean, sd, mcse (Monte Carlo standard error of the mean) and quantiles, on the parameters'\n"
      "own scale: those of summary.json, or, where the run is of no posterior, of draws.csv.");
  summary.does([a] {
    const auto run = read_figures(a->folder);
    const auto parameters = select_parameters(read_parameters(a->folder), a->names);
    if (a->csv || !a->file.empty()) {
      write_csv(parameters, a->file);
    } else {
      show(run, parameters);
    }
    return 0;
  });
}

}  // namespace riffle
