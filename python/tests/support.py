"""What several tests need. They run by `python3 -m unittest discover -s python/tests`, or by pytest."""

from __future__ import annotations

import importlib.util
import math
import os
import unittest
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).parents[2] / "examples"
#: Tests that take minutes run where this is set.
SLOW = bool(os.environ.get("RIFFLE_SLOW_TESTS"))


def needs(*packages: str):
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


def log_normal(points):
    """A normal's density in two coordinates, with its constants: ln Z is 0. Of points (n, 2)."""
    return -0.5 * (points**2).sum(axis=1) - math.log(2 * math.pi), -points


class Counting:
    """The same, which does something at its k-th call."""

    def __init__(self, at: int, what):
        self.at, self.what, self.calls = at, what, 0

    def __call__(self, points):
        self.calls += 1
        if self.calls == self.at:
            return self.what(points)
        return log_normal(points)


def table(n: int = 600) -> np.ndarray:
    """Points (n, 2) of two clusters."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 2)) + 3 * rng.integers(0, 2, size=(n, 1))
