"""Draws by parameter, and of equal weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import Array


def by_parameter(names: list[str], values: Array) -> dict[str, Array]:
    """Columns theta.1, theta.2, L.1.1, ... as one array for each parameter, (n, *shape)."""
    columns: dict[str, list[tuple[tuple[int, ...], int]]] = {}
    for column, name in enumerate(names):
        parts = name.split(".")
        tail: list[int] = []
        while len(parts) > 1 and parts[-1].isdigit():
            tail.insert(0, int(parts.pop()))
        columns.setdefault(".".join(parts), []).append((tuple(tail), column))
    arrays: dict[str, Array] = {}
    for stem, entries in columns.items():
        ranks = {len(index) for index, _ in entries}
        shape = tuple(max(index[axis] for index, _ in entries) for axis in range(min(ranks)))
        whole = len(ranks) == 1 and int(np.prod(shape, dtype=np.int64)) == len(entries)
        if not whole or any(0 in index for index, _ in entries):
            # Not the elements of one array: each by its own name.
            for _, column in entries:
                arrays[names[column]] = values[:, column].copy()
            continue
        array = np.empty((len(values), *shape))
        for index, column in entries:
            where: tuple[Any, ...] = (slice(None), *(i - 1 for i in index))
            array[where] = values[:, column]
        arrays[stem] = array
    return arrays


def equal_weights(log_weights: Array) -> npt.NDArray[np.intp]:
    """Rows whose draws are of equal weight: systematic resampling, in order. Draws are independent and in no order, so
    that a fixed offset serves, and no random number is used."""
    w = np.exp(log_weights - np.nanmax(log_weights))
    w = np.where(np.isnan(w), 0.0, w)
    n = len(w)
    ends = np.cumsum(w)
    at = (np.arange(n) + 0.5) / n * ends[-1]
    rows: npt.NDArray[np.intp] = np.minimum(np.searchsorted(ends, at, side="right"), n - 1).astype(np.intp)
    return rows
