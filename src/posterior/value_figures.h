#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "diagnostics/parameter_summary.h"
#include "posterior/deadline.h"

namespace riffle {

/// A table that is made row by row, the rows one after another from the first on.
struct ValueRows {
  /// Writes the next row.
  using Next = std::function<void(std::span<double> values)>;

  std::size_t columns = 0;
  std::size_t rows = 0;
  /// Begins again, to make those rows one after another.
  std::function<Next(std::span<const std::size_t> draws)> begin;
};

/// The most numbers that are held at once, 128 MB of them.
inline constexpr std::size_t values_at_once = std::size_t{1} << 24;

/// Which columns of a table are wanted, and what their rows weigh: nothing is every row alike.
struct WantedFigures {
  std::size_t first = 0;
  std::size_t last = 0;
  std::span<const double> weights{};
  /// Whether rows are to be taken from the first on, without leaving any out.
  bool in_order = false;
  /// Where the columns are so many that all rows would make more numbers than `affordable`, which
  /// are sorted in a few seconds, fewer rows, spread evenly, but as many as this; all by default.
  std::size_t least_rows = std::size_t(-1);
  std::size_t affordable = 50'000'000;
  std::size_t at_once = values_at_once;
};

/// Figures of columns of a table that need not fit into memory: it is made as often as it takes to
/// hold some of the columns at a time, `at_once` numbers. At the deadline fewer rows count,
/// as many as one more second does for; columns for which there is none are NaN, with all rows
/// missing.
std::vector<ParameterSummary> figures_of(const ValueRows& table, const WantedFigures& wanted,
                                         const Deadline& deadline, Executor& executor);

}  // namespace riffle
