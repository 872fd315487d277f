#include "fit/far_off.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace riffle {
namespace {

/// How many of the numbers, in descending order, are far off.
std::size_t far_off_among(std::span<const double> sizes) {
  constexpr std::size_t fewest_rows = 15;  // of fewer no tail can be told
  constexpr double near = 10;              // spreads
  constexpr double chance = 1e-3;
  constexpr double least_gap = 3;
  const std::size_t n = sizes.size();
  if (n < fewest_rows || !(sizes.front() > near)) return 0;
  const std::size_t most = std::max<std::size_t>(1, n / 100);
  const std::size_t tail = std::clamp<std::size_t>(n / 20, 5, 50);
  for (std::size_t j = std::min(most, n - tail - 1); j >= 1; --j) {
    if (!(sizes[j - 1] > near)) continue;
    // Hill (1975): the power that the tail of the others falls like, less one and a half of its
    // standard errors; a normal tail passes for the fourth.
    double mean = 0;
    for (std::size_t i = 0; i < tail; ++i) {
      mean += std::log(sizes[j + i] / sizes[j + tail]) / static_cast<double>(tail);
    }
    const double sure = 1 - 1.5 / std::sqrt(static_cast<double>(tail));
    const double power = std::clamp(sure / mean, 0.3, 4.0);
    // The ratio of neighbours j and j + 1 is beyond r with probability r^(-j power).
    const double gap = std::pow(chance, -1 / (static_cast<double>(j) * power));
    if (sizes[j - 1] >= std::max(least_gap, gap) * sizes[j]) return j;
  }
  return 0;
}

}  // namespace

std::vector<FarOff> far_off(std::span<const double> rows, std::span<const Spread> spreads) {
  const std::size_t dim = spreads.size();
  const std::size_t n = rows.size() / dim;
  std::vector<FarOff> all;
  std::vector<double> distance(n);
  std::vector<std::size_t> order(n);
  std::vector<double> sizes(n);
  for (std::size_t d = 0; d < dim; ++d) {
    for (std::size_t i = 0; i < n; ++i) {
      // Halves, as the difference may be too large a number.
      distance[i] =
          2 * std::abs((0.5 * rows[i * dim + d] - 0.5 * spreads[d].centre) / spreads[d].spread);
    }
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return distance[a] > distance[b]; });
    for (std::size_t i = 0; i < n; ++i) sizes[i] = distance[order[i]];
    for (std::size_t j = 0; j < far_off_among(sizes); ++j) {
      all.push_back({order[j], d, rows[order[j] * dim + d], sizes[j]});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.spreads > b.spreads; });
  return all;
}

Commonest commonest(std::span<const double> rows, std::size_t dim, std::size_t column) {
  std::vector<double> values;
  for (std::size_t i = column; i < rows.size(); i += dim) values.push_back(rows[i]);
  std::sort(values.begin(), values.end());
  Commonest found;
  for (auto first = values.begin(); first != values.end();) {
    const auto last = std::upper_bound(first, values.end(), *first);
    const auto count = static_cast<std::size_t>(last - first);
    if (count > found.rows) found = {*first, count};
    first = last;
  }
  return found;
}

}  // namespace riffle
