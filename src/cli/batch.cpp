#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "batch/batch.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/spec_arguments.h"
#include "io/files.h"
#include "io/output.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr int interrupted_exit = 130;

// A signal handler can reach nothing but this.
std::atomic<bool> stop_requested{false};

void request_stop(int signal) {
  std::signal(signal, SIG_DFL);
  stop_requested.store(true, std::memory_order_relaxed);
}

struct BatchArguments {
  SpecArguments spec;
  BatchVariations variations;
  std::string shard;
  std::string out;
  bool quiet = false;
};

Shard parse_shard(const std::string& text) {
  Shard shard;
  if (text.empty()) return shard;
  const auto slash = text.find('/');
  const auto number = [&](std::size_t begin, std::size_t end, std::size_t& n) {
    const auto [at, error] = std::from_chars(text.data() + begin, text.data() + end, n);
    return error == std::errc() && at == text.data() + end;
  };
  if (slash == std::string::npos || !number(0, slash, shard.k) ||
      !number(slash + 1, text.size(), shard.n) || shard.k < 1 || shard.k > shard.n) {
    throw Error(ErrorKind::usage,
                fmt::format("--shard {}: write K/N, K from 1 to N, such as 3/8", text));
  }
  return shard;
}

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
  std::signal(SIGINT, &request_stop);
  std::signal(SIGTERM, &request_stop);
  std::signal(SIGPIPE, SIG_IGN);

  Progress line(a.quiet);
  const auto start = std::chrono::steady_clock::now();
  std::size_t before = 0;
  BatchCallbacks callbacks;
  callbacks.stop = &stop_requested;
  callbacks.on_fit = [&](const BatchProgress& p) {
    if (before == 0) before = p.done;
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    const auto here = static_cast<double>(p.done - before + 1);
    const double left = taken.count() / here * static_cast<double>(p.all - p.done);
    if (!p.message.empty() && p.failed <= 3) {
      line.finish();
      complain("a fit failed: {}\n", p.message);
    }
    line.step(fmt::format("{} of {} fits, {} failed, {} unreliable, {} left", p.done, p.all,
                          p.failed, p.unreliable, clock_time(left)));
  };
  const auto outcome = run_batch(spec, items, folder, shard, callbacks);
  line.finish();
  for (const auto& warning : outcome.warnings) complain("warning: {}\n", warning);
  if (!a.quiet) show(outcome, folder);
  if (outcome.interrupted) {
    complain("interrupted; the same command goes on\n");
    return interrupted_exit;
  }
  return 0;
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
      if (!stop_requested) throw;
      complain("interrupted; the same command goes on\n");
      return interrupted_exit;
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
