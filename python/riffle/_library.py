"""The C library, riffle/c.h, by ctypes: the functions with their types, and errors as exceptions.

Calls release the interpreter's lock, callbacks take it.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_size_t,
    c_uint,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ._errors import error_of

Array = npt.NDArray[np.float64]

FOLDER = Path(__file__).parent

# Callbacks get addresses as numbers: an array over one of them is made without a detour.
BATCH_FUNCTION = CFUNCTYPE(c_int, c_size_t, c_size_t, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)
EXPAND_FUNCTION = CFUNCTYPE(c_int, c_size_t, c_void_p, c_size_t, c_void_p, c_void_p)

THREAD_SAFE = 1
KEEPS_CONSTANTS = 2
NO_GENERATED = 4
QUIET = 8


class TargetOptions(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint),
        ("name", c_char_p),
        ("log_z", c_double),
        ("expand", EXPAND_FUNCTION),
        ("value_count", c_size_t),
        ("parameter_count", c_size_t),
        ("names", POINTER(c_char_p)),
        ("lower", POINTER(c_double)),
        ("upper", POINTER(c_double)),
    ]


class ProgressStruct(Structure):
    _fields_ = [
        ("iteration", c_uint64),
        ("iterations", c_uint64),
        ("loss", c_double),
        ("gradients", c_uint64),
        ("elbo", c_double),
        ("seconds", c_double),
        ("what", c_char_p),
    ]


class StageStruct(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("message", c_char_p),
        ("gradients", c_uint64),
        ("seconds", c_double),
        ("elbo", c_double),
        ("elbo_se", c_double),
        ("ess_fraction", c_double),
    ]


PROGRESS_FUNCTION = CFUNCTYPE(c_int, POINTER(ProgressStruct), c_void_p)
STAGE_FUNCTION = CFUNCTYPE(c_int, POINTER(StageStruct), c_void_p)


class FitCallbacks(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("on_progress", PROGRESS_FUNCTION),
        ("on_stage", STAGE_FUNCTION),
        ("user", c_void_p),
    ]


class ArrayStruct(Structure):
    _fields_ = [("data", c_void_p), ("rows", c_size_t), ("columns", c_size_t)]


_error = POINTER(c_void_p)
_handle_out = POINTER(c_void_p)

# Of each function that can fail, the types of its arguments but for the last, the error.
_functions: dict[str, list[Any]] = {
    "target_built_in": [c_char_p, c_char_p, _handle_out],
    "target_formula": [c_char_p, c_int, c_char_p, _handle_out],
    "target_stan": [c_char_p, c_char_p, c_uint64, c_uint, _handle_out],
    "target_plugin": [c_char_p, c_char_p, c_uint, _handle_out],
    "target_batch": [c_size_t, BATCH_FUNCTION, c_void_p, POINTER(TargetOptions), _handle_out],
    "target_evaluate": [c_void_p, c_size_t, c_void_p, c_void_p, c_void_p],
    "check_gradient": [c_void_p, c_size_t, c_uint64, POINTER(c_void_p)],
    "fit": [c_void_p, c_char_p, POINTER(FitCallbacks), _handle_out],
    "fit_samples": [
        c_size_t,
        c_size_t,
        c_void_p,
        POINTER(c_char_p),
        c_char_p,
        POINTER(FitCallbacks),
        _handle_out,
    ],
    "report_array": [c_void_p, c_char_p, POINTER(ArrayStruct)],
    "report_flow": [c_void_p, _handle_out],
    "flow_load": [c_char_p, _handle_out],
    "flow_save": [c_void_p, c_char_p],
    "flow_draw": [c_void_p, c_uint64, c_uint64, c_size_t, c_void_p, c_void_p, c_void_p],
    "flow_log_density": [c_void_p, c_size_t, c_void_p, c_void_p, c_void_p],
    "flow_to_sample": [c_void_p, c_size_t, c_void_p, c_void_p, c_void_p],
    "flow_to_base": [c_void_p, c_size_t, c_void_p, c_void_p, c_void_p],
    "diagnose": [c_void_p, c_void_p, c_uint64, c_uint64, POINTER(c_void_p)],
    "audit": [c_void_p, c_uint64, c_uint64, POINTER(c_void_p)],
}


def _load() -> ctypes.CDLL:
    name = os.environ.get("RIFFLE_LIBRARY") or str(FOLDER / "libriffle_c.so")
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise ImportError(
            f"Riffle's library cannot be loaded: {error}. Install the package by pip, or let the environment "
            "variable RIFFLE_LIBRARY name libriffle_c.so"
        ) from None
    for function, types in _functions.items():
        entry = getattr(library, "riffle_" + function)
        entry.argtypes = [*types, _error]
        entry.restype = c_int
    library.riffle_version.restype = c_char_p
    library.riffle_free_text.argtypes = [c_void_p]
    library.riffle_free_text.restype = None
    for kind in ("target", "report", "flow"):
        free = getattr(library, f"riffle_{kind}_free")
        free.argtypes = [c_void_p]
        free.restype = None
    for kind in ("target", "flow"):
        dim = getattr(library, f"riffle_{kind}_dim")
        dim.argtypes = [c_void_p]
        dim.restype = c_size_t
    for kind in ("report", "flow"):
        text = getattr(library, f"riffle_{kind}_json")
        text.argtypes = [c_void_p]
        text.restype = c_char_p
    library.riffle_report_name.argtypes = [c_void_p, c_int, c_size_t]
    library.riffle_report_name.restype = c_char_p
    return library


library = _load()


def version() -> str:
    """The version of the library, such as "0.1.0"."""
    text: bytes = library.riffle_version()
    return text.decode()


def take_text(address: c_void_p) -> str:
    """A text that the library gave, copied and freed."""
    text = ctypes.string_at(address.value or 0).decode()
    library.riffle_free_text(address)
    return text


def call(function: str, *arguments: Any) -> None:
    """Calls riffle_<function>; what goes wrong is raised."""
    error = c_void_p()
    code: int = getattr(library, "riffle_" + function)(*arguments, ctypes.byref(error))
    if code != 0:
        message = take_text(error) if error.value else "there is not enough memory"
        raise error_of(code, message)


def made(function: str, *arguments: Any) -> int:
    """Calls a function whose last argument but the error is where a handle goes, and returns that."""
    handle = c_void_p()
    call(function, *arguments, ctypes.byref(handle))
    assert handle.value is not None
    return handle.value


def said(function: str, *arguments: Any) -> str:
    """The same of a function that makes a text."""
    text = c_void_p()
    call(function, *arguments, ctypes.byref(text))
    return take_text(text)


def encoded(text: Optional[str]) -> Optional[bytes]:
    return None if text is None else text.encode()


def address(array: Array) -> c_void_p:
    """Where the numbers of an array are; it must be contiguous, and outlive the call."""
    return c_void_p(array.ctypes.data)


def array_at(where: int, count: int) -> Array:
    """The numbers there, not copied: for as long as they are there."""
    memory: Any = (c_double * count).from_address(where)
    return np.frombuffer(memory, dtype=np.float64)


def points_of(points: npt.ArrayLike, dim: int, what: str = "points") -> tuple[Array, bool]:
    """Points (n, dim), contiguous and in the machine's order, and whether one point (dim,) was given."""
    from ._errors import UsageError

    array = np.asarray(points)
    if array.dtype == object or not np.issubdtype(array.dtype, np.number):
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise UsageError(f"{what} should be numbers, not of type {array.dtype}") from None
    if np.iscomplexobj(array):
        raise UsageError(f"{what} should be real numbers, not of type {array.dtype}")
    single = array.ndim == 1 and (dim != 1 or array.shape == (1,))
    if array.ndim == 1 and dim == 1 and not single:
        array = array[:, None]
    rows = array[None, :] if single else array
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise UsageError(f"{what} have shape {array.shape}, and should be (n, {dim}), or ({dim},) for one point")
    return np.ascontiguousarray(rows, dtype=np.float64), single
