#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace riffle::test {

/// What a check found wrong; empty where all is well. Checks return this, rather than fail by
/// themselves, so that the mutation gate can demand that they fail.
using Failures = std::vector<std::string>;

inline void append(Failures& all, Failures more, std::string_view where = {}) {
  for (auto& one : more) {
    all.push_back(where.empty() ? std::move(one) : fmt::format("{}: {}", where, one));
  }
}

/// For EXPECT_TRUE: success where there is no failure, else the first few of them.
inline ::testing::AssertionResult none(const Failures& failures) {
  if (failures.empty()) return ::testing::AssertionSuccess();
  constexpr std::size_t shown = 8;
  auto result = ::testing::AssertionFailure();
  result << failures.size() << " failures";
  for (std::size_t i = 0; i < std::min(shown, failures.size()); ++i)
    result << "\n  " << failures[i];
  return result;
}

/// A name of the registry as GoogleTest allows it in the name of a test.
inline std::string test_name(std::string_view name) {
  std::string safe(name);
  std::replace(safe.begin(), safe.end(), '-', '_');
  return safe;
}

}  // namespace riffle::test
