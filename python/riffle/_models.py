"""Models of JAX, PyTorch, NumPyro, PyMC and of stanli as targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional, Union

import numpy as np

from ._errors import UsageError, needs
from ._library import Array
from ._targets import Bounds, Names, Target

#: Numbers of points that compiled functions are called with: others are filled up, or each would be compiled anew.
_SIZES = (1, 16, 128)


def _filled(points: Array) -> Array:
    n = len(points)
    size = next((size for size in _SIZES if size >= n), n)
    return points if size == n else np.concatenate([points, np.repeat(points[-1:], size - n, axis=0)])


def _jax(what: str) -> Any:
    try:
        import jax
    except ImportError:
        raise needs("jax", what) from None
    if jax.config.jax_enable_x64:
        return jax
    raise UsageError(
        f"{what} needs double precision, which JAX has turned off: "
        'jax.config.update("jax_enable_x64", True) before its first array, or JAX_ENABLE_X64=1 in the environment'
    )


def _compiled_by_jax(jax: Any, function: Callable[..., Any]) -> Callable[[Array], tuple[Array, Array]]:
    compiled = jax.jit(jax.vmap(jax.value_and_grad(function)))

    def evaluate(points: Array) -> tuple[Array, Array]:
        n = len(points)
        log_density, gradient = compiled(_filled(points))
        return np.asarray(log_density, dtype=np.float64)[:n], np.asarray(gradient, dtype=np.float64)[:n]

    return evaluate


def from_jax(
    function: Callable[..., Any],
    dim: Optional[int] = None,
    *,
    names: Optional[Names] = None,
    transforms: Union[None, Sequence[Bounds], Mapping[str, Bounds]] = None,
    normalized: bool = False,
    log_z: float = math.nan,
) -> Target:
    """A log density written in JAX: of one point (dim,), a scalar. It is vectorised, differentiated and compiled here.

    Parameters
    ----------
    function:
        ln p of one point (dim,), by jax.numpy, up to a constant.
    dim, names, transforms, normalized, log_z:
        As of `Target`.

    Raises UsageError where JAX computes in single precision (jax_enable_x64 is off), NotInstalledError without JAX.
    """
    jax = _jax("from_jax")
    return Target(
        _compiled_by_jax(jax, function),
        dim,
        names=names,
        transforms=transforms,
        vectorized=True,
        normalized=normalized,
        log_z=log_z,
        name=getattr(function, "__name__", "jax"),
    )


def from_torch(
    function: Callable[..., Any],
    dim: Optional[int] = None,
    *,
    vectorized: bool = False,
    names: Optional[Names] = None,
    transforms: Union[None, Sequence[Bounds], Mapping[str, Bounds]] = None,
    normalized: bool = False,
    log_z: float = math.nan,
) -> Target:
    """A log density written in PyTorch: of one point, a tensor (dim,) of float64, a scalar; it is vectorised
    (torch.func.vmap) and differentiated here.

    Parameters
    ----------
    function:
        ln p of one point (dim,), up to a constant; with vectorized=True of points (n, dim), (n,), where row i of
        the result depends on point i alone.
    dim, names, transforms, normalized, log_z:
        As of `Target`.

    Raises UsageError where the result is not of float64, or does not depend on the points.
    """
    try:
        import torch
    except ImportError:
        raise needs("torch", "from_torch") from None
    rows = function if vectorized else torch.func.vmap(function)

    def evaluate(points: Array) -> tuple[Array, Array]:
        at = torch.tensor(points, dtype=torch.float64, requires_grad=True)
        with torch.enable_grad():
            log_density = rows(at)
            if not isinstance(log_density, torch.Tensor):
                raise UsageError(f"the function returned {type(log_density).__name__}, and should return a tensor")
            if log_density.dtype != torch.float64:
                raise UsageError(
                    f"the function returned {log_density.dtype}: its own tensors should be of torch.float64, "
                    "or half of the digits are lost"
                )
            if not log_density.requires_grad:
                raise UsageError("the function's result does not depend on the point by PyTorch's operations")
            (gradient,) = torch.autograd.grad(log_density.sum(), at)
        return log_density.detach().cpu().numpy(), gradient.cpu().numpy()

    return Target(
        evaluate,
        dim,
        names=names,
        transforms=transforms,
        vectorized=True,
        normalized=normalized,
        log_z=log_z,
        name=getattr(function, "__name__", "torch"),
    )


def from_numpyro(model: Callable[..., Any], *args: Any, seed: int = 0, **kwargs: Any) -> Target:
    """A model of NumPyro: `from_numpyro(model, data, y=y)`. Its constants are kept, so that log Z is an evidence.

    Draws are of its sample sites on their own scale, then of its deterministic sites. `seed` is of the point by which
    shapes are found out. Sites that are discrete have to be summed out by the model.
    """
    jax = _jax("from_numpyro")
    try:
        from numpyro.infer.util import initialize_model
    except ImportError:
        raise needs("numpyro", "from_numpyro") from None
    info = initialize_model(jax.random.PRNGKey(seed), model, model_args=args, model_kwargs=kwargs, dynamic_args=False)
    from jax.flatten_util import ravel_pytree

    start, unravel = ravel_pytree(info.param_info.z)
    sites = list(info.param_info.z)

    def log_density(z: Any) -> Any:
        return -info.potential_fn(unravel(z))

    def values(z: Any) -> dict[str, Any]:
        found = info.postprocess_fn(unravel(z))
        return {name: found[name] for name in [*sites, *(other for other in found if other not in sites)]}

    shapes = {name: np.shape(value) for name, value in values(start).items()}
    count = sum(int(np.prod(shapes[name], dtype=int)) for name in sites)
    flat = jax.jit(lambda z: jax.numpy.concatenate([jax.numpy.ravel(v).astype(float) for v in values(z).values()]))
    return Target(
        _compiled_by_jax(jax, log_density),
        len(start),
        names=shapes,
        constrain=lambda z: np.asarray(flat(z)),
        parameters=count,
        vectorized=True,
        normalized=True,
        name=getattr(model, "__name__", "numpyro"),
    )


def from_pymc(model: Any = None, *, backend: Optional[str] = None) -> Target:
    """A model of PyMC (version 5), by default the one of the context. Its constants are kept, so that log Z is an
    evidence. With backend="jax" ln p is compiled by JAX, for many points at once, which is much faster where JAX knows
    all of the model's operations; else as PyMC does, a point after the other.

    Draws are of its free variables on their own scale, then of its deterministics; dims and coords go along to ArviZ.
    Discrete variables have to be summed out (pymc_extras.marginalize).
    """
    try:
        import pymc
    except ImportError:
        raise needs("pymc", "from_pymc") from None
    if backend not in (None, "jax"):
        raise UsageError(f'backend is "{backend}": "jax", or None for PyMC\'s own')
    model = pymc.modelcontext(model)
    if model.discrete_value_vars:
        raise UsageError(f"{model.discrete_value_vars[0]} is discrete, and has no gradient: sum it out of the model")
    initial = model.initial_point()
    shapes = [(variable.name, np.shape(initial[variable.name])) for variable in model.continuous_value_vars]
    sizes = [int(np.prod(shape, dtype=int)) for _, shape in shapes]
    ends = np.cumsum([0, *sizes])
    dim = int(ends[-1])

    evaluate = _pymc_by_jax(model, shapes, ends) if backend == "jax" else _pymc_itself(model)
    free = [variable.name for variable in model.free_RVs]
    outputs = [*model.free_RVs, *model.deterministics]
    function = model.compile_fn(
        model.replace_rvs_by_values(outputs), inputs=model.value_vars, on_unused_input="ignore", point_fn=True
    )

    def values(point: Array) -> list[Array]:
        at = {name: point[a:b].reshape(shape) for (name, shape), a, b in zip(shapes, ends, ends[1:])}
        return [np.asarray(value, dtype=np.float64) for value in function(at)]

    start = np.concatenate([np.ravel(initial[name]) for name, _ in shapes]).astype(np.float64)
    found = {variable.name: value.shape for variable, value in zip(outputs, values(start))}
    target = Target(
        evaluate,
        dim,
        names=found,
        constrain=lambda point: np.concatenate([np.ravel(value) for value in values(point)]),
        parameters=sum(int(np.prod(found[name], dtype=int)) for name in free),
        vectorized=True,
        normalized=True,
        name=model.name or "pymc",
    )
    target.dims = {name: list(dims) for name, dims in model.named_vars_to_dims.items() if name in found}
    target.coords = {
        name: list(values) for name, values in model.coords.items() if values is not None
    }
    return target


def _pymc_itself(model: Any) -> Callable[[Array], tuple[Array, Array]]:
    compiled = model.logp_dlogp_function(grad_vars=model.continuous_value_vars, ravel_inputs=True)
    compiled.set_extra_values({})

    def evaluate(points: Array) -> tuple[Array, Array]:
        log_density, gradient = np.empty(len(points)), np.empty_like(points)
        for i, point in enumerate(points):
            log_density[i], gradient[i] = compiled(point)
        return log_density, gradient

    return evaluate


def _pymc_by_jax(
    model: Any, shapes: list[tuple[str, tuple[int, ...]]], ends: Any
) -> Callable[[Array], tuple[Array, Array]]:
    jax = _jax('from_pymc(backend="jax")')
    from pymc.sampling.jax import get_jaxified_graph

    log_density = get_jaxified_graph(inputs=model.continuous_value_vars, outputs=[model.logp()])
    return _compiled_by_jax(
        jax, lambda z: log_density(*(z[a:b].reshape(shape) for (_, shape), a, b in zip(shapes, ends, ends[1:])))[0]
    )
