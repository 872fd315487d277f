#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "batch/batch_folder.h"
#include "batch/batch_items.h"
#include "riffle/fit.h"
#include "riffle/spec.h"

namespace riffle {

/// A fit that ended.
struct BatchProgress {
  std::size_t done = 0;  ///< of this shard, those of earlier calls included
  std::size_t all = 0;   ///< of this shard
  std::size_t failed = 0;
  std::size_t unreliable = 0;
  std::string message;  ///< why this one failed; empty where it did not
};

struct BatchCallbacks {
  std::function<void(const BatchProgress&)> on_fit;  ///< from any thread, one at a time
  /// Of a fit that went well, before its row is written, to which it may add keys of its own; from
  /// several threads at a time. An Error that it throws is this fit's failure.
  std::function<void(std::size_t number, const Spec& own, const FitReport& report,
                     nlohmann::ordered_json& row)>
      on_report;
  const std::atomic<bool>* stop = nullptr;  ///< set it to end: what is under way is not recorded
};

struct BatchOutcome {
  std::size_t fitted = 0;  ///< by this call
  std::size_t failed = 0;  ///< of these
  std::size_t unreliable = 0;
  std::size_t left = 0;   ///< of the whole batch, all shards
  bool complete = false;  ///< results.csv was written
  bool interrupted = false;
  std::vector<std::string> warnings;
};

/// Does those fits of a shard that have no row in the folder yet: a fit a thread, several at a
/// time, where the target allows it. Each is the fit that `riffle fit` makes by the same spec and
/// seed, so that rows have the same bits whatever the shards and threads (but under
/// run.max_seconds). A fit that fails is a row that says why. Whichever call finds all rows there
/// writes results.csv.
BatchOutcome run_batch(const Spec& spec, std::span<const BatchItem> items,
                       const std::filesystem::path& folder, Shard shard,
                       const BatchCallbacks& callbacks);

}  // namespace riffle
