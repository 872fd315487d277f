"""Fits, and what they found."""

from __future__ import annotations

import ctypes
import io
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _library
from ._arrays import by_parameter, equal_weights
from ._errors import DataError, NoInputError, UsageError
from ._flow import Flow
from ._library import Array, address, call, library, made
from ._progress import OnProgress, OnStage, shown
from ._run import Running
from ._settings import settings_toml
from ._summary import Summary
from ._targets import AnyTarget, target_of

_target_options = {
    "dim",
    "gradient",
    "names",
    "transforms",
    "constrain",
    "parameters",
    "vectorized",
    "normalized",
    "log_z",
    "thread_safe",
    "coordinates",
    "log",
    "generated_quantities",
    "keeps_constants",
    "compiler",
}
_arrays = ("draws", "log_q", "log_p", "log_weights", "values", "loss", "held_out_loss")


def fit(
    target: Any,
    data: Any = None,
    *,
    seed: int = 1,
    n_draws: int = 20_000,
    progress: Optional[bool] = None,
    on_stage: OnStage = None,
    on_progress: OnProgress = None,
    **settings: Any,
) -> Fit:
    """Fits an unnormalised log density: independent draws, the evidence, and a verdict on whether to trust them.

    Parameters
    ----------
    target:
        A function (see `Target`), a `Target`, what `from_stan`, `from_jax`, `from_torch`, `from_numpyro` or `from_pymc`
        make, a bridgestan.StanModel, the path or text of a Stan program, a formula for ln p in named coordinates, or the
        name of a built-in target.
    data:
        Of a Stan program: a mapping, JSON, or the path of a .json file. Of the built-in target "logistic": the path of
        a table.
    seed:
        Of all random numbers; the same seed gives the same bits on any number of threads.
    n_draws:
        How many draws are kept. Where they have to be weighted, few of many are effective; fewer tell less.
    progress:
        Whether to show what it does; by default in terminals and notebooks.
    on_stage, on_progress:
        Called with a `Stage` or a `Progress`; returning False ends the fit with what there is.
    settings:
        By the names of the options of `riffle fit`: threads, max_seconds, max_gradients, fits, ...; with flow, base,
        objective, optimizer, schedule, iterations, batch or learning_rate that flow is trained as told, instead of what
        the target needs being found out. Any key of a spec goes, its dot written as two underscores: run__simd="AVX2".
        Options of `Target` and the like (dim, names, transforms, ...) too.

    Ctrl-C ends the fit with what there is: `stop_reason` is then "interrupted". What the function raises is raised.
    """
    options = {name: settings.pop(name) for name in list(settings) if name in _target_options}
    made_target = target_of(target, data, **options)
    toml = settings_toml({"seed": seed, "n_draws": n_draws, **settings})
    running = Running(shown(progress), on_stage, on_progress)
    kept = made_target._kept

    def work() -> int:
        return made("fit", made_target._handle, toml.encode(), ctypes.byref(running.callbacks))

    try:
        report = made_target._guarded(lambda: running.run(work, in_this_thread=kept is not None))
    finally:
        running.screen.close()
    return Fit._of_report(report, made_target)


def fit_samples(
    points: Any,
    *,
    names: Optional[list[str]] = None,
    seed: int = 1,
    progress: Optional[bool] = None,
    on_stage: OnStage = None,
    on_progress: OnProgress = None,
    **settings: Any,
) -> Fit:
    """Learns the density of points by maximum likelihood; a tenth of them is held out to end the training.

    Parameters
    ----------
    points:
        (n, dim), or (n,) of one coordinate: an array, a pandas or polars data frame, whose names are kept, or anything
        with `__array__`. Finite numbers.
    names:
        Of the coordinates.
    """
    if names is None and hasattr(points, "columns") and not isinstance(points, np.ndarray):
        names = [str(name) for name in points.columns]
    array = np.asarray(points)
    if array.dtype == object or not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise UsageError(f"points should be real numbers, not of type {array.dtype}")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise UsageError(f"points have shape {array.shape}, and should be (n, dim)")
    rows = np.ascontiguousarray(array, dtype=np.float64)
    n, dim = rows.shape
    if names is not None and len(names) != dim:
        raise UsageError(f"there are {len(names)} names of {dim} coordinates")
    texts = (ctypes.c_char_p * dim)(*[str(name).encode() for name in names]) if names is not None else None
    toml = settings_toml({"seed": seed, **settings})
    running = Running(shown(progress), on_stage, on_progress)

    def work() -> int:
        return made("fit_samples", n, dim, address(rows), texts, toml.encode(), ctypes.byref(running.callbacks))

    try:
        report = running.run(work, in_this_thread=False)
    finally:
        running.screen.close()
    return Fit._of_report(report, None)


class Fit:
    """What a fit found. Pickles; needs nothing but itself.

    `report` has all figures, as summary.json of the command line has them.
    """

    def __init__(self, state: dict[str, Any], target: Optional[AnyTarget] = None) -> None:
        self._state = state
        self._target = target
        self._flow: Optional[Flow] = None
        #: All figures by their names in docs/summary.md.
        self.report: dict[str, Any] = json.loads(state["json"])

    @classmethod
    def _of_report(cls, report: int, target: Optional[AnyTarget]) -> Fit:
        try:
            text: bytes = library.riffle_report_json(report)
            state: dict[str, Any] = {"json": text.decode(), "flow": Flow._of_report(report)._bytes()}
            for name in _arrays:
                found = _library.ArrayStruct()
                call("report_array", report, name.encode(), ctypes.byref(found))
                shape = (found.rows, found.columns) if found.columns > 1 or name in ("draws", "values") else (found.rows,)
                state[name] = (
                    _library.array_at(found.data, found.rows * found.columns).reshape(shape).copy() if found.data else None
                )
            for name, of_values in (("coordinates", 0), ("value_names", 1)):
                array = state["values" if of_values else "draws"]
                columns = 0 if array is None else array.shape[1]
                state[name] = [(library.riffle_report_name(report, of_values, i) or b"").decode() for i in range(columns)]
        finally:
            library.riffle_report_free(report)
        if target is not None:
            state["coords"], state["dims"] = target.coords, target.dims
        return cls(state, target)

    def __getstate__(self) -> dict[str, Any]:
        return self._state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state)  # type: ignore[misc]

    # ---- Figures ----

    def _number(self, key: str) -> Optional[float]:
        value = self.report.get(key)
        return None if value is None else float(value)

    @property
    def log_z(self) -> Optional[float]:
        """The evidence ln Z, in nats; None where there is none."""
        return self._number("log_z")

    @property
    def log_z_se(self) -> Optional[float]:
        """Its standard error."""
        return self._number("log_z_se")

    @property
    def elbo(self) -> Optional[float]:
        """E_q[ln p - ln q], a lower bound of ln Z."""
        return self._number("elbo")

    @property
    def eubo(self) -> Optional[float]:
        """E_p[ln p - ln q], an upper bound; None where no sampler drew from p."""
        return self._number("eubo")

    @property
    def khat(self) -> Optional[float]:
        """Pareto k of the importance weights."""
        return self._number("khat")

    @property
    def ess(self) -> Optional[float]:
        """Effective draws of those that judged the fit."""
        return self._number("ess")

    @property
    def log_likelihood(self) -> Optional[float]:
        """Of a fit to points: mean ln q of a point that was held out."""
        return self._number("log_likelihood")

    @property
    def verdict(self) -> Optional[str]:
        """ "reliable": use the draws; "reliable-after-reweighting": with their weights; "unreliable": do not use them.
        None of fits that are not judged."""
        return self.report.get("verdict")

    @property
    def reasons(self) -> list[str]:
        """Of the verdict, in sentences."""
        return list(self.report.get("verdict_reasons") or [])

    @property
    def warnings(self) -> list[str]:
        """In sentences."""
        return list(self.report.get("warnings") or [])

    @property
    def stages(self) -> list[dict[str, Any]]:
        """What was done and what came of it."""
        return list(self.report.get("stages") or [])

    @property
    def stop_reason(self) -> str:
        """ "completed", "interrupted", "out-of-budget", ..."""
        return str(self.report["stop_reason"])

    @property
    def losses(self) -> Array:
        """(k, 2): iterations done, and the objective then."""
        loss: Array = self._state["loss"] if self._state["loss"] is not None else np.empty((0, 2))
        return loss

    # ---- Draws ----

    @property
    def _values(self) -> tuple[list[str], Array]:
        state = self._state
        if state["values"] is not None:
            return state["value_names"], state["values"]
        names = [name or f"z.{i + 1}" for i, name in enumerate(state["coordinates"])]
        return names, state["draws"]

    @property
    def log_weights(self) -> Optional[Array]:
        """(n,): ln p - ln q of the raw draws; None of a fit to points."""
        weights: Optional[Array] = self._state["log_weights"]
        return weights

    @property
    def unconstrained_draws(self) -> Array:
        """(n, dim): the flow's own draws, in its coordinates, unweighted."""
        draws: Array = self._state["draws"]
        return draws

    @property
    def draws(self) -> dict[str, Array]:
        """Draws of equal weight, by parameter: (n, *shape). As they are where the verdict is "reliable", else resampled
        by their weights."""
        draws: dict[str, Array] = self.get_draws()
        return draws

    def get_draws(self, *, weights: bool = False) -> Any:
        """The same; with weights=True the raw draws and, beside them, their normalised weights (n,)."""
        names, values = self._values
        log_weights = self.log_weights
        if weights:
            if log_weights is None:
                raise UsageError("these draws have no weights: they are of a fit to points")
            w = np.exp(log_weights - np.nanmax(log_weights))
            w = np.where(np.isnan(w), 0.0, w)
            return by_parameter(names, values), w / w.sum()
        return by_parameter(names, values[self._equal()])

    def _equal(self) -> npt.NDArray[np.intp]:
        n = len(self._values[1])
        if self.log_weights is None or self.verdict == "reliable" or not np.isfinite(self.log_weights).any():
            return np.arange(n)
        return equal_weights(self.log_weights)

    def to_dataframe(self, *, weights: bool = False) -> Any:
        """A pandas.DataFrame with a row a draw and a column a value; with weights=True the raw draws with their
        `log_weight`."""
        try:
            import pandas
        except ImportError:
            from ._errors import needs

            raise needs("pandas", "to_dataframe()") from None
        names, values = self._values
        if not weights:
            return pandas.DataFrame(values[self._equal()], columns=names)
        frame = pandas.DataFrame(values, columns=names)
        frame["log_weight"] = self.log_weights
        return frame

    def to_arviz(self) -> Any:
        """arviz.InferenceData (0.x) or a DataTree (1.x): one chain of the draws of equal weight, ln p and ln q of each in
        sample_stats, and as attributes seed, version, verdict and the evidence."""
        from ._arviz import to_arviz

        names, values = self._values
        rows = self._equal()
        return to_arviz(self, by_parameter(names, values[rows]), rows)

    def summary(self) -> Summary:
        """Mean, sd, Monte Carlo error and quantiles of each value; weighted where the verdict asks for it."""
        figures = self.report.get("parameters")
        if isinstance(figures, Mapping):
            return Summary({name: dict(row) for name, row in figures.items()})
        names, values = self._values
        return Summary.of_draws(names, values)

    # ---- The flow ----

    @property
    def flow(self) -> Flow:
        """The trained flow."""
        if self._flow is None:
            self._flow = Flow(Flow._handle_of(self._state["flow"]))
        return self._flow

    def diagnose(self, draws: int = 20_000, seed: int = 1, *, target: Optional[AnyTarget] = None) -> dict[str, Any]:
        """Weighs fresh draws of the flow, and judges by them: log_z, elbo, khat, verdict, ... `target` is needed where this
        fit was unpickled or loaded."""
        of = target or self._target
        if of is None:
            raise UsageError("a fit that was loaded, or is of points, has no target: give one, target=...")
        found: dict[str, Any] = json.loads(of._said("diagnose", self.flow._handle, of._handle, draws, seed))
        return found

    # ---- Files ----

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes all of it into one file, which `riffle.load` reads: NumPy's .npz, without pickles."""
        arrays = {name: self._state[name] for name in _arrays if self._state[name] is not None}
        text = json.dumps({key: self._state[key] for key in ("json", "coordinates", "value_names")})
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            riffle_fit=np.frombuffer(text.encode(), np.uint8),
            flow=np.frombuffer(self._state["flow"], np.uint8),
            **arrays,
        )
        temporary = Path(f"{os.fspath(path)}.{os.getpid()}.tmp")
        temporary.write_bytes(buffer.getvalue())
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> Fit:
        """Reads what `save` wrote, or the folder of a run of the command line."""
        where = Path(path)
        if where.is_dir():
            return cls(_state_of_folder(where))
        if not where.exists():
            raise NoInputError(f"there is no file {where}")
        try:
            with np.load(where, allow_pickle=False) as content:
                state: dict[str, Any] = json.loads(content["riffle_fit"].tobytes())
                state["flow"] = content["flow"].tobytes()
                for name in _arrays:
                    state[name] = content[name] if name in content else None
        except (ValueError, KeyError, OSError, EOFError) as error:
            raise DataError(f"{where} is no fit that was saved: {error}") from None
        return cls(state)

    # ---- What one sees ----

    def plot(self, parameters: Optional[list[str]] = None) -> Any:
        """A page of the posterior as a matplotlib figure: marginals, weights, the verdict."""
        from ._plot import plot

        return plot(self, parameters)

    def __repr__(self) -> str:
        from ._display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from ._display import html_of

        return html_of(self)


def _state_of_folder(folder: Path) -> dict[str, Any]:
    for name in ("summary.json", "model.riffle", "draws.csv"):
        if not (folder / name).exists():
            raise NoInputError(f"{folder} is not the folder of a run that is complete: it has no {name}")
    state: dict[str, Any] = {name: None for name in _arrays}
    state["json"] = (folder / "summary.json").read_text(encoding="utf-8")
    state["flow"] = (folder / "model.riffle").read_bytes()
    with open(folder / "draws.csv", encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    header = lines[0].strip().split(",")
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:] if line.strip()])
    table = table.reshape(-1, len(header))
    columns = {name: table[:, i] for i, name in enumerate(header)}
    values = [name for name in header if not name.endswith("__")]
    state["values"] = np.column_stack([columns[name] for name in values]) if values else None
    state["value_names"] = values
    state["draws"] = state["values"]
    state["coordinates"] = values
    state["log_q"] = columns.get("lp_approx__")
    state["log_p"] = columns.get("lp__")
    if state["log_p"] is not None and state["log_q"] is not None and not json.loads(state["json"]).get("resampled"):
        state["log_weights"] = state["log_p"] - state["log_q"]
    return state


def load(path: Union[str, os.PathLike[str]]) -> Union[Fit, Flow]:
    """Reads a fit that was saved, the folder of a run of the command line, or a trained flow (model.riffle)."""
    where = Path(path)
    if where.is_file():
        with open(where, "rb") as file:
            if file.read(1) == b"{":
                return Flow.load(where)
    return Fit.load(where)


def compare(fits: Union[Mapping[str, Fit], list[Fit]]) -> Summary:
    """Evidences of fits (of fits to points, the mean ln q of a point), the best first: differences to it with the errors
    of both, and Bayes factors. Evidences compare models only where priors are normalised and the data the same."""
    named = dict(fits) if isinstance(fits, Mapping) else {f"fit {i}": fit for i, fit in enumerate(fits)}
    if len(named) < 2:
        raise UsageError("at least two fits are compared")
    of_points = all(fit.log_z is None and fit.log_likelihood is not None for fit in named.values())
    key = "log_likelihood" if of_points else "log_z"
    for name, one in named.items():
        if one.report.get(key) is None:
            raise UsageError(f"{name} has no {key}")
    ranked = sorted(named.items(), key=lambda item: -float(item[1].report[key]))
    best = ranked[0][1]
    rows: dict[str, dict[str, Any]] = {}
    for name, one in ranked:
        value, se = float(one.report[key]), float(one.report.get(key + "_se") or math.nan)
        difference = value - float(best.report[key])
        row: dict[str, Any] = {key: value, key + "_se": se, "difference": difference}
        row["difference_se"] = 0.0 if one is best else math.hypot(se, float(best.report.get(key + "_se") or math.nan))
        if not of_points:
            row["bayes_factor"] = math.exp(difference)
            row["verdict"] = one.verdict
        rows[name] = row
    return Summary(rows)


