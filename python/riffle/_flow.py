"""A trained flow: draws, densities, maps."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from ._errors import UsageError
from ._library import Array, address, call, library, made, points_of, said


class Flow:
    """A trained flow, of a fit (`fit.flow`) or a file model.riffle (`Flow.load`). Never changes; may be used from several
    threads. Pickles."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        text: bytes = library.riffle_flow_json(handle)
        #: What it is: base, flow, precision, columns, number of parameters, ...
        self.info: dict[str, Any] = json.loads(text)

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> Flow:
        """Reads a file model.riffle."""
        return cls(made("flow_load", os.fsencode(path)))

    @classmethod
    def _of_report(cls, report: int) -> Flow:
        return cls(made("report_flow", report))

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", 0), 0
        if handle and not sys.is_finalizing():
            library.riffle_flow_free(handle)

    def __repr__(self) -> str:
        return f"<riffle flow: {self.info['base']} -> {self.info['flow']}, dim {self.dim}, {self.info['precision']}>"

    def __getstate__(self) -> bytes:
        return self._bytes()

    def __setstate__(self, state: bytes) -> None:
        self.__init__(self._handle_of(state))  # type: ignore[misc]

    def _bytes(self) -> bytes:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.riffle"
            self.save(path)
            return path.read_bytes()

    @staticmethod
    def _handle_of(content: bytes) -> int:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.riffle"
            path.write_bytes(content)
            return made("flow_load", os.fsencode(path))

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the file model.riffle of the command line, which holds a check of itself."""
        call("flow_save", self._handle, os.fsencode(path))

    @property
    def dim(self) -> int:
        """How many coordinates it has."""
        return int(library.riffle_flow_dim(self._handle))

    @property
    def columns(self) -> list[str]:
        """Names of the coordinates, if they have any."""
        return list(self.info["columns"])

    def sample(self, n: int, seed: int = 1, *, first: int = 0) -> Array:
        """Independent draws (n, dim): first, first + 1, ... of the stream that belongs to `seed`, always the same."""
        return self.sample_log_prob(n, seed, first=first)[0]

    def sample_log_prob(self, n: int, seed: int = 1, *, first: int = 0) -> tuple[Array, Array]:
        """The same draws, and ln q of each (n,)."""
        count = _whole(n, "n")
        draws = np.empty((count, self.dim))
        log_q = np.empty(count)
        if count:
            call(
                "flow_draw",
                self._handle,
                _whole(seed, "seed"),
                _whole(first, "first"),
                count,
                address(draws),
                address(log_q),
                None,
            )
        return draws, log_q

    def log_prob(self, points: npt.ArrayLike) -> Any:
        """ln q at points (n, dim), or at one point (dim,); nan at points that are not finite."""
        rows, single = points_of(points, self.dim)
        log_q = np.empty(len(rows))
        if len(rows):
            call("flow_log_density", self._handle, len(rows), address(rows), address(log_q), None)
        return float(log_q[0]) if single else log_q

    def score(self, points: npt.ArrayLike) -> Array:
        """The gradient of ln q, in the shape of the points."""
        rows, single = points_of(points, self.dim)
        score = np.empty_like(rows)
        if len(rows):
            call("flow_log_density", self._handle, len(rows), address(rows), None, address(score))
        return score[0] if single else score

    def from_base(self, points: npt.ArrayLike, *, log_det: bool = False) -> Any:
        """From the base's space to the draws': images in the shape of the points, with log_det=True also ln|det| (n,)."""
        return self._mapped("flow_to_sample", points, log_det)

    def to_base(self, points: npt.ArrayLike, *, log_det: bool = False) -> Any:
        """The inverse of `from_base`."""
        return self._mapped("flow_to_base", points, log_det)

    def _mapped(self, function: str, points: npt.ArrayLike, with_log_det: bool) -> Any:
        rows, single = points_of(points, self.dim)
        images = np.empty_like(rows)
        log_det = np.empty(len(rows))
        if len(rows):
            call(function, self._handle, len(rows), address(rows), address(images), address(log_det))
        if single:
            return (images[0], float(log_det[0])) if with_log_det else images[0]
        return (images, log_det) if with_log_det else images

    def check(self, draws: int = 4096, seed: int = 1) -> list[dict[str, str]]:
        """Looks for what could be wrong with the flow (inverse, log-det, normalisation, ...): of each check its name,
        what was found, the bound, and the outcome, "ok", "failed" or "not checked"."""
        found: list[dict[str, str]] = json.loads(said("audit", self._handle, _whole(draws, "draws"), _whole(seed, "seed")))
        return found


def _whole(value: Optional[int], what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0 or value >= 2**64:
        raise UsageError(f"{what} is {value!r}, and should be a whole number of at least 0")
    return int(value)
