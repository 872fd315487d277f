#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "batch/batch.h"
#include "cli/progress.h"

// What `riffle batch` and `riffle sbc` have in common.

namespace riffle {

/// "K/N", or empty for all. Throws Error{usage}.
Shard parse_shard(const std::string& text);

/// Signals that end the process set the flag that this returns, and end it at once when they come
/// again.
const std::atomic<bool>& stop_on_signals();

/// Shows how far many fits are, and why the first three of those failed that did.
class ManyFits {
 public:
  explicit ManyFits(bool quiet) : line_(quiet) {}
  /// Callbacks that refer to this.
  BatchCallbacks callbacks();
  void finish() { line_.finish(); }

 private:
  void show(const BatchProgress& p);

  Progress line_;
  std::size_t before_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Exit code of what a signal ended, after a line that says so.
int tell_of_interruption();

}  // namespace riffle
