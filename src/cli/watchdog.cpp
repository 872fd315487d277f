#include "cli/watchdog.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace riffle {

Watchdog::Watchdog(double max_seconds, const TargetCalls& calls, std::function<void()> give_up)
    : give_up_(std::move(give_up)),
      thread_([this, max_seconds, &calls] { watch(max_seconds, calls); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  over_.notify_all();
  thread_.join();
}

double Watchdog::grace(double max_seconds) {
  return std::max(2.0, 0.2 * max_seconds);
}

void Watchdog::watch(double max_seconds, const TargetCalls& calls) {
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;
  constexpr auto look_every = std::chrono::milliseconds(50);
  constexpr double years = 1e8;  // more does not fit into a clock
  const auto patience = Seconds(grace(std::min(max_seconds, years)));
  const auto due = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      Seconds(std::min(max_seconds, years)));
  std::unique_lock lock(mutex_);
  if (over_.wait_until(lock, due, [this] { return done_; })) return;
  auto ended = calls.ended.load(std::memory_order_relaxed);
  auto since = Clock::now();
  while (!over_.wait_for(lock, look_every, [this] { return done_; })) {
    // In this order: a call that ends in between must not look like one that is running.
    const auto begun = calls.begun.load(std::memory_order_relaxed);
    const auto now_ended = calls.ended.load(std::memory_order_relaxed);
    if (now_ended != ended || begun <= now_ended) {
      ended = now_ended;
      since = Clock::now();
    } else if (Clock::now() - since >= patience) {
      give_up_();
      return;
    }
  }
}

}  // namespace riffle
