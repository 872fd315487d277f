"""A fit as a figure of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from ._display import _colours, figure, headline
from ._errors import UsageError, needs

if TYPE_CHECKING:
    from ._fit import Fit

_most_panels = 11


def plot(fit: Fit, parameters: Optional[list[str]]) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise needs("matplotlib", "plot()") from None
    names, values = fit._values
    values = values[fit._equal()]
    if parameters is not None:
        chosen = [i for i, name in enumerate(names) if name in parameters or name.split(".")[0] in parameters]
        if not chosen:
            raise UsageError(f'there is no parameter "{parameters[0]}"; there are {", ".join(names[:20])}')
    else:
        chosen = list(range(len(names)))
    shown = chosen[:_most_panels]
    panels = len(shown) + (1 if fit.log_weights is not None else 0)
    columns = min(4, panels)
    rows = -(-panels // columns)
    page = Figure(figsize=(2.9 * columns, 2.2 * rows + 0.7), layout="constrained")
    axes = page.subplots(rows, columns, squeeze=False).ravel()
    for axis, i in zip(axes, shown):
        column = values[:, i][np.isfinite(values[:, i])]
        low, high = np.quantile(column, [0.002, 0.998]) if len(column) else (0.0, 1.0)
        inside = column[(column >= low) & (column <= high)]
        axis.hist(inside, bins=50, density=True, color="#4878a8")
        axis.axvline(float(np.mean(column)), color="black", lw=0.8)
        axis.set_title(names[i], fontsize=9)
        axis.set_yticks([])
        axis.tick_params(labelsize=7)
    if fit.log_weights is not None:
        axis = axes[len(shown)]
        log_w = fit.log_weights[np.isfinite(fit.log_weights)]
        axis.hist(log_w - np.log(np.mean(np.exp(log_w - log_w.max()))) - log_w.max(), bins=50, color="#a87848")
        axis.set_yscale("log")
        axis.set_title("ln weight", fontsize=9)
        axis.tick_params(labelsize=7)
    for axis in axes[panels:]:
        axis.set_visible(False)
    title = headline(fit)
    if fit.log_z is not None:
        title = f"{fit.report['target']}   log Z {figure(fit.log_z, fit.log_z_se)}   {fit.verdict}"
    if len(chosen) > len(shown):
        title += f"   ({len(shown)} of {len(chosen)} values)"
    page.suptitle(title, fontsize=11, color=_colours.get(fit.verdict or "", "black"))
    return page
