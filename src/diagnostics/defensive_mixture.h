#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "core/philox.h"
#include "diagnostics/importance.h"
#include "model/draws.h"
#include "model/flow_model.h"
#include "targets/density.h"

namespace riffle {

/// Draws of a flow q together with draws that reach wider, weighted as draws of one mixture.
///
/// Weights of q's own draws say nothing of mass where q has (nearly) none. The wider distribution r
/// is q with one coordinate of its base, each as likely, stretched by a factor of s = 3: it reaches
/// at 4 standard deviations where q does at 12, and its density is known, r/q = 1/D Σ_d φ(z0_d/s) /
/// (s φ(z0_d)). All draws are weighted by p/m, m = (n_q q + n_r r)/(n_q + n_r): a defensive mixture
/// (T. Hesterberg, Technometrics 37, 1995) by the balance heuristic (E. Veach & L. Guibas 1995).
struct DefensiveDraws {
  Draws draws;                  ///< q's own first; log_q is ln m
  std::size_t wider = 0;        ///< how many are of r
  std::vector<double> log_q_m;  ///< ln q/m of each, at most ln (n_q + n_r)/n_q
};

/// Adds `n` wider draws to `own`, which are the first draws of `stream`; these are later ones.
/// Where the base is not the standard normal one, none are added, and m is q. The result does not
/// depend on the number of threads. Where `end` comes true, fewer are added.
DefensiveDraws add_defensive_draws(
    const FlowModel<double>& model, const Density<double>& target, std::span<const double> params,
    Draws own, const RandomStream& stream, std::uint64_t n, Executor& executor,
    const std::function<bool()>& end = [] { return false; });

/// The evidence by those draws, with q/m, whose mean is 1, as a control variate (A. Owen & Y. Zhou,
/// "Safe and effective importance sampling", JASA 95, 2000): exact where p is a multiple of q. A
/// weight that is no number is zero; where no weight is positive both figures are NaN.
Evidence evidence(const DefensiveDraws& mixture);

}  // namespace riffle
