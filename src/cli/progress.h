#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "riffle/fit.h"

namespace riffle {

/// What a running fit shows: on a terminal one line that is rewritten in place, elsewhere the plain
/// log lines. Writes to standard error and standard output respectively.
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void tick(const FitProgress& progress);
  void log(std::uint64_t iteration, double loss);
  /// Of a staged fit that is to end after `max_seconds`, which may be infinite.
  void activity(const PosteriorActivity& activity, double max_seconds);
  /// A line of a long step that tells nothing of how far it is, such as drawing pictures.
  void step(std::string_view what);
  /// Clears the line, so that what follows starts on a clean one.
  void finish();

 private:
  void show(std::span<const std::string> parts);

  bool quiet_;
  bool terminal_;
  bool line_shown_ = false;
  double smoothed_ = 0;
  bool started_ = false;
  std::chrono::steady_clock::time_point last_{};
  std::chrono::steady_clock::time_point start_;
  std::uint64_t first_iteration_ = 0;
};

/// 75 -> "1:15", 4000 -> "1:06:40".
std::string clock_time(double seconds);

/// 12345678 -> "12 M".
std::string amount(std::uint64_t n);

}  // namespace riffle
