#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/say.h"
#include "cli/wrapped.h"
#include "core/figure_text.h"
#include "io/csv.h"
#include "io/output.h"
#include "run/run_figures.h"

namespace riffle {
namespace {

void write_csv(const Comparison& all, const std::string& file) {
  Output out(file);
  const std::string value = all.of_evidence ? "log_z" : "log_likelihood";
  std::vector<std::string> header{"run",        "target",        value,    value + "_se",
                                  "difference", "difference_se", "verdict"};
  CsvText csv(header);
  for (const auto& row : all.rows) {
    csv.add(row.run.folder.string());
    csv.add(row.run.fit.target);
    for (const double x : {row.value, row.value_se, row.difference, row.difference_se}) csv.add(x);
    csv.add(row.run.posterior() ? name_of(row.run.posterior()->verdict) : "");
    csv.end_row();
  }
  out.write(csv.text());
  out.commit();
}

/// A run in three lines where a terminal is too narrow for one, else in one.
void show(const Comparison& all) {
  const auto* const value = all.of_evidence ? "log Z" : "ln q a point";
  std::size_t name = 3;
  for (const auto& row : all.rows) name = std::max(name, text_length(row.run.folder.string()));
  constexpr std::size_t width = 22;
  const bool wide = name + 2 * (width + 1) + (all.of_evidence ? 15 : 0) <= text_columns();
  const auto* const head = all.of_evidence ? "Bayes factor" : "";
  if (wide) {
    say("{:<{}} {} {}  {}\n", "run", name, right_aligned(value, width),
        right_aligned("difference", width), head);
  }
  for (const auto& row : all.rows) {
    const bool best = &row == &all.rows.front();
    const auto figure = figure_text(row.value, row.value_se);
    const auto difference =
        best ? std::string("best") : figure_text(row.difference, row.difference_se);
    const auto factor =
        best || !all.of_evidence ? std::string() : "1 : " + bayes_factor_text(-row.difference);
    const auto folder = row.run.folder.string();
    if (wide) {
      say("{}{} {} {}  {}\n", folder, std::string(name - text_length(folder), ' '),
          right_aligned(figure, width), right_aligned(difference, width), factor);
    } else {
      say("{}\n  {:<13} {}\n  {:<13} {}\n", folder, value, figure, "difference", difference);
      if (!factor.empty()) say("  {:<13} {}\n", head, factor);
    }
  }
  say("\n");
  if (all.of_evidence) {
    print_wrapped("",
                  "Bayes factors are of each run against the best, e to the difference. They "
                  "compare models only where priors are normalised and data the same.");
  } else {
    print_wrapped("",
                  "Errors are those of each mean; where the runs were judged by the same "
                  "points, differences are known better than these say.");
  }
}

}  // namespace

void add_compare(CommandLine& line) {
  struct Arguments {
    std::vector<std::string> folders;
    bool csv = false;
    std::string file;
  };
  auto a = std::make_shared<Arguments>();
  auto& compare = line.add("compare", "evidences of runs, their differences and Bayes factors");
  compare.option("DIR", a->folders, "folders of two runs or more").required();
  compare.flag("--csv", a->csv, "as CSV, with all digits");
  compare.option("-o", a->file, "file to write, as CSV [standard output]");
  compare.footer(
      "Of posteriors log Z with its standard error, of fits to samples the mean ln q of a point.\n"
      "Differences are to the best, with the errors of both.");
  compare.does([a] {
    std::vector<std::filesystem::path> folders(a->folders.begin(), a->folders.end());
    const auto all = compare_runs(folders);
    if (a->csv || !a->file.empty()) {
      write_csv(all, a->file);
    } else {
      show(all);
    }
    for (const auto& warning : all.warnings) complain("warning: {}\n", warning);
    return 0;
  });
}

}  // namespace riffle
