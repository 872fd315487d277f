#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace riffle {

Progress::Progress(bool quiet)
    : quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

std::string clock_time(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

void Progress::tick(const FitProgress& progress) {
  if (quiet_ || !terminal_) return;
  constexpr double memory = 0.9;  // of the smoothed loss, from tick to tick
  if (!started_) {
    smoothed_ = progress.loss;
    first_iteration_ = progress.iteration;
    start_ = std::chrono::steady_clock::now();
    started_ = true;
  }
  if (std::isfinite(progress.loss)) {
    smoothed_ = memory * smoothed_ + (1 - memory) * progress.loss;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double speed =
      elapsed > 0 ? static_cast<double>(progress.iteration - first_iteration_) / elapsed : 0;
  const auto left = static_cast<double>(progress.iterations - progress.iteration);
  constexpr int width = 20;
  const double share =
      static_cast<double>(progress.iteration) / static_cast<double>(progress.iterations);
  const int filled = static_cast<int>(share * width);
  fmt::print(stderr,
             "\r\x1b[K{:{}}{:{}}| {:3.0f} %  {} of {}  loss {:.4f}  {:.3g} it/s  rate {:.2g}{}",
             std::string(static_cast<std::size_t>(filled), '#'), filled, "", width - filled,
             100 * share, progress.iteration, progress.iterations, smoothed_, speed, progress.rate,
             speed > 0 ? "  left " + clock_time(left / speed) : "");
  std::fflush(stderr);
  line_shown_ = true;
}

void Progress::log(std::uint64_t iteration, double loss) {
  if (quiet_ || terminal_) return;
  fmt::print("Loss on iteration {}: {}\n", iteration, loss);
  std::fflush(stdout);  // whoever reads the pipe wants the lines as they come
}

void Progress::finish() {
  if (line_shown_) std::fputs("\r\x1b[K", stderr);
  line_shown_ = false;
}

}  // namespace riffle
