"""A fit on the screen and in a notebook."""

from __future__ import annotations

import html
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._fit import Fit

_colours = {"reliable": "#1a7f37", "reliable-after-reweighting": "#9a6700", "unreliable": "#cf222e"}
_most_rows = 12


def figure(value: Any, error: Any) -> str:
    """A figure with as many digits as its standard error allows."""
    if value is None:
        return "unknown"
    if not error or error != error:
        return f"{value:.6g}"
    digits = 0
    scale = abs(float(error))
    while scale < 10 and digits < 10:
        scale *= 10
        digits += 1
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def headline(fit: Fit) -> str:
    r = fit.report
    return f"{r['target']}, {r['dim']} {'coordinate' if r['dim'] == 1 else 'coordinates'}: {r['flow']}"


def figures(fit: Fit) -> list[tuple[str, str]]:
    r = fit.report
    found = []
    if fit.log_z is not None:
        note = " (up to a constant)" if r.get("log_z_up_to_a_constant") else ""
        found.append(("log Z", figure(fit.log_z, fit.log_z_se) + note))
    if fit.log_likelihood is not None:
        found.append(("ln q of a point", figure(fit.log_likelihood, r.get("log_likelihood_se"))))
    elif fit.elbo is not None:
        found.append(("ELBO", figure(fit.elbo, r.get("elbo_se"))))
    if fit.eubo is not None:
        found.append(("EUBO", figure(fit.eubo, r.get("eubo_se"))))
    if r.get("ess_fraction") is not None:
        khat = "" if fit.khat is None else f", k̂ {fit.khat:.2f}"
        found.append(("effective", f"{100 * r['ess_fraction']:.1f} % of {r['evaluation_draws']} draws{khat}"))
    cost = f"{r['seconds']:.2g} s"
    if r.get("gradients"):
        cost += f", {r['gradients']:,} gradients"
    found.append(("cost", cost))
    return found


def text_of(fit: Fit) -> str:
    lines = [f"<riffle.Fit> {headline(fit)}"]
    lines += [f"{name:<16}{value}" for name, value in figures(fit)]
    if fit.verdict is not None:
        lines.append(f"{'verdict':<16}{fit.verdict}")
        for reason in fit.reasons:
            lines += textwrap.wrap(reason, 78, initial_indent="  - ", subsequent_indent="    ")
    for warning in fit.warnings:
        lines += textwrap.wrap("warning: " + warning, 78, subsequent_indent="    ")
    return "\n".join(lines) + "\n\n" + fit.summary().text(_most_rows)


def html_of(fit: Fit) -> str:
    parts = [f'<div style="max-width:50em;overflow-x:auto"><p><b>{html.escape(headline(fit))}</b></p>']
    if fit.verdict is not None:
        colour = _colours.get(fit.verdict, "inherit")
        reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in fit.reasons)
        shown = "<details>" if fit.verdict == "reliable" else '<details open="open">'
        summary = f'<summary><b style="color:{colour}">{fit.verdict}</b></summary>'
        parts.append(f"{shown}{summary}<ul>{reasons}</ul></details>")
    parts += [f"<p>⚠ {html.escape(warning)}</p>" for warning in fit.warnings]
    parts.append("<table><tbody>")
    for name, value in figures(fit):
        parts.append(f'<tr><th style="text-align:left;padding-right:1em">{html.escape(name)}</th><td style="text-align:left">{html.escape(value)}</td></tr>')
    parts.append("</tbody></table>" + fit.summary().html(_most_rows) + "</div>")
    return "".join(parts)
