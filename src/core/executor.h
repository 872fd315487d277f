#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <thread>
#include <type_traits>
#include <vector>

namespace riffle {

/// A fixed team of threads that share out numbered tasks. Which thread runs which task is left to
/// chance; results must go to places that depend on the task alone. With one thread, or one task,
/// everything runs in the caller, at the cost of a loop.
class Executor {
 public:
  /// `threads` counts the caller; at least 1.
  explicit Executor(std::size_t threads);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  std::size_t threads() const { return workers_.size() + 1; }

  /// Calls f(task, worker) once for each task in [0, tasks); worker < threads() tells apart those
  /// that run at the same time. Returns when all are done. The first exception thrown, by number of
  /// its task, is thrown again here. Never allocates.
  template <class F>
  void run(std::size_t tasks, F&& f) {
    if (tasks <= 1 || workers_.empty()) {
      for (std::size_t task = 0; task < tasks; ++task) f(task, 0);
      return;
    }
    using Function = std::remove_reference_t<F>;
    run_on_team(
        tasks,
        [](void* context, std::size_t task, std::size_t worker) {
          (*static_cast<Function*>(context))(task, worker);
        },
        const_cast<void*>(static_cast<const void*>(&f)));
  }

 private:
  using Call = void (*)(void* context, std::size_t task, std::size_t worker);
  static constexpr std::uint64_t closed = 0xFFFFFFFF;  ///< a lower half that no task has

  void run_on_team(std::size_t tasks, Call call, void* context);
  void take_tasks(std::size_t worker);
  bool claim(std::size_t& task);
  void run_task(std::size_t task, std::size_t worker);
  void worker_loop(std::size_t worker);

  // A job is a generation. `ticket_` holds it in its upper half and the next task in its lower one,
  // so that a task can only be claimed of the job that it belongs to; a job ends when its tasks are
  // done, whether or not every worker has woken up to see it. What a job consists of is written
  // while the ticket is closed, and is atomic because a late worker may look at it then.
  std::atomic<Call> call_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<std::uint32_t> tasks_{0};
  alignas(64) std::atomic<std::uint64_t> ticket_{closed};
  alignas(64) std::atomic<std::uint32_t> generation_{0};  // raised to wake the workers
  alignas(64) std::atomic<std::uint32_t> done_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
  std::size_t failed_task_ = 0;
  std::atomic_flag failure_lock_;
  std::vector<std::thread> workers_;
};

}  // namespace riffle
