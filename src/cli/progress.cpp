#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

#include "core/figure_text.h"

namespace riffle {
namespace {

std::size_t terminal_columns() {
  constexpr std::size_t usual = 80;  // where the terminal does not know
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : usual;
}

}  // namespace

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
    smoothed_ = std::isfinite(smoothed_) ? memory * smoothed_ + (1 - memory) * progress.loss
                                         : progress.loss;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double speed =
      elapsed > 0 ? static_cast<double>(progress.iteration - first_iteration_) / elapsed : 0;
  const auto left = static_cast<double>(progress.iterations - progress.iteration);
  constexpr int width = 14;
  const double share =
      static_cast<double>(progress.iteration) / static_cast<double>(progress.iterations);
  const int filled = static_cast<int>(share * width);
  const std::array<std::string, 6> parts{
      fmt::format("{:{}}{:{}}| {:3.0f} %", std::string(static_cast<std::size_t>(filled), '#'),
                  filled, "", width - filled, 100 * share),
      fmt::format("  {} of {}", progress.iteration, progress.iterations),
      "  loss " + figure_text(smoothed_),
      speed > 0 ? "  left " + clock_time(left / speed) : "",
      fmt::format("  {:.{}f} it/s", speed, speed < 10 ? 1 : 0),
      fmt::format("  rate {:.2g}", progress.rate),
  };
  // A line that wraps cannot be rewritten in place, so what does not fit is left out.
  const auto columns = terminal_columns();
  std::string line;
  for (const auto& part : parts) {
    if (line.size() + part.size() < columns) line += part;
  }
  fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
  line_shown_ = true;
}

void Progress::log(std::uint64_t iteration, double loss) {
  if (quiet_ || terminal_) return;
  fmt::print("Loss on iteration {}: {}\n", iteration,
             std::isfinite(loss) ? fmt::format("{}", loss) : figure_text(loss));
  std::fflush(stdout);  // whoever reads the pipe wants the lines as they come
}

void Progress::finish() {
  if (line_shown_) std::fputs("\r\x1b[K", stderr);
  line_shown_ = false;
}

}  // namespace riffle
