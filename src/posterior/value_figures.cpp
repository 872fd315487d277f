#include "posterior/value_figures.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

namespace riffle {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Rows that figures come from when there is no time for more.
constexpr std::size_t hasty_rows = 1000;

/// `m` of the first n numbers: spread evenly, ascending.
std::vector<std::size_t> spread_evenly(std::size_t m, std::size_t n) {
  std::vector<std::size_t> chosen(std::min(m, n));
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = i * n / chosen.size();
  return chosen;
}

/// The same in an order in which the first few of them are spread evenly, too.
std::vector<std::size_t> spread_from_the_first(std::size_t m, std::size_t n) {
  auto step = std::max<std::size_t>(1, static_cast<std::size_t>(0.618 * static_cast<double>(n)));
  while (std::gcd(step, n) != 1) ++step;
  std::vector<std::size_t> chosen(std::min(m, n));
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = i * step % n;
  return chosen;
}

class Figures {
 public:
  Figures(const ValueRows& table, const WantedFigures& wanted, const Deadline& deadline,
          Executor& executor)
      : table_(table), wanted_(wanted), deadline_(deadline), executor_(executor) {
    const std::size_t columns = wanted.last - wanted.first;
    const auto rows = std::max(wanted.least_rows, columns == 0 ? 0 : wanted.affordable / columns);
    take(spread_evenly(rows, table.rows));
  }

  std::vector<ParameterSummary> run() {
    std::vector<ParameterSummary> all;
    for (std::size_t first = wanted_.first; first < wanted_.last;) {
      if (!hasty() && deadline_.over(0)) hurry();
      const auto width = std::clamp<std::size_t>(
          wanted_.at_once / std::max<std::size_t>(1, draws_.size()), 1, wanted_.last - first);
      const auto n = fill(first, width);
      if (n < draws_.size() && !hasty()) continue;  // with fewer rows, as `hurry` has it
      if (n == 0 && !draws_.empty()) {
        all.resize(wanted_.last - wanted_.first, {nan, nan, nan, nan, nan, nan, table_.rows});
        return all;
      }
      const auto weights = std::span<const double>(weights_).first(weights_.empty() ? 0 : n);
      std::vector<ParameterSummary> some(width);
      executor_.run(width, [&](std::size_t column, std::size_t) {
        const auto values = std::span<const double>(block_).subspan(column * draws_.size(), n);
        some[column] = summarise(values, 1, weights).front();
      });
      all.insert(all.end(), some.begin(), some.end());
      first += width;
    }
    return all;
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool hasty() const { return hasty_since_.has_value(); }

  void take(std::vector<std::size_t> draws) {
    draws_ = std::move(draws);
    weights_.clear();
    if (wanted_.weights.empty()) return;
    for (const auto i : draws_) weights_.push_back(wanted_.weights[i]);
  }

  void hurry() {
    hasty_since_ = Clock::now();
    const auto m = std::min(hasty_rows, draws_.size());
    take(wanted_.in_order ? spread_evenly(m, m) : spread_from_the_first(m, table_.rows));
  }

  bool is_late() {
    if (hasty()) return Clock::now() - *hasty_since_ > std::chrono::seconds(1);
    if (!deadline_.over(0)) return false;
    hurry();
    return true;
  }

  /// Column-major [width][draws]; returns how many rows there was time for.
  std::size_t fill(std::size_t first, std::size_t width) {
    constexpr std::size_t rows_at_once = 16;
    const std::size_t n = draws_.size();
    block_.resize(width * n);
    std::vector<double> rows(rows_at_once * table_.columns);
    const auto next = table_.begin(draws_);
    for (std::size_t i = 0; i < n; i += rows_at_once) {
      if (is_late()) return i;
      const auto count = std::min(rows_at_once, n - i);
      for (std::size_t r = 0; r < count; ++r) {
        next(std::span(rows).subspan(r * table_.columns, table_.columns));
      }
      for (std::size_t c = 0; c < width; ++c) {
        for (std::size_t r = 0; r < count; ++r) {
          block_[c * n + i + r] = rows[r * table_.columns + first + c];
        }
      }
    }
    return n;
  }

  const ValueRows& table_;
  const WantedFigures& wanted_;
  const Deadline& deadline_;
  Executor& executor_;
  std::vector<std::size_t> draws_;
  std::vector<double> weights_;
  std::vector<double> block_;
  std::optional<Clock::time_point> hasty_since_;
};

}  // namespace

std::vector<ParameterSummary> figures_of(const ValueRows& table, const WantedFigures& wanted,
                                         const Deadline& deadline, Executor& executor) {
  return Figures(table, wanted, deadline, executor).run();
}

}  // namespace riffle
