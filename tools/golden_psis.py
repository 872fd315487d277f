#!/usr/bin/env python3
"""Prints the table of tests/diagnostics/golden_psis.inc: what ArviZ (0.x) makes of importance weights that
a formula gives, the same one as in tests/diagnostics/psis_test.cpp. Needs arviz<1 from PyPI.

    tools/golden_psis.py > tests/diagnostics/golden_psis.inc
"""

import warnings

import numpy as np

warnings.simplefilter("ignore")
import arviz  # noqa: E402
from scipy.special import logsumexp  # noqa: E402


def uniform(n, step):
    return np.modf((np.arange(n) + 0.5) * step)[0]


def pareto(n, k):
    return -k * np.log(uniform(n, 0.6180339887498949))


def normal(n):
    u, v = uniform(n, 0.6180339887498949), uniform(n, 0.41421356237309515)
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


def gaussian(n, spread):
    """ln w of a standard normal under draws of a normal of that spread."""
    z = normal(n)
    return -0.5 * (spread * z) ** 2 + 0.5 * z**2 + np.log(spread)


def student(n):
    """ln w of a Student-t of 3 degrees of freedom, up to a constant, under a standard normal."""
    z = normal(n)
    return -2 * np.log1p(z**2 / 3) + 0.5 * z**2


def some_zero(w):
    return np.where(np.arange(len(w)) % 3 == 1, -np.inf, w)


sets = {
    "narrow": gaussian(1000, 0.7),
    "narrow-shifted": gaussian(1000, 0.7) + 5000,
    "wide": gaussian(4000, 1.5),
    "student": student(1000),
    "pareto-0.3": pareto(100000, 0.3),
    "pareto-1.5": pareto(2000, 1.5),
    "tiny": pareto(25, 0.5),
    "too-few": pareto(20, 0.5),
    "equal": np.zeros(1000),
    "ties": np.floor(4 * pareto(1000, 0.8)) / 4,
    "some-zero": some_zero(gaussian(999, 0.7)),
    "underflow": 1000 * normal(500),
}

print("// By tools/golden_psis.py, ArviZ", arviz.__version__)
for name, log_weights in sets.items():
    smoothed, k = arviz.psislw(log_weights.copy(), normalize=False)
    total = logsumexp(smoothed)
    squares = logsumexp(2 * (smoothed - total))
    top = smoothed[np.argmax(log_weights)]
    number = lambda x: "inf" if np.isinf(x) else f"{x:.12g}"  # noqa: E731
    print(f'{{"{name}", {number(float(k))}, {number(total)}, {number(squares)}, {number(top)}}},')
