#include "core/executor.h"

#include <cassert>
#include <utility>

namespace riffle {
namespace {

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits until `value` differs from `old`; returns it. A training step's pause is some
/// microseconds, so spinning that long saves a trip through the kernel at each step.
std::uint32_t wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  constexpr int spins = 4000;
  for (int i = 0; i < spins; ++i) {
    const auto now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

Executor::Executor(std::size_t threads) {
  assert(threads >= 1);
  for (std::size_t worker = 1; worker < threads; ++worker) {
    workers_.emplace_back([this, worker] { worker_loop(worker); });
  }
}

Executor::~Executor() {
  stop_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void Executor::run_on_team(std::size_t tasks, Call call, void* context) {
  call_ = call;
  context_ = context;
  tasks_ = tasks;
  next_task_.store(0, std::memory_order_relaxed);
  finished_.store(0, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  take_tasks(0);
  const auto team = static_cast<std::uint32_t>(workers_.size());
  for (auto done = finished_.load(std::memory_order_acquire); done != team;) {
    done = wait_for_change(finished_, done);
  }
  if (failed_.load(std::memory_order_relaxed)) {
    failed_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

void Executor::take_tasks(std::size_t worker) {
  while (true) {
    const auto task = next_task_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_) return;
    try {
      call_(context_, task, worker);
    } catch (...) {
      while (failure_lock_.test_and_set(std::memory_order_acquire)) relax();
      if (!failed_.load(std::memory_order_relaxed) || task < failed_task_) {
        failure_ = std::current_exception();
        failed_task_ = task;
        failed_.store(true, std::memory_order_relaxed);
      }
      failure_lock_.clear(std::memory_order_release);
    }
  }
}

void Executor::worker_loop(std::size_t worker) {
  std::uint32_t seen = 0;
  while (true) {
    seen = wait_for_change(generation_, seen);
    if (stop_.load(std::memory_order_relaxed)) return;
    take_tasks(worker);
    finished_.fetch_add(1, std::memory_order_release);
    finished_.notify_one();
  }
}

}  // namespace riffle
