"""Variational inference with normalizing flows.

    import riffle
    fit = riffle.fit("-x^2/2 - (y - x^2)^2")
    fit.verdict, fit.log_z, fit.draws["x"]

`fit` takes a function, a Stan program, a model of PyMC, NumPyro, JAX or PyTorch, a formula or a built-in target;
`fit_samples` learns the density of a table.
"""

from __future__ import annotations

from typing import Any

from ._errors import (
    CallbackError,
    Cancelled,
    CannotCreateError,
    DataError,
    InputOutputError,
    NoInputError,
    NotInstalledError,
    RiffleError,
    UsageError,
)
from ._fit import Fit, compare, fit, fit_samples, load
from ._flow import Flow
from ._library import version as _version
from ._models import from_jax, from_numpyro, from_pymc, from_torch
from ._progress import Progress, Stage
from ._summary import Summary
from ._targets import AnyTarget, Target, built_in, formula, from_bridgestan, from_plugin, from_stan

__version__ = _version()

__all__ = [
    "AnyTarget",
    "CallbackError",
    "Cancelled",
    "CannotCreateError",
    "DataError",
    "Fit",
    "Flow",
    "FlowDensity",
    "InputOutputError",
    "NoInputError",
    "NotInstalledError",
    "Progress",
    "RiffleError",
    "Stage",
    "Summary",
    "Target",
    "UsageError",
    "built_in",
    "compare",
    "fit",
    "fit_samples",
    "formula",
    "from_bridgestan",
    "from_jax",
    "from_numpyro",
    "from_plugin",
    "from_pymc",
    "from_stan",
    "from_torch",
    "load",
]


def __getattr__(name: str) -> Any:
    if name == "FlowDensity":  # needs scikit-learn, which is slow to import
        from ._estimator import FlowDensity

        return FlowDensity
    raise AttributeError(f"module 'riffle' has no attribute {name!r}")
