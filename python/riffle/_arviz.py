"""Draws for ArviZ, of either generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._errors import needs
from ._library import Array, version

if TYPE_CHECKING:
    from ._fit import Fit


def to_arviz(fit: Fit, draws: dict[str, Array], rows: npt.NDArray[np.intp]) -> Any:
    try:
        import arviz
    except ImportError:
        raise needs("arviz", "to_arviz()") from None
    posterior = {name: values[None] for name, values in draws.items()}
    stats = {}
    for name, key in (("lp", "log_p"), ("log_q", "log_q")):
        if fit._state[key] is not None:
            stats[name] = fit._state[key][rows][None]
    attributes: dict[str, Any] = {
        "inference_library": "riffle",
        "inference_library_version": version(),
        "seed": fit.report["seed"],
    }
    for key in ("verdict", "log_z", "log_z_se"):
        if fit.report.get(key) is not None:
            attributes[key] = fit.report[key]
    coords = fit._state.get("coords") or {}
    dims = {name: named for name, named in (fit._state.get("dims") or {}).items() if name in draws}
    groups: dict[str, Any] = {"posterior": posterior, **({"sample_stats": stats} if stats else {})}
    if int(arviz.__version__.split(".")[0]) >= 1:
        return arviz.from_dict(groups, coords=coords, dims=dims, attrs={"/": attributes, "posterior": attributes})
    return arviz.from_dict(**groups, coords=coords, dims=dims, posterior_attrs=attributes, attrs=attributes)
