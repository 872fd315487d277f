#include "batch/batch.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "core/cores.h"
#include "core/executor.h"
#include "fit/external_target.h"
#include "io/files.h"
#include "riffle/error.h"
#include "riffle/fit.h"
#include "riffle/target.h"
#include "run/report_fields.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

Json row_of(std::size_t number, const BatchItem& item) {
  Json row{{"number", number}, {"data", item.data}, {"status", "done"}, {"message", ""}};
  for (const auto& [key, value] : item.keys) {
    if (key != "target.data" && key != "target.samples") row["keys"][key] = value;
  }
  return row;
}

bool is_set(const std::atomic<bool>* stop) {
  return stop != nullptr && stop->load(std::memory_order_relaxed);
}

}  // namespace

BatchOutcome run_batch(const Spec& spec, std::span<const BatchItem> items,
                       const std::filesystem::path& folder, Shard shard,
                       const BatchCallbacks& callbacks) {
  // What is wrong with all of them is said before anything is made.
  const Spec first = spec_of_item(spec, items.front());
  compile_target(first, callbacks.stop);
  claim_batch_folder(folder, spec, items);
  RowFile rows(folder, shard);

  BatchOutcome outcome;
  BatchProgress progress;
  const auto finished = finished_items(folder);
  std::vector<std::size_t> todo;
  for (std::size_t i = shard.k - 1; i < items.size(); i += shard.n) {
    ++progress.all;
    if (finished.contains(i)) {
      ++progress.done;
    } else {
      todo.push_back(i);
    }
  }

  std::size_t threads = spec.run.threads == 0 ? usable_cores() : spec.run.threads;
  // Held while the fits run, so that its library is loaded once. A first data set that is bad is
  // that fit's failure.
  std::unique_ptr<Target> held;
  if (!first.target.stan.empty() || !first.target.plugin.empty()) {
    for (const auto i : todo) {
      try {
        held = external_target(spec_of_item(spec, items[i]));
        break;
      } catch (const Error&) {
        continue;
      }
    }
    if (held && !held->thread_safe() && threads > 1) {
      outcome.warnings.push_back("the target is not thread-safe: one fit at a time");
      threads = 1;
    }
  }
  const std::size_t workers = std::clamp<std::size_t>(todo.size(), 1, threads);

  std::mutex mutex;
  std::atomic<bool> broken{false};  // rows cannot be written any more
  Executor executor(workers);
  executor.run(todo.size(), [&](std::size_t task, std::size_t) {
    if (is_set(callbacks.stop) || broken) return;
    const auto& item = items[todo[task]];
    Json row = row_of(todo[task], item);
    try {
      Spec own = spec_of_item(spec, item);
      own.run.threads = workers == 1 ? threads : 1;
      FitCallbacks fit_callbacks;
      fit_callbacks.stop = callbacks.stop;
      const FitReport report = fit(own, fit_callbacks);
      if (report.stop_reason == StopReason::interrupted) return;
      row["report"] = json_of({&own, report.flow.definition(), own.run.seed, report});
      for (const auto* much : {"trace", "threads"}) row["report"].erase(much);
      if (callbacks.on_report) callbacks.on_report(todo[task], own, report, row);
    } catch (const Error& error) {
      if (is_set(callbacks.stop)) return;
      row.erase("report");
      row["status"] = "failed";
      row["message"] = error.what();
    }
    const std::lock_guard lock(mutex);
    try {
      rows.append(row);
    } catch (...) {
      broken = true;
      throw;
    }
    ++outcome.fitted;
    ++progress.done;
    progress.message = row["message"].get<std::string>();
    progress.failed += row["status"] == "failed" ? 1 : 0;
    progress.unreliable +=
        row.contains("report") && row["report"].value("verdict", Json()) == "unreliable" ? 1 : 0;
    if (callbacks.on_fit) callbacks.on_fit(progress);
  });

  outcome.failed = progress.failed;
  outcome.unreliable = progress.unreliable;
  outcome.interrupted = is_set(callbacks.stop);
  const auto table = batch_table(folder);
  outcome.left = table.missing;
  if (table.missing == 0) {
    write_file(folder / batch_files::results, table.csv);
    outcome.complete = true;
  }
  return outcome;
}

}  // namespace riffle
