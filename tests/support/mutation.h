#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace riffle::test {

/// The ways in which the mutation gate breaks an output. A check that lets one of them pass is
/// worth nothing.
enum class Mutation { flipped, scaled, zeroed, permuted };

inline constexpr std::array mutations{Mutation::flipped, Mutation::scaled, Mutation::zeroed,
                                      Mutation::permuted};

inline std::string_view name_of(Mutation mutation) {
  switch (mutation) {
    case Mutation::flipped:
      return "flipped";
    case Mutation::scaled:
      return "scaled by 1.001";
    case Mutation::zeroed:
      return "zeroed";
    case Mutation::permuted:
      return "permuted";
  }
  return "";
}

/// Breaks the numbers x in place. `permuted` is a rotation by one.
template <class T>
void mutate(Mutation mutation, std::span<T> x) {
  switch (mutation) {
    case Mutation::flipped:
      for (T& v : x) v = -v;
      break;
    case Mutation::scaled:
      for (T& v : x) v *= T(1.001);
      break;
    case Mutation::zeroed:
      for (T& v : x) v = 0;
      break;
    case Mutation::permuted:
      if (!x.empty()) std::rotate(x.begin(), x.begin() + 1, x.end());
      break;
  }
}

}  // namespace riffle::test
