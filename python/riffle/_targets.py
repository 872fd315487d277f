"""Something to fit: an unnormalised log density."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import math
import os
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar, Union

import numpy as np
import numpy.typing as npt

from . import _library
from ._callback import Evaluator, Kept, batch_callback, expand_callback
from ._errors import NoInputError, RiffleError, UsageError, needs
from ._library import Array, call, encoded, library, made, points_of, said
from ._settings import section_toml

_Result = TypeVar("_Result")

#: Names of values: one each, or by parameter the shape of its array.
Names = Union[Sequence[str], Mapping[str, Union[int, tuple[int, ...]]]]

#: The range of a coordinate: "positive", "unit", or (low, high), None for no bound.
Bounds = Union[str, tuple[Optional[float], Optional[float]]]

_named_bounds: dict[str, tuple[float, float]] = {
    "real": (-math.inf, math.inf),
    "positive": (0.0, math.inf),
    "negative": (-math.inf, 0.0),
    "unit": (0.0, 1.0),
}


class AnyTarget:
    """What all targets have. Made by `Target`, `from_stan` and the like, or by `fit` itself from a name or a formula."""

    def __init__(self, handle: int, what: str, kept: Optional[Kept] = None, keep: Any = None) -> None:
        self._handle = handle
        self._what = what
        self._kept = kept
        self._keep = keep  # callbacks, for as long as the library may call them
        self.coords: dict[str, Any] = {}
        self.dims: dict[str, list[str]] = {}

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", 0), 0
        if handle and not sys.is_finalizing():
            library.riffle_target_free(handle)

    def __repr__(self) -> str:
        return f"<riffle target: {self._what}, dim {self.dim}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"a target ({self._what}) cannot be pickled; make it anew in the other process")

    @property
    def dim(self) -> int:
        """How many coordinates it has."""
        return int(library.riffle_target_dim(self._handle))

    def log_density_gradient(self, points: npt.ArrayLike) -> tuple[Any, Array]:
        """ln p and its gradient at points (n, dim), or at one point (dim,), of the unconstrained space.

        Returns ln p, (n,) or a number, nan where the evaluation failed, and the gradient in the shape of the points.
        """
        rows, single = points_of(points, self.dim)
        log_density = np.empty(len(rows))
        gradient = np.empty_like(rows)
        if len(rows):
            self._calling(
                "target_evaluate",
                self._handle,
                len(rows),
                _library.address(rows),
                _library.address(log_density),
                _library.address(gradient),
            )
        return (float(log_density[0]), gradient[0]) if single else (log_density, gradient)

    def log_density(self, points: npt.ArrayLike) -> Any:
        """ln p at points (n, dim), or at one point (dim,)."""
        return self.log_density_gradient(points)[0]

    def gradient(self, points: npt.ArrayLike) -> Array:
        """The gradient of ln p, in the shape of the points."""
        return self.log_density_gradient(points)[1]

    def check_gradient(self, points: int = 8, seed: int = 1) -> dict[str, Any]:
        """Whether the gradient is that of ln p, by differences at random points of (-2, 2)^dim.

        Returns `passed`, counts, and `faults`: of each wrong coordinate (from 0) where, what was given, what was found.
        """
        found: dict[str, Any] = json.loads(self._said("check_gradient", self._handle, points, seed))
        return found

    def _guarded(self, work: Callable[[], _Result]) -> _Result:
        """What a callback raises meanwhile is raised as it is, instead of the library's word that one did."""
        failure: BaseException
        try:
            return work()
        except Exception as error:
            failure = error
        kept = self._kept.taken() if self._kept is not None else None
        raise kept if kept is not None else failure  # out of the clause, which would leave its mark on it

    def _calling(self, function: str, *arguments: Any) -> None:
        self._guarded(lambda: call(function, *arguments))

    def _said(self, function: str, *arguments: Any) -> str:
        return self._guarded(lambda: said(function, *arguments))


class Target(AnyTarget):
    """A log density of one's own, by a function of Python.

    Parameters
    ----------
    function:
        Takes points (n, dim), n at most 128, and returns ln p (n,), or ln p and its gradient (n, dim). Or takes one
        point (dim,) and returns a number, or that and the gradient (dim,). Which of them it is, is found out by a call
        with dim + 1 points, unless `vectorized` says so. ln p is up to a constant; -inf outside the support, nan where
        the evaluation failed, which is counted. What it raises ends the fit, and comes back as it is.
    dim:
        How many coordinates there are; may be left out where `names` tells.
    gradient:
        Another function that returns the gradient. Without any, differences are taken, 4 dim evaluations each, and a
        warning says so.
    names:
        Of the coordinates: a list, where "theta[0]" and the like are elements of an array, or a mapping of parameters to
        shapes, {"mu": (), "theta": (8,)}, with elements in C order. With `constrain`, names of its values.
    transforms:
        The range of coordinates that are not all of R, by name or in a list: "positive", "unit", (low, high) with None
        for no bound. The function then gets points in these ranges (on
        their very edge where rounding has it so), and returns ln p and the gradient by them: the
        maps from R and their Jacobian are the library's.
    constrain:
        A function of one point (dim,) that gives the values of interest, in which draws are told.
    parameters:
        How many of these values are parameters; the others are computed from them. All by default.
    normalized:
        Whether ln p has all its constants, so that log Z is an evidence.
    log_z:
        ln of the integral of p, where it is known.
    thread_safe:
        Whether the function may be called from several threads. With the interpreter's lock little is gained.
    name:
        What reports call it; by default the function's.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        dim: Optional[int] = None,
        *,
        gradient: Optional[Callable[..., Any]] = None,
        names: Optional[Names] = None,
        transforms: Union[None, Sequence[Bounds], Mapping[str, Bounds]] = None,
        constrain: Optional[Callable[[Array], npt.ArrayLike]] = None,
        parameters: Optional[int] = None,
        vectorized: Optional[bool] = None,
        normalized: bool = False,
        log_z: float = math.nan,
        thread_safe: bool = False,
        name: Optional[str] = None,
    ) -> None:
        if not callable(function):
            raise UsageError(f"a target is a function, not of type {type(function).__name__}")
        flat = flat_names(names)
        if dim is None:
            if flat is None or constrain is not None:
                raise UsageError("dim is missing: how many coordinates the function takes")
            dim = len(flat)
        if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)) or dim < 1:
            raise UsageError(f"dim is {dim!r}, and should be a whole number of at least 1")
        dim = int(dim)
        if flat is not None and constrain is None and len(flat) != dim:
            raise UsageError(f"there are {len(flat)} names of {dim} coordinates")

        bounds = bounds_of(transforms, flat if constrain is None else None, dim)
        inside = np.array([_inside(low, high) for low, high in bounds]) if bounds else np.zeros(dim)
        kept = Kept()
        evaluate = Evaluator(_from(function, inside), dim, gradient and _from(gradient, inside), vectorized)
        if evaluate.by_differences:
            warnings.warn(
                f"no gradient is given: it is taken by differences, {4 * dim} evaluations each", stacklevel=2
            )
        evaluate.function, evaluate.gradient = function, gradient

        options = _library.TargetOptions()
        options.size = ctypes.sizeof(_library.TargetOptions)
        options.flags = (_library.THREAD_SAFE if thread_safe else 0) | (
            _library.KEEPS_CONSTANTS if normalized else 0
        )
        if name is None:
            name = str(getattr(function, "__name__", "user"))
        options.name = name.encode()
        options.log_z = log_z
        keep: list[Any] = [_library.BATCH_FUNCTION(batch_callback(evaluate, kept))]
        if constrain is not None:
            values = _values(constrain, inside)
            if flat is None:
                flat = [f"v.{i}" for i in range(1, values + 1)]
            if len(flat) != values:
                raise UsageError(f"there are {len(flat)} names, and constrain returns {values} values")
            keep.append(_library.EXPAND_FUNCTION(expand_callback(_as_vector(constrain), kept)))
            options.expand = keep[-1]
        if flat is not None:
            keep.append((ctypes.c_char_p * len(flat))(*[text.encode() for text in flat]))
            options.names = keep[-1]
            options.value_count = len(flat)
            if parameters is not None:
                if not 0 < parameters <= len(flat):
                    raise UsageError(f"parameters is {parameters}, of {len(flat)} values")
                options.parameter_count = parameters
        if bounds:
            for field, side in (("lower", 0), ("upper", 1)):
                keep.append((ctypes.c_double * dim)(*[pair[side] for pair in bounds]))
                setattr(options, field, keep[-1])
        handle = made("target_batch", dim, keep[0], None, ctypes.byref(options))
        super().__init__(handle, name, kept, keep)


def _inside(low: float, high: float) -> float:
    """A point between two bounds, where the base's origin is mapped to."""
    if math.isfinite(low):
        return (low + high) / 2 if math.isfinite(high) else low + 1
    return high - 1 if math.isfinite(high) else 0.0


def _from(function: Callable[..., Any], origin: Array) -> Callable[..., Any]:
    return (lambda points: function(points + origin)) if origin.any() else function


def _as_vector(constrain: Callable[[Array], npt.ArrayLike]) -> Callable[[Array], Array]:
    def vector(point: Array) -> Array:
        value = constrain(point)
        if isinstance(value, Mapping):
            value = np.concatenate([np.ravel(np.asarray(part, dtype=np.float64)) for part in value.values()])
        return np.ravel(np.asarray(value, dtype=np.float64))

    return vector


def _values(constrain: Callable[[Array], npt.ArrayLike], origin: Array) -> int:
    return len(_as_vector(constrain)(origin.copy()))


def flat_names(names: Optional[Names]) -> Optional[list[str]]:
    """One name for each value, as theta.1.2, from 1."""
    if names is None:
        return None
    if isinstance(names, str):
        raise UsageError(f'names should be a list, not "{names}"')
    if isinstance(names, Mapping):
        flat = []
        for name, shape in names.items():
            sizes = (shape,) if isinstance(shape, int) else tuple(shape)
            flat += [".".join([name, *(str(i + 1) for i in index)]) for index in np.ndindex(*sizes)]
        return flat
    return [_dotted(str(name)) for name in names]


def _dotted(name: str) -> str:
    """theta[0,1], which counts from 0 as Python does, as theta.1.2."""
    stem, bracket, rest = name.partition("[")
    if not bracket or not rest.endswith("]"):
        return name
    indices = rest[:-1].replace(" ", "").split(",")
    if not all(index.isdigit() for index in indices):
        return name
    return ".".join([stem, *(str(int(index) + 1) for index in indices)])


def bounds_of(
    transforms: Union[None, Sequence[Bounds], Mapping[str, Bounds]], names: Optional[list[str]], dim: int
) -> list[tuple[float, float]]:
    """Of each coordinate its bounds; none at all where there are no transforms."""
    if transforms is None:
        return []
    if isinstance(transforms, Mapping):
        if names is None:
            raise UsageError("transforms by name need names of the coordinates")
        stems = [name.split(".")[0] for name in names]
        unknown = set(transforms) - set(stems) - set(names)
        if unknown:
            raise UsageError(f'there is no coordinate "{sorted(unknown)[0]}"; there are {", ".join(dict.fromkeys(stems))}')
        given: list[Bounds] = [transforms.get(n, transforms.get(s, "real")) for n, s in zip(names, stems)]
    else:
        given = list(transforms)
        if len(given) != dim:
            raise UsageError(f"there are {len(given)} transforms of {dim} coordinates")
    return [_bounds(one) for one in given]


def _bounds(given: Bounds) -> tuple[float, float]:
    if isinstance(given, str):
        if given not in _named_bounds:
            raise UsageError(f'there is no transform "{given}"; there are {", ".join(_named_bounds)} and (low, high)')
        return _named_bounds[given]
    try:
        low, high = given
    except (TypeError, ValueError):
        raise UsageError(f"a transform is a name or (low, high), not {given!r}") from None
    bounds = (-math.inf if low is None else float(low), math.inf if high is None else float(high))
    if not bounds[0] < bounds[1]:
        raise UsageError(f"the transform {given!r} leaves no room")
    return bounds


def built_in(name: str, **options: Any) -> AnyTarget:
    """A target that comes with Riffle, such as built_in("funnel", dim=10); `riffle list targets` names them."""
    return AnyTarget(made("target_built_in", name.encode(), encoded(section_toml(options))), name)


def formula(text: str, *, log: bool = True, coordinates: Optional[Iterable[str]] = None) -> AnyTarget:
    """A density as a formula in named coordinates: ln p, such as "-x^2/2 - (y - x^2)^2", or with log=False p.

    `coordinates` gives their names and order; without, they are the free names as they appear.
    """
    names = None if coordinates is None else ",".join(coordinates).encode()
    return AnyTarget(made("target_formula", text.encode(), int(log), names), f"{'ln p' if log else 'p'} = {text}")


def from_stan(
    program: Union[str, os.PathLike[str]],
    data: Union[None, str, os.PathLike[str], Mapping[str, Any]] = None,
    *,
    seed: int = 1,
    compiler: Optional[str] = None,
    generated_quantities: bool = True,
    keeps_constants: Optional[bool] = None,
    thread_safe: bool = False,
    quiet: bool = False,
) -> AnyTarget:
    """A Stan model.

    Parameters
    ----------
    program:
        The path of a program (.stan) or of a library with BridgeStan's interface (.so); or the text of a program.
    data:
        A mapping of names to numbers and arrays, JSON, or the path of a .json file.
    seed:
        Of random numbers in the transformed data.
    compiler:
        "stanli": by the package stanli, which takes no compiler and milliseconds; "stan": by stan_model.sh, compiled
        where the cache does not have it. By default stanli where it is installed and reads the program.
    generated_quantities:
        Whether they are computed for the draws.
    keeps_constants:
        Whether ln p has all its constants where the library refuses to compute them, as stanli's does. By default it
        is worked out: `x ~ f(a)` is rewritten as `target += f_lpdf(x | a)`, which keeps them, and the two are compared;
        where that is not possible log Z is told up to a constant.
    thread_safe:
        The library may be used from several threads though it does not say so.
    """
    if compiler not in (None, "stanli", "stan"):
        raise UsageError(f'compiler is "{compiler}": "stanli" or "stan"')
    text = os.fspath(program)
    is_path = not ("\n" in text or "{" in text)
    if is_path and not Path(text).exists():
        raise NoInputError(f"there is no file {text}")
    flags = (
        (_library.THREAD_SAFE if thread_safe else 0)
        | (0 if generated_quantities else _library.NO_GENERATED)
        | (_library.QUIET if quiet else 0)
        | (_library.KEEPS_CONSTANTS if keeps_constants else 0)
    )
    refusal: Optional[Exception] = None
    if compiler != "stan" and not (is_path and text.endswith(".so")):
        if importlib.util.find_spec("stanli") is not None:
            code = Path(text).read_text(encoding="utf-8") if is_path else text
            try:
                return _by_stanli(code, Path(text).stem if is_path else "model", data, seed, flags, keeps_constants)
            except (RuntimeError, ValueError) as error:  # stanli's, of programs that it does not read
                if compiler == "stanli" or isinstance(error, RiffleError):
                    raise
                refusal = error
        elif compiler == "stanli":
            raise needs("stanli", 'compiler="stanli"')
    what = f"Stan model {Path(text).name}" if is_path else "Stan program"
    if is_path:
        path = Path(text)
    else:
        import hashlib
        import tempfile

        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"riffle_model_{digest}.stan"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    script = _library.FOLDER / "share" / "stan_model.sh"
    if script.exists():
        os.environ.setdefault("RIFFLE_STAN_COMPILER", str(script))
    try:
        handle = made("target_stan", os.fsencode(path), encoded(stan_json(data)), seed, flags)
    except RiffleError as error:
        raise error from refusal
    return AnyTarget(handle, what)


def _by_stanli(
    code: str, name: str, data: Any, seed: int, flags: int, keeps_constants: Optional[bool]
) -> AnyTarget:
    from ._stanli import Compiled, differ_by_a_constant, with_constants

    json_text = stan_json(data)

    def target(program: str, more: int) -> AnyTarget:
        compiled = Compiled(program, name)
        all_flags = flags | more | (_library.THREAD_SAFE if compiled.thread_safe else 0)
        content = compiled.data(json_text).encode()
        handle = made("target_stan", os.fsencode(compiled.library), content, seed, all_flags)
        return AnyTarget(handle, f"Stan model {name}, by stanli")

    given = target(code, 0)
    whole = with_constants(code) if keeps_constants is None else None
    if whole is None:
        return given
    try:
        rewritten = target(whole, _library.KEEPS_CONSTANTS)
    except (RuntimeError, ValueError):
        return given
    return rewritten if differ_by_a_constant(given, rewritten) else given


def from_plugin(library_path: Union[str, os.PathLike[str]], data: Optional[str] = None, *, thread_safe: bool = False) -> AnyTarget:
    """The target in a shared library with the interface of riffle/plugin.h."""
    flags = _library.THREAD_SAFE if thread_safe else 0
    handle = made("target_plugin", os.fsencode(library_path), encoded(data), flags)
    return AnyTarget(handle, f"plug-in {Path(library_path).name}")


def stan_json(data: Union[None, str, os.PathLike[str], Mapping[str, Any]]) -> Optional[str]:
    """Data as JSON that Stan reads, or the path of a file."""
    if data is None:
        return None
    if isinstance(data, Mapping):
        return json.dumps({str(name): _jsonable(value, str(name)) for name, value in data.items()})
    text = os.fspath(data)
    if text.endswith(".json") and not Path(text).exists():
        raise NoInputError(f"there is no file {text}")
    return text


def _jsonable(value: Any, name: str) -> Any:
    try:
        array = np.asarray(value)
    except ValueError:  # NumPy's, of rows of different lengths
        array = np.asarray(None)
    if array.dtype == bool:
        array = array.astype(int)
    if array.dtype == object or not np.issubdtype(array.dtype, np.number):
        if isinstance(value, (list, tuple)):  # ragged, or complex in Stan's own spelling
            return [_jsonable(part, name) for part in value]
        raise UsageError(f"data[{name!r}] is of type {array.dtype}, and Stan takes numbers")
    if np.issubdtype(array.dtype, np.floating) and not np.all(np.isfinite(array)):
        return _spelt(array.tolist())
    return array.tolist()


def _spelt(value: Any) -> Any:
    """nan and inf as the texts that CmdStan takes."""
    if isinstance(value, list):
        return [_spelt(part) for part in value]
    return value if math.isfinite(value) else ("NaN" if math.isnan(value) else "Inf" if value > 0 else "-Inf")


def target_of(target: Any, data: Any = None, **options: Any) -> AnyTarget:
    """What `fit` takes, as a target."""
    if isinstance(target, AnyTarget):
        if data is not None or options:
            raise UsageError("data and options of a target go to the function that makes it")
        return target
    if callable(getattr(target, "log_density_gradient", None)) and hasattr(target, "param_unc_num"):
        return from_bridgestan(target)
    if callable(target):
        _no_data(data)
        return Target(target, **options)
    if isinstance(target, (str, os.PathLike)):
        text = os.fspath(target)
        if isinstance(target, os.PathLike) or text.endswith((".stan", ".so")) or "\n" in text or "{" in text:
            return from_stan(text, data, **options)
        if isinstance(data, (str, os.PathLike)):
            return built_in(text, data=os.fspath(data), **options)
        _no_data(data)
        if text.replace("-", "").replace("_", "").isalnum():
            return built_in(text, **options)
        return formula(text, **options)
    raise UsageError(
        f"a target is a name, a formula, a Stan program, a function, or of riffle.Target, from_jax and the like, "
        f"not of type {type(target).__name__}"
    )


def _no_data(data: Any) -> None:
    if data is not None:
        raise UsageError("data are for Stan programs, and a path for built-in targets: a function knows its own")


def from_bridgestan(model: Any) -> AnyTarget:
    """A bridgestan.StanModel: its library and data, through the library's own interface."""
    path = getattr(model, "lib_path", None)
    data = getattr(model, "data_path", None) or getattr(model, "data", None) or None
    if path is None:
        raise UsageError("this StanModel does not tell where its library is (lib_path)")
    handle = made("target_stan", os.fsencode(path), encoded(stan_json(data)), getattr(model, "seed", 1), 0)
    return AnyTarget(handle, f"Stan model {model.name()}")
