#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "batch/batch.h"
#include "cli/commands.h"
#include "cli/many_fits.h"
#include "cli/say.h"
#include "cli/spec_arguments.h"
#include "io/files.h"
#include "io/output.h"
#include "riffle/error.h"

namespace riffle {
namespace {

struct BatchArguments {
  SpecArguments spec;
  BatchVariations variations;
  std::string shard;
  std::string out;
  bool quiet = false;
};

void show(const BatchOutcome& outcome, const std::filesystem::path& folder) {
  say("{} {} done, {} failed, {} unreliable\n", outcome.fitted,
      outcome.fitted == 1 ? "fit" : "fits", outcome.failed, outcome.unreliable);
  if (outcome.complete) {
    say("wrote {}\n", (folder / batch_files::results).string());
  } else if (!outcome.interrupted) {
    say("{} are left for other shards: `riffle merge {}` makes the table\n", outcome.left,
        folder.string());
  }
}

int run(const BatchArguments& a) {
  const Spec spec = a.spec.spec();
  if (spec.run.method == Method::figure3) {
    throw Error(ErrorKind::usage, "figure3 is many fits already: `riffle fit figure3`");
  }
  const Shard shard = parse_shard(a.shard);
  const auto items = batch_items(spec, a.variations);
  const auto folder =
      a.out.empty()
          ? std::filesystem::path("runs") /
                fmt::format("{}-batch", std::filesystem::path(a.spec.name()).stem().string())
          : std::filesystem::path(a.out);
  stop_on_signals();

  ManyFits fits(a.quiet);
  const auto outcome = run_batch(spec, items, folder, shard, fits.callbacks());
  fits.finish();
  for (const auto& warning : outcome.warnings) complain("warning: {}\n", warning);
  if (!a.quiet) show(outcome, folder);
  return outcome.interrupted ? tell_of_interruption() : 0;
}

}  // namespace

void add_batch(CommandLine& line) {
  auto a = std::make_shared<BatchArguments>();
  auto& batch =
      line.add("batch", "fit one model to many data sets, by many seeds, or over a grid of keys");
  a->spec.add_to(batch, "a spec file (TOML), a recipe or a built-in target");
  batch.option("--seeds", a->variations.seeds, "A:B, or a list: a fit for each seed");
  batch
      .option("--grid", a->variations.grid,
              "SECTION.KEY=VALUE,VALUE: a fit for each value; may be repeated")
      .one_at_a_time();
  batch.option("--shard", a->shard, "K/N: of the fits those with number K, K + N, ...");
  batch.option("--out", a->out, "folder of the batch [runs/WHAT-batch]");
  batch.flag("--quiet", a->quiet, "show warnings and errors only");
  batch.footer(
      "--data FOLDER, or FILE.jsonl with JSON in each line, gives the data sets; of points\n"
      "--samples FOLDER. With seeds and grids all combinations are fitted, each as `riffle fit`\n"
      "does, a fit a thread. The same command goes on where it was stopped or killed, and shards\n"
      "may run at once on machines that share the folder. A fit that fails is a row that says "
      "why.\n"
      "Writes batch.json, rows-K-of-N.jsonl and, when all are done, results.csv: a row a fit with\n"
      "verdict, evidence and the parameters' mean, sd and quantiles.\n"
      "Exit codes: 0 done, failed fits included; 64 usage, 66 no input, 73 cannot create,\n"
      "74 I/O error, 130 interrupted.");
  batch.does([a] {
    try {
      return run(*a);
    } catch (const Error&) {
      if (!stop_on_signals()) throw;
      return tell_of_interruption();
    }
  });
}

void add_merge(CommandLine& line) {
  struct Arguments {
    std::string folder;
    std::string file;
  };
  auto a = std::make_shared<Arguments>();
  auto& merge =
      line.add("merge", "the table of a batch whose shards ran apart, also of those that are done");
  merge.option("DIR", a->folder, "folder of the batch").required();
  merge.option("-o", a->file,
               "file to write [DIR/results.csv where all are done, else standard output]");
  merge.does([a] {
    const auto table = batch_table(a->folder);
    const auto file = !a->file.empty()     ? std::filesystem::path(a->file)
                      : table.missing == 0 ? std::filesystem::path(a->folder) / batch_files::results
                                           : std::filesystem::path();
    Output out(file);
    out.write(table.csv);
    out.commit();
    if (table.missing > 0)
      complain("{} of {} fits have no row yet\n", table.missing, table.missing + table.rows);
    if (!file.empty())
      say("wrote {}: {} fits, {} failed, {} unreliable\n", file.string(), table.rows, table.failed,
          table.unreliable);
    return 0;
  });
}

}  // namespace riffle
