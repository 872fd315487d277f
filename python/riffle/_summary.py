"""Small tables: of parameters, of fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ._library import Array


class Summary(Mapping[str, dict[str, Any]]):
    """A table with a row for each name, a dict of figures; shown as text and, in notebooks, as HTML."""

    def __init__(self, rows: dict[str, dict[str, Any]]) -> None:
        self._rows = rows

    @classmethod
    def of_draws(cls, names: list[str], values: Array) -> Summary:
        """Of draws of equal weight, (n, number of names)."""
        rows = {}
        for name, column in zip(names, values.T):
            q5, q50, q95 = np.quantile(column, [0.05, 0.5, 0.95])
            sd = float(np.std(column, ddof=1)) if len(column) > 1 else float("nan")
            rows[name] = {
                "mean": float(np.mean(column)),
                "sd": sd,
                "mcse": sd / len(column) ** 0.5,
                "q5": float(q5),
                "q50": float(q50),
                "q95": float(q95),
            }
        return cls(rows)

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def columns(self) -> list[str]:
        """Names of the figures."""
        return list(dict.fromkeys(key for row in self._rows.values() for key in row))

    def to_dataframe(self) -> Any:
        """As a pandas.DataFrame, indexed by name."""
        try:
            import pandas
        except ImportError:
            from ._errors import needs

            raise needs("pandas", "to_dataframe()") from None
        return pandas.DataFrame.from_dict(self._rows, orient="index")

    def _cells(self, most: int) -> list[list[str]]:
        rows = list(self._rows.items())[:most]
        return [["", *self.columns]] + [[name, *(_text(row.get(c)) for c in self.columns)] for name, row in rows]

    def text(self, most: int = 10**9) -> str:
        """The first rows as lines."""
        cells = self._cells(most)
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        lines = [
            "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
            for row in cells
        ]
        if len(self) > most:
            lines.append(f"... and {len(self) - most} more")
        return "\n".join(line.rstrip() for line in lines)

    def html(self, most: int = 10**9) -> str:
        """The first rows as a table of HTML."""
        import html

        head, *rows = self._cells(most)
        parts = ["<table><thead><tr>", *(f'<th style="text-align:right;padding-left:1em">{html.escape(c)}</th>' for c in head), "</tr></thead><tbody>"]
        for row in rows:
            parts.append("<tr>" + f'<th style="text-align:left">{html.escape(row[0])}</th>')
            parts.append("".join(f'<td style="text-align:right">{html.escape(c)}</td>' for c in row[1:]) + "</tr>")
        parts.append("</tbody></table>")
        if len(self) > most:
            parts.append(f"<p>... and {len(self) - most} more</p>")
        return "".join(parts)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.html()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
