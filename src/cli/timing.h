#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace riffle {

/// Seconds that one call takes, over several rounds.
struct CallTime {
  double median = 0;
  double least = 0;
  double most = 0;
};

/// Every round calls at least once, and for at least `round_seconds`.
template <class F>
CallTime time_call(F&& call, std::size_t rounds = 9, double round_seconds = 5e-3) {
  using Clock = std::chrono::steady_clock;
  const auto time = [&](std::size_t calls) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  std::size_t calls = 1;
  while (time(calls) < round_seconds) calls *= 2;
  std::vector<double> each(rounds);
  for (double& t : each) t = time(calls) / static_cast<double>(calls);
  std::sort(each.begin(), each.end());
  return {each[rounds / 2], each.front(), each.back()};
}

}  // namespace riffle
