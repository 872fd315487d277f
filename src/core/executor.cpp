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
  assert(tasks < closed);
  const auto generation = generation_.load(std::memory_order_relaxed) + 1;
  const std::uint64_t upper = std::uint64_t{generation} << 32;
  ticket_.store(upper | closed, std::memory_order_relaxed);
  // Whoever sees the new number of tasks sees the ticket closed.
  tasks_.store(static_cast<std::uint32_t>(tasks), std::memory_order_release);
  call_.store(call, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(upper, std::memory_order_release);
  generation_.store(generation, std::memory_order_release);
  generation_.notify_all();
  take_tasks(0);
  for (auto done = done_.load(std::memory_order_acquire); done != tasks;) {
    done = wait_for_change(done_, done);
  }
  if (failed_.load(std::memory_order_relaxed)) {
    failed_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

/// Takes the next task of the job that is under way, if there is one left.
bool Executor::claim(std::size_t& task) {
  auto ticket = ticket_.load(std::memory_order_acquire);
  while (true) {
    const std::uint64_t next = ticket & closed;
    if (next == closed || next >= tasks_.load(std::memory_order_acquire)) return false;
    // Succeeds only while the ticket is of the job whose number of tasks was read: between two jobs
    // it is closed.
    if (ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
      task = static_cast<std::size_t>(next);
      return true;
    }
  }
}

void Executor::take_tasks(std::size_t worker) {
  std::size_t task = 0;
  while (claim(task)) {
    run_task(task, worker);
    // The last one done wakes the caller; the others only count.
    const auto tasks = tasks_.load(std::memory_order_relaxed);
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == tasks) done_.notify_one();
  }
}

void Executor::run_task(std::size_t task, std::size_t worker) {
  try {
    call_.load(std::memory_order_relaxed)(context_.load(std::memory_order_relaxed), task, worker);
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

void Executor::worker_loop(std::size_t worker) {
  std::uint32_t seen = 0;
  while (true) {
    seen = wait_for_change(generation_, seen);
    if (stop_.load(std::memory_order_relaxed)) return;
    take_tasks(worker);
  }
}

}  // namespace riffle
