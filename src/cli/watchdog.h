#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "riffle/posterior.h"

namespace riffle {

/// Watches over a fit that was given a time, from a thread of its own. A fit looks at the time
/// between two calls of its target, so one call that never ends would hold it for ever.
class Watchdog {
 public:
  /// Calls `give_up`, once, where the time and a grace of 20 % of it, at least 2 s, are over, and
  /// in all of a grace no call of the target ended though some had begun. `calls` must outlive it.
  Watchdog(double max_seconds, const TargetCalls& calls, std::function<void()> give_up);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Time over which a target that does not answer counts as one that hangs.
  static double grace(double max_seconds);

 private:
  void watch(double max_seconds, const TargetCalls& calls);

  std::function<void()> give_up_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace riffle
