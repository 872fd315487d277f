#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace riffle {

/// Draws of one of two densities, with what both say of them: the logarithms of p̃, which is p but
/// for its constant Z, and of q, which integrates to one.
struct BridgeDraws {
  std::span<const double> log_p;
  std::span<const double> log_q;
};

struct BridgeOptions {
  /// How many independent draws those of p are worth; by default the effective size of the terms.
  std::optional<double> p_effective = std::nullopt;
  std::size_t most_steps = 100;
};

enum class BridgeStatus {
  ok,
  no_draws,    ///< one side is empty, or no draw of p is valid
  no_overlap,  ///< less than five terms carry the sum of either side (and less than half of them)
  not_converged,  ///< no root within the steps that were allowed
};

/// ln Z from draws of q and of p, the optimal estimator of X.-L. Meng & W. H. Wong, "Simulating
/// ratios of normalizing constants via a simple identity", Statistica Sinica 6 (1996), as in Q. F.
/// Gronau, H. Singmann, E.-J. Wagenmakers, "bridgesampling", JSS 92 (2020).
///
/// With l = ln p̃ - ln q, n₁ draws of p that are worth n₁' independent ones, n₂ of q, s₁ = n₁'/(n₁'
/// + n₂), s₂ = 1 - s₁, σ the logistic function and d = l + ln s₁/s₂ - ln Z, the estimate is the
/// root of
///
///     s₂ mean_q σ(d) = s₁ mean_p σ(-d),
///
/// which is the fixed point of the iteration (4.1) of Meng & Wong. There is one root, since the
/// logarithm of the left over the right falls in ln Z. It is found by Newton's method within a
/// bracket, not by the iteration, whose steps shrink by no more than 1 - overlap each time. All is
/// done in logarithms relative to the median l, so that a constant in ln p̃ is a constant in ln Z.
///
/// Errors. The relative mean squared error of S. Frühwirth-Schnatter, "Estimating marginal
/// likelihoods for mixture and Markov switching models using bridge sampling techniques",
/// Econometrics Journal 7 (2004), section 4,
///
///     var_q(σ(d))/(n₂ mean_q²) + var_p(σ(-d))/(ess mean_p²),
///
/// where ess is that of σ(-d) along the chains (convergence.h), between chains included, where they
/// suggested a spectral density at zero; its root is the error of ln Z, and what rounding of ln p̃
/// and ln q does is added. Chains with fewer than ten draws are taken as independent draws.
///
/// Draws. Of q: l = -∞ (p̃ is 0 there) is what it is; NaN and +∞ count as that, and as invalid. Of
/// p: l = +∞ (q is 0 there) is what it is; where ln p̃ is not finite, or ln q NaN or +∞, the draw is
/// left out and counted as invalid.
///
/// Figures that do not exist are NaN. Without status ok these are log_z, its error, kl and k̂. The
/// bounds need their own side alone.
struct Bridge {
  BridgeStatus status = BridgeStatus::no_draws;
  double log_z = 0;
  double log_z_se = 0;
  /// Whether that error can be believed: on each side 40 terms are effective at least, and none to
  /// come can be much larger: the largest is half of what a term can be, or half of the terms are
  /// effective, or k̂ of them is below its threshold. Mass that neither side has seen shows in none
  /// of this.
  bool log_z_se_holds = false;
  /// ∫ pq/(s₁p + s₂q): 1 where p is q, 0 where they do not meet.
  double overlap = 0;
  double effective_q = 0;  ///< (Σ term)²/Σ term², of the terms σ(d) of q
  double effective_p = 0;  ///< of the terms σ(-d) of p, times their ess by n₁ where it is less
  std::optional<double> khat_q;  ///< tail index of the terms; nothing where it could not be fitted
  std::optional<double> khat_p;
  double p_effective = 0;  ///< n₁' that set s₁
  std::size_t steps = 0;   ///< of the root

  /// E_q l ≤ ln Z ≤ E_p l, but for their errors. As in Importance, the lower one is that of q
  /// restricted to where p̃ is not 0; the upper one is ∞ where q is 0 at a draw of p.
  double elbo = 0;
  double elbo_se = 0;
  double eubo = 0;
  double eubo_se = 0;
  double kl_q_p = 0;  ///< KL(q‖p) = ln Z - E_q l; ∞ where p̃ is 0 at a draw of q
  double kl_q_p_se = 0;
  double kl_p_q = 0;  ///< KL(p‖q) = E_p l - ln Z
  double kl_p_q_se = 0;
  /// Neither KL is below zero by more than four of its errors. If one is, the draws of p are not
  /// those of p, such as those of chains that have not moved.
  bool in_order = false;

  std::uint64_t zero_q = 0;     ///< draws of q at which p̃ is 0
  std::uint64_t invalid_q = 0;  ///< taken as such
  std::uint64_t outside_p = 0;  ///< draws of p at which q is 0
  std::uint64_t invalid_p = 0;  ///< left out
};

/// The draws of q are independent; those of p are [chain][draw], chains of one length. With no
/// draws of p the number of chains does not matter.
Bridge bridge(const BridgeDraws& q, const BridgeDraws& p, std::size_t p_chains,
              const BridgeOptions& options = {});

}  // namespace riffle
