#pragma once

#include <cstdint>

namespace riffle {

/// Finds the step size at which a sampler accepts a wanted share of its proposals: the dual
/// averaging of Y. Nesterov (Math. Programming 120, 2009) as in M. Hoffman & A. Gelman, "The
/// no-U-turn sampler", JMLR 15, 2014, section 3.2.1 and algorithm 5, whose constants these are. It
/// differs in that the acceptance that it is told may be the mean over many chains.
class DualAveraging {
 public:
  /// `step_size` > 0 is tried first; `wanted` is in (0, 1).
  DualAveraging(double step_size, double wanted);

  /// What to try next, after the last one tried has had this acceptance; NaN counts as 0.
  double update(double acceptance);
  /// To go on with when all is done: an average that forgets the first steps. The first step size
  /// where there was no update.
  double result() const;

 private:
  double wanted_;
  double centre_;       // μ: ln of what it is drawn to
  double log_average_;  // ln ε̄
  double error_ = 0;    // H̄
  std::uint64_t updates_ = 0;
};

}  // namespace riffle
