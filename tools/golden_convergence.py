#!/usr/bin/env python3
"""Prints the table of tests/diagnostics/golden_convergence.inc: what ArviZ (0.x) makes of chains that a
formula gives, the same one as in tests/diagnostics/convergence_test.cpp. Needs arviz<1 from PyPI.

    tools/golden_convergence.py > tests/diagnostics/golden_convergence.inc
"""

import warnings

import numpy as np

warnings.simplefilter("ignore")
import arviz  # noqa: E402
from arviz.stats import diagnostics as peer  # noqa: E402


class Noise:
    """A congruential generator (Numerical Recipes' quick one), which any language can follow."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (1664525 * self.state + 1013904223) % 2**32
        return (self.state + 0.5) / 2**32

    def normal(self):
        u, v = self.uniform(), self.uniform()
        return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


def chains(count, draws, correlation, seed):
    noise = Noise(seed)
    x = np.empty((count, draws))
    for c in range(count):
        at = noise.normal()
        for t in range(draws):
            x[c, t] = at
            at = correlation * at + np.sqrt(1 - correlation**2) * noise.normal()
    return x


def by_chain(count):
    return np.arange(count)[:, None]


def cauchy(count, draws, seed):
    noise = Noise(seed)
    return np.array([[np.tan(np.pi * (noise.uniform() - 0.5)) for _ in range(draws)] for _ in range(count)])


def rounded(x):
    """So that the last digits of a library's logarithm decide nothing: two draws as far from the median tie."""
    return np.floor(x * 2**20 + 0.5) / 2**20


sets = {
    "white": chains(4, 1000, 0, 1),
    "ar-0.5": chains(4, 1000, 0.5, 2),
    "ar-0.95": chains(4, 500, 0.95, 3),
    "ar-0.99": chains(2, 800, 0.99, 4),
    "antithetic": chains(4, 400, -0.7, 5),
    "alternating": (-1.0) ** np.arange(200) + 0.01 * chains(2, 200, 0, 6),
    "means-apart": chains(4, 300, 0.3, 7) + 0.5 * by_chain(4),
    "scales-apart": chains(4, 300, 0.3, 8) * (1 + by_chain(4)),
    "cauchy": cauchy(4, 1000, 9),
    "cube": chains(4, 500, 0.6, 10) ** 3,
    "ties": np.floor(2 * chains(4, 500, 0.5, 11)),
    "coin": (chains(4, 500, 0.5, 12) > 0.5).astype(float),
    "odd": chains(3, 333, 0.4, 13),
    "one-chain": chains(1, 1001, 0.7, 14),
    "short": chains(2, 10, 0, 15),
    "short-odd": chains(5, 13, 0.2, 16),
    "one-stands": np.where(by_chain(4) == 2, 0.25, chains(4, 300, 0.3, 17)),
    "far": 2**20 + chains(4, 400, 0.5, 18) / 2**10,
}

print("// By tools/golden_convergence.py, ArviZ", arviz.__version__)
for name, x in sets.items():
    x = rounded(x)
    # Far from zero ArviZ's own mean lacks digits; what it makes of the same draws near zero is exact.
    shift = 2**20 if name == "far" else 0
    x = x - shift
    # As peer._multichain_statistics does it, but for one chain, too, which it refuses.
    split = peer._split_chains
    scores, folded = peer._z_scale(split(x)), peer._z_scale(split(abs(x - np.median(x))))
    figures = [
        shift + x.mean(),
        x.std(ddof=1),
        max(peer._rhat(scores), peer._rhat(folded)),
        peer._ess_bulk(x),
        peer._ess_tail(x),
        peer._ess_mean(x),
        peer._ess_sd(x),
        peer._mcse_mean(x),
        peer._mcse_sd(x),
        peer._ess_quantile(x, 0.1),
        peer._mcse_quantile(x, 0.1),
        peer._mcse_quantile(x, 0.5),
    ]
    print(f'{{"{name}",\n {{' + ", ".join(f"{v:.14g}" for v in figures) + "}},")
