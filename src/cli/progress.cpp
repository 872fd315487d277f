#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

#include "cli/say.h"
#include "cli/terminal.h"
#include "core/figure_text.h"
#include "io/output.h"

namespace riffle {
namespace {

/// A flow without its arguments: "iaf(hidden=32):2 + affine-full" as "iaf:2 + affine-full".
std::string without_arguments(std::string_view text) {
  std::string kept;
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : 0;
    if (depth == 0) kept += c;
    depth -= c == ')' ? 1 : 0;
  }
  return kept;
}

}  // namespace

Progress::Progress(bool quiet)
    : quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1 && ::isatty(::fileno(standard_output())) == 1),
      start_(std::chrono::steady_clock::now()) {}

std::string clock_time(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string amount(std::uint64_t n) {
  const auto x = static_cast<double>(n);
  if (n >= 10'000'000) return fmt::format("{:.0f} M", x / 1e6);
  if (n >= 1'000'000) return fmt::format("{:.1f} M", x / 1e6);
  return n >= 10'000 ? fmt::format("{:.0f} k", x / 1e3) : fmt::format("{}", n);
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
  show(parts);
}

void Progress::activity(const PosteriorActivity& a, double max_seconds) {
  if (quiet_ || !terminal_) return;
  const std::array<std::string, 5> parts{
      "  " + clock_time(a.seconds),
      fmt::format("  {} gradients", amount(a.gradients)),
      std::isfinite(max_seconds) ? "  left " + clock_time(std::max(0.0, max_seconds - a.seconds))
                                 : "",
      std::isfinite(a.elbo) ? "  bound " + figure_text(a.elbo) : "",
      "  " + without_arguments(a.what),
  };
  show(parts);
}

void Progress::step(std::string_view what) {
  if (quiet_ || !terminal_) return;
  const std::array<std::string, 1> parts{fmt::format("  {} ...", what)};
  show(parts);
}

void Progress::show(std::span<const std::string> parts) {
  // A line that wraps cannot be rewritten in place, so what does not fit is left out.
  const auto columns = terminal_columns(STDERR_FILENO).value_or(80);
  std::string line;
  for (const auto& part : parts) {
    if (line.size() + part.size() < columns) line += part;
  }
  complain("\r\x1b[K{}", line);
  std::fflush(stderr);
  line_shown_ = true;
}

void Progress::log(std::uint64_t iteration, double loss) {
  if (quiet_ || terminal_) return;
  say("Loss on iteration {}: {}\n", iteration,
      std::isfinite(loss) ? fmt::format("{}", loss) : figure_text(loss));
  std::fflush(standard_output());  // whoever reads the pipe wants the lines as they come
}

void Progress::finish() {
  if (line_shown_) write_error("\r\x1b[K");
  line_shown_ = false;
}

}  // namespace riffle
