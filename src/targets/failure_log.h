#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "riffle/target.h"

namespace riffle {

/// Counts failed evaluations from any thread, and keeps what the first of them said.
class FailureLog {
 public:
  void add(std::string message) {
    const std::scoped_lock lock(mutex_);
    if (failures_.count++ == 0) failures_.first_message = std::move(message);
  }
  TargetFailures failures() const {
    const std::scoped_lock lock(mutex_);
    return failures_;
  }

 private:
  mutable std::mutex mutex_;
  TargetFailures failures_;
};

}  // namespace riffle
