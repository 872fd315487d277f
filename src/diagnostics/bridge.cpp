#include "diagnostics/bridge.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

#include "diagnostics/convergence.h"
#include "diagnostics/importance.h"
#include "riffle/diagnostics.h"

namespace riffle {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

constexpr double least_overlap = 5;  // effective terms
// Over normals and Student-t's apart by up to seven sds, wider and narrower, chains of τ up to 400:
// from 10 effective terms on, |error| < 2 s.e. in 93 to 96 %, < 4 s.e. in 99.9 %. Some margin,
// since whether terms are effective depends on the same draws as the error.
constexpr double least_effective_terms = 40;
constexpr double most_below_order = 4;  // standard errors

/// ln σ(d)
double log_logistic(double d) {
  return d > 0 ? -std::log1p(std::exp(-d)) : d - std::log1p(std::exp(d));
}

double median_of(std::vector<double> x) {
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::ranges::nth_element(x, middle);
  return *middle;
}

/// Terms of one side, e^log, over their mean.
struct Terms {
  std::vector<double> logs;      ///< not normalised
  std::vector<double> relative;  ///< term/mean
  double log_mean = -infinity;
  double effective = 0;  ///< (Σ)²/Σ²

  explicit Terms(std::vector<double> log_terms) : logs(std::move(log_terms)) {
    const double largest = *std::ranges::max_element(logs);
    if (largest == -infinity) return;
    double sum = 0;
    double squares = 0;
    relative.reserve(logs.size());
    for (const double t : logs) {
      relative.push_back(std::exp(t - largest));
      sum += relative.back();
      squares += relative.back() * relative.back();
    }
    const auto n = static_cast<double>(logs.size());
    log_mean = largest + std::log(sum / n);
    effective = sum * sum / squares;
    for (double& r : relative) r *= n / sum;
  }
};

/// ln σ(±(l + shift))
Terms terms_of(std::span<const double> l, double shift, double sign) {
  std::vector<double> logs;
  logs.reserve(l.size());
  for (const double x : l) logs.push_back(log_logistic(sign * (x + shift)));
  return Terms(std::move(logs));
}

/// Σ term (1 - σ)/Σ term, which is how fast the logarithm of the mean goes with the shift.
double slope_of(const Terms& terms) {
  double sum = 0;
  for (std::size_t i = 0; i < terms.logs.size(); ++i) {
    sum -= terms.relative[i] * std::expm1(terms.logs[i]);
  }
  return sum / static_cast<double>(terms.logs.size());
}

/// The two sides at the root. `log_z` is relative to the l that were given.
struct Root {
  double log_z = nan;
  std::size_t steps = 0;
  bool converged = false;
  Terms q;
  Terms p;
};

/// h(λ) = ln s₂ mean_q σ(l + c - λ) - ln s₁ mean_p σ(-(l + c - λ)), c = ln s₁/s₂, falls in λ, at a
/// slope between -2 and 0; it is about -1 where p and q meet. There must be an l that is finite or
/// -∞ of p, and one that is finite of q.
Root solve(std::span<const double> l_q, std::span<const double> l_p, double log_odds, double start,
           std::size_t most_steps) {
  // Newton's error is squared each time: after a step of this size it is below rounding.
  constexpr double small = 1e-8;
  double low = -infinity;
  double high = infinity;
  double lambda = start;
  double stride = 1;
  for (std::size_t step = 1;; ++step) {
    Root root{lambda, step, false, terms_of(l_q, log_odds - lambda, 1),
              terms_of(l_p, log_odds - lambda, -1)};
    const double excess = root.q.log_mean - root.p.log_mean - log_odds;
    const double slope = slope_of(root.q) + slope_of(root.p);
    (excess > 0 ? low : high) = lambda;
    double next = lambda + excess / slope;
    if (!(next > low && next < high)) {
      next = std::isinf(low)    ? high - (stride *= 2)
             : std::isinf(high) ? low + (stride *= 2)
                                : low + (high - low) / 2;
    }
    const double move = std::abs(next - lambda);
    // What is left of the step is of second order for ln Z, and for its error no matter at all.
    if (excess == 0 || move <= small * std::max(1.0, 1e-8 * std::abs(lambda))) {
      root.log_z = excess == 0 ? lambda : next;
      root.converged = true;
      return root;
    }
    if (step >= most_steps) return root;
    lambda = next;
  }
}

double mean_of(std::span<const double> x) {
  double mean = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  return mean;
}

/// Of the mean of independent draws.
double independent_error(std::span<const double> x) {
  const double mean = mean_of(x);
  double squares = 0;
  for (const double v : x) squares += (v - mean) * (v - mean);
  const auto n = static_cast<double>(x.size());
  return std::sqrt(squares / (n - 1) / n);
}

/// Draws of p in their chains, of which some are left out.
class Chains {
 public:
  Chains(const BridgeDraws& p, std::size_t chains) : chains_(chains), all_(p.log_p.size()) {
    for (std::size_t i = 0; i < all_; ++i) {
      if (std::isfinite(p.log_p[i]) && p.log_q[i] < infinity) {
        place_.push_back(i);
        l_.push_back(p.log_p[i] - p.log_q[i]);
      }
    }
  }

  std::span<const double> l() const { return l_; }
  std::size_t invalid() const { return all_ - l_.size(); }

  /// Effective size of these values, one for each valid draw; as many as there are where no chain
  /// is long enough to tell, or nothing varies.
  double ess(std::span<const double> x) const {
    const double ess = ess_mean(in_chains(x), chains_);
    const auto valid = static_cast<double>(x.size());
    return std::isnan(ess) ? valid : ess * valid / static_cast<double>(all_);
  }

  /// Error of their mean.
  double error(std::span<const double> x) const {
    return independent_error(x) * std::sqrt(static_cast<double>(x.size()) / ess(x));
  }

 private:
  /// What is left out is at the mean, where it says nothing.
  std::vector<double> in_chains(std::span<const double> x) const {
    std::vector<double> values(all_, mean_of(x));
    for (std::size_t i = 0; i < x.size(); ++i) values[place_[i]] = x[i];
    return values;
  }

  std::size_t chains_;
  std::size_t all_;
  std::vector<std::size_t> place_;
  std::vector<double> l_;
};

/// A term of a half leaves nothing to be surprised by: none is above one.
bool holds(const Terms& terms, double effective, std::optional<double> khat) {
  const std::size_t n = terms.logs.size();
  if (effective < least_effective_terms) return false;
  return *std::ranges::max_element(terms.logs) >= std::log(0.5) ||
         effective >= 0.5 * static_cast<double>(n) || (khat && *khat <= khat_threshold(n));
}

std::optional<double> khat_of(const Terms& terms) {
  const double khat = psis(terms.logs).khat;
  return std::isfinite(khat) ? std::optional(khat) : std::nullopt;
}

bool too_few(const Terms& terms) {
  return terms.effective < least_overlap &&
         terms.effective < 0.5 * static_cast<double>(terms.logs.size());
}

/// a - mean a + sign (b - mean b), for each draw.
std::vector<double> sum_of(std::span<const double> a, std::span<const double> b, double sign) {
  std::vector<double> sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum.push_back(a[i] + sign * b[i]);
  return sum;
}

bool is_in_order(double kl, double error) {
  return !(kl < -most_below_order * error - 1e-12 * std::max(1.0, std::abs(kl)));
}

}  // namespace

Bridge bridge(const BridgeDraws& q, const BridgeDraws& p, std::size_t p_chains,
              const BridgeOptions& options) {
  assert(q.log_p.size() == q.log_q.size() && p.log_p.size() == p.log_q.size());
  assert(p.log_p.empty() || (p_chains > 0 && p.log_p.size() % p_chains == 0));
  Bridge result;
  result.log_z = result.log_z_se = result.overlap = result.p_effective = nan;
  result.elbo = result.elbo_se = result.eubo = result.eubo_se = nan;
  result.kl_q_p = result.kl_q_p_se = result.kl_p_q = result.kl_p_q_se = nan;

  const auto of_q = importance(q.log_p, q.log_q);
  result.elbo = of_q.elbo;
  result.elbo_se = of_q.elbo_se;
  result.zero_q = of_q.zero;
  result.invalid_q = of_q.invalid;
  auto l_q = log_weights(q.log_p, q.log_q);
  for (double& l : l_q) {
    if (!(l < infinity)) l = -infinity;
  }

  const Chains chains(p, p_chains);
  const auto valid = chains.l();
  result.invalid_p = chains.invalid();
  result.outside_p = static_cast<std::uint64_t>(std::ranges::count(valid, infinity));
  if (!valid.empty()) {
    result.eubo = result.outside_p > 0 ? infinity : mean_of(valid);
    if (result.outside_p == 0) result.eubo_se = chains.error(valid);
  }
  if (l_q.empty() || valid.empty()) return result;

  result.status = BridgeStatus::no_overlap;
  if (of_q.collapsed || result.outside_p == valid.size()) return result;

  std::vector<double> finite;
  for (const double l : valid) {
    if (l < infinity) finite.push_back(l);
  }
  const double origin = median_of(std::move(finite));
  std::vector<double> l_p(valid.begin(), valid.end());
  for (double& l : l_p) l -= origin;
  for (double& l : l_q) l -= origin;

  // Any weights give ln Z; the best ones need the effective size, which needs ln Z.
  const auto n_q = static_cast<double>(l_q.size());
  const auto log_odds = [&](double n_p) { return std::log(n_p / n_q); };
  result.p_effective = options.p_effective.value_or(static_cast<double>(l_p.size()));
  auto root = solve(l_q, l_p, log_odds(result.p_effective), 0, options.most_steps);
  result.steps = root.steps;
  if (root.converged && !options.p_effective) {
    result.p_effective = chains.ess(root.p.relative);
    root = solve(l_q, l_p, log_odds(result.p_effective), root.log_z, options.most_steps);
    result.steps += root.steps;
  }
  if (!root.converged) {
    result.status = BridgeStatus::not_converged;
    return result;
  }

  const double s_q = n_q / (result.p_effective + n_q);
  const double ess = chains.ess(root.p.relative);
  result.overlap = std::exp(root.p.log_mean) / s_q;
  result.effective_q = root.q.effective;
  result.effective_p = root.p.effective * std::min(1.0, ess / static_cast<double>(l_p.size()));
  if (too_few(root.q) || too_few(root.p)) return result;

  result.status = BridgeStatus::ok;
  result.log_z = origin + root.log_z;
  result.log_z_se =
      std::hypot(independent_error(root.q.relative), chains.error(root.p.relative), of_q.rounding);
  result.khat_q = khat_of(root.q);
  result.khat_p = khat_of(root.p);
  result.log_z_se_holds = holds(root.q, result.effective_q, result.khat_q) &&
                          holds(root.p, result.effective_p, result.khat_p);

  // To first order ln Z is the mean over q of term/mean less that over p (the slope of h is -1 for
  // any s₁), so that a KL's error is that of a difference of terms, draw by draw.
  const bool misses = of_q.zero + of_q.invalid > 0;
  result.kl_q_p = misses ? infinity : result.log_z - result.elbo;
  if (!misses) {
    result.kl_q_p_se = std::hypot(independent_error(sum_of(root.q.relative, l_q, -1)),
                                  chains.error(root.p.relative), of_q.rounding);
  }
  result.kl_p_q = result.eubo - result.log_z;
  if (result.outside_p == 0) {
    result.kl_p_q_se = std::hypot(independent_error(root.q.relative),
                                  chains.error(sum_of(root.p.relative, l_p, 1)), of_q.rounding);
  }
  result.in_order = is_in_order(result.kl_q_p, misses ? 0 : result.kl_q_p_se) &&
                    is_in_order(result.kl_p_q, result.outside_p > 0 ? 0 : result.kl_p_q_se);
  return result;
}

}  // namespace riffle
