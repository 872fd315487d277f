#pragma once

namespace riffle {

/// x with Φ(x) = p of the standard normal, to a few units in the last place of x or of the smaller
/// of p and 1 - p; -∞ and ∞ at 0 and 1, NaN beyond.
double normal_quantile(double p);

/// x with I_x(a, b) = p, the regularised incomplete beta function, to 1e-9 or better where a and b
/// are at most 1e6; NaN unless a, b > 0 and p is in [0, 1].
double beta_quantile(double p, double a, double b);

}  // namespace riffle
