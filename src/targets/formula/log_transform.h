#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "targets/formula/graph.h"

namespace riffle::formula {

/// ln of what a node computes, made so that it does not vanish with it: the logarithm goes through
/// products, quotients and powers, ends at exponentials, and of a sum of terms that are never
/// negative it is the log-sum-exp of theirs. Where the value is negative it is NaN, as std::log is.
class LogTransform {
 public:
  explicit LogTransform(Graph& graph) : graph_(graph) {}

  Id log_of(Id id);

 private:
  /// ln of a node, or of minus that node.
  struct Wanted {
    Id id;
    bool negative;
    friend auto operator<=>(const Wanted&, const Wanted&) = default;
  };
  using Missing = std::vector<Wanted>;

  /// Empty where logarithms are missing that it is made of; these are added to `missing`.
  std::optional<Id> attempt(Wanted wanted, Missing& missing);
  std::optional<Id> of_product(Wanted wanted, Missing& missing);
  std::optional<Id> of_sum(Wanted wanted, Missing& missing);
  /// The logarithm if it is known already.
  std::optional<Id> known(Wanted wanted, Missing& missing) const;
  Id plain(Wanted wanted);

  Graph& graph_;
  std::map<Wanted, Id> done_;
};

}  // namespace riffle::formula
