"""Functions of Python as callbacks of the library: what they return is checked, what they raise is kept."""

from __future__ import annotations

import traceback
from typing import Any, Callable, Optional

import numpy as np

from ._errors import UsageError
from ._library import Array, array_at

#: Central differences of order four, with steps near the fifth root of the rounding unit.
_STEP = float(np.finfo(np.float64).eps ** 0.2)


class Evaluator:
    """ln p and its gradient at points (n, dim), from a function of Python.

    `function` takes points (n, dim) if `vectorized`, else one point (dim,), and returns ln p, (n,) or a number, or that
    and the gradient, (n, dim) or (dim,). Without a gradient, from it or from `gradient`, central differences are taken.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        dim: int,
        gradient: Optional[Callable[..., Any]],
        vectorized: Optional[bool],
    ) -> None:
        self.function = function
        self.dim = dim
        self.gradient = gradient
        self.by_differences = False
        self._of_rows: Optional[Exception] = None
        self.vectorized = self._takes_rows() if vectorized is None else vectorized
        try:
            self(np.zeros((1, dim)))  # what is wrong with what it returns shows here
        except Exception as error:
            if self._of_rows is not None:  # it may be either: what it said to points in rows is shown as well
                raise error from self._of_rows
            raise
        self._of_rows = None

    def _takes_rows(self) -> bool:
        """Whether the function takes points in rows: a number of them that is not dim must give as many values."""
        rows = np.zeros((self.dim + 1, self.dim))
        try:
            with np.errstate(all="ignore"):
                value = self.function(rows)
                if isinstance(value, tuple):
                    value = value[0]
                return bool(np.shape(value) == (self.dim + 1,))
        except Exception as error:  # a function of one point may fail in any way
            self._of_rows = error
            return False

    def __call__(self, points: Array) -> tuple[Array, Array]:
        if self.vectorized:
            return self._rows(points)
        log_density = np.empty(len(points))
        gradient = np.empty_like(points)
        for i, point in enumerate(points):
            log_density[i], gradient[i] = self._point(point)
        return log_density, gradient

    def _rows(self, points: Array) -> tuple[Array, Array]:
        n = len(points)
        value = self.function(points)
        if isinstance(value, tuple):
            return _checked(value[0], (n,), "ln p"), _checked(value[1], (n, self.dim), "the gradient")
        log_density = _checked(value, (n,), "ln p")
        if self.gradient is not None:
            return log_density, _checked(self.gradient(points), (n, self.dim), "the gradient")
        self.by_differences = True
        gradient = np.empty_like(points)
        for d in range(self.dim):
            h = _STEP * np.maximum(1.0, np.abs(points[:, d]))
            moved = np.repeat(points[None], 4, axis=0)
            moved[:, :, d] += np.array([1.0, -1.0, 2.0, -2.0])[:, None] * h
            f = _checked(self.function(moved.reshape(4 * n, self.dim)), (4 * n,), "ln p").reshape(4, n)
            gradient[:, d] = (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * h)
        return log_density, gradient

    def _point(self, point: Array) -> tuple[float, Array]:
        value = self.function(point)
        if isinstance(value, tuple):
            return float(_checked(value[0], (), "ln p")), _checked(value[1], (self.dim,), "the gradient")
        log_density = float(_checked(value, (), "ln p"))
        if self.gradient is not None:
            return log_density, _checked(self.gradient(point), (self.dim,), "the gradient")
        self.by_differences = True
        gradient = np.empty(self.dim)
        for d in range(self.dim):
            h = _STEP * max(1.0, abs(point[d]))

            def at(step: float, d: int = d) -> float:
                moved = point.copy()
                moved[d] += step
                return float(_checked(self.function(moved), (), "ln p"))

            gradient[d] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
        return log_density, gradient


def _checked(value: Any, shape: tuple[int, ...], what: str) -> Array:
    """The value as an array of that shape; a number may also be an array of one."""
    if value is None:
        raise UsageError(f"the function returned None, where {what} of shape {shape} is wanted")
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"the function returned {type(value).__name__}, where {what} of shape {shape} is wanted") from None
    if array.shape != shape:
        if shape == () and array.size == 1:
            return array.reshape(())
        raise UsageError(f"the function returned shape {array.shape}, where {what} of shape {shape} is wanted")
    return array


class Kept:
    """What a callback raised, until the library has returned."""

    def __init__(self) -> None:
        self.exception: Optional[BaseException] = None

    def taken(self) -> Optional[BaseException]:
        """It, which is then kept no longer."""
        exception, self.exception = self.exception, None
        return exception


def batch_callback(evaluate: Callable[[Array], tuple[Array, Array]], kept: Kept) -> Callable[..., int]:
    """The function for riffle_target_batch."""

    def callback(n: int, dim: int, z: int, logp: int, grad: int, status: int, user: Any) -> int:
        try:
            # Copied: the memory is the library's again when this returns.
            log_density, gradient = evaluate(array_at(z, n * dim).reshape(n, dim).copy())
            array_at(logp, n)[:] = log_density
            array_at(grad, n * dim).reshape(n, dim)[:] = gradient
        except BaseException as exception:  # nothing may be raised into the library
            kept.exception = exception
            return -1
        return 0

    return callback


def expand_callback(constrain: Callable[[Array], Array], kept: Kept) -> Callable[..., int]:
    """The function for riffle_target_options.expand."""

    def callback(dim: int, z: int, count: int, values: int, user: Any) -> int:
        try:
            array_at(values, count)[:] = constrain(array_at(z, dim).copy())
        except Exception:
            # The values of this draw are missing, which the report tells; the cause is told once.
            if not getattr(kept, "told", False):
                kept.told = True  # type: ignore[attr-defined]
                traceback.print_exc()
            return 1
        return 0

    return callback
