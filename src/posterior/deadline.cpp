#include "posterior/deadline.h"

namespace riffle {

Deadline::Deadline(const std::atomic<bool>* stop, double seconds)
    : stop_(stop), seconds_(seconds) {}

double Deadline::left() const {
  return seconds_ - std::chrono::duration<double>(Clock::now() - start_).count();
}

bool Deadline::over(double after_stop, double before) const {
  const double now = std::chrono::duration<double>(Clock::now() - start_).count();
  if (stopped()) {
    double never = std::numeric_limits<double>::infinity();
    stopped_at_.compare_exchange_strong(never, now, std::memory_order_relaxed);
    if (now - stopped_at_.load(std::memory_order_relaxed) >= after_stop) return true;
  }
  return now + before >= seconds_;
}

}  // namespace riffle
