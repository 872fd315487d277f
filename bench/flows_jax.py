#!/usr/bin/env python3
"""Flows of the library flowjax: one gradient of the free energy against a standard normal target.

Reads one JSON request a line and answers each with one line of JSON; the first line it writes tells
the versions. It takes the cores it is given: pin it (taskset) for one thread. With JAX_ENABLE_X64=1
everything is in double precision. Try:
    echo '{"op": "time", "flow": "planar", "layers": 16, "dim": 2, "batch": 256, "seconds": 1}' |
        taskset -c 0 flows_jax.py

The library's own flows and loss, under jit. Its flows scan over their layers; unrolled they were no
faster, and took longer to compile.
"""

import functools
import json
import os
import platform
import sys
import time

os.environ["JAX_PLATFORMS"] = "cpu"

import equinox as eqx  # noqa: E402 (the platform is chosen when jax is imported)
import flowjax  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import jaxlib  # noqa: E402
from flowjax import flows  # noqa: E402
from flowjax.bijections import Invert, RationalQuadraticSpline, Scan  # noqa: E402
from flowjax.distributions import StandardNormal, Transformed  # noqa: E402
from flowjax.train.losses import ElboLoss  # noqa: E402

BINS, BOX = 8, 5.0


def log_target(z):
    """Unnormalised."""
    return -0.5 * jnp.sum(z * z)


def zero(layer):
    return jax.tree.map(lambda a: 0 * a if eqx.is_inexact_array(a) else a, layer)


def planar(key, common):
    dist = flows.planar_flow(key, invert=False, **common)

    def identity(params):
        """Where log(1 + softplus(w·u)) = 1, the constraint sends a u along w to 0."""
        dim = params.shape[-1] // 2
        w = 100 * params[..., :dim] / jnp.sqrt(dim)
        u = jnp.log(jnp.expm1(jnp.e - 1)) * w / jnp.sum(w * w, axis=-1, keepdims=True)
        return params.at[..., :dim].set(w).at[..., dim : 2 * dim].set(u)

    return dist, lambda layer: eqx.tree_at(
        lambda chain: chain.bijections[0].params, layer, replace_fn=identity
    )


def of_net(dist, name):
    """Nets end with zeros, so that the flow starts as the identity."""
    return dist, lambda layer: eqx.tree_at(
        lambda chain: getattr(chain.bijections[0], name).layers[-1], layer, replace_fn=zero
    )


def coupling(key, common, net, transformer=None):
    dist = flows.coupling_flow(key, transformer=transformer, invert=False, **common, **net)
    return of_net(dist, "conditioner")


def autoregressive(key, common, net, invert):
    dist = flows.masked_autoregressive_flow(key, invert=invert, **common, **net)
    return of_net(dist, "masked_autoregressive_mlp")


def flow_of(flow, layers, dim, hidden):
    key = jax.random.key(1)
    common = {"base_dist": StandardNormal((dim,)), "flow_layers": layers}
    net = {"nn_width": hidden[0], "nn_depth": len(hidden)} if hidden else {}
    if flow == "planar":
        dist, start = planar(key, common)
    elif flow == "affine-coupling":
        dist, start = coupling(key, common, net)
    elif flow == "rqs-coupling":
        spline = RationalQuadraticSpline(knots=BINS - 1, interval=BOX)
        dist, start = coupling(key, common, net, spline)
    else:
        dist, start = autoregressive(key, common, net, invert=flow == "maf")
    inverted = isinstance(dist.bijection, Invert)
    stacked = start((dist.bijection.bijection if inverted else dist.bijection).bijection)
    bijection = Scan(stacked)
    return Transformed(dist.base_dist, Invert(bijection) if inverted else bijection)


def loss_of(flow, layers, dim, batch, hidden):
    """value_and_grad of the loss, over (parameters, key), and the parameters."""
    params, static = eqx.partition(flow_of(flow, layers, dim, hidden), eqx.is_inexact_array)
    loss = ElboLoss(log_target, batch)
    return jax.value_and_grad(lambda p, key: loss(p, static, key)), params


def uniforms(params, seed):
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    draw = functools.partial(jax.random.uniform, minval=-1, maxval=1)
    return jax.tree.unflatten(tree, [draw(k, a.shape, a.dtype) for k, a in zip(keys, leaves)])


def moved(params, offsets, by):
    return jax.tree.map(lambda p, o: p + by * o, params, offsets)


def dot(a, b):
    return sum(jax.tree.leaves(jax.tree.map(lambda x, y: float(jnp.sum(x * y)), a, b)))


@functools.lru_cache(maxsize=None)
def compiled(flow, layers, dim, batch, hidden):
    function, params = loss_of(flow, layers, dim, batch, hidden)
    begin = time.perf_counter()
    program = jax.jit(function).lower(params, jax.random.key(1)).compile()
    return program, params, time.perf_counter() - begin


def check(flow, layers, dim, batch, hidden=(), difference=False):
    program, params, _ = compiled(flow, layers, dim, batch, tuple(hidden))
    key = jax.random.key(2)
    answer = {"parameters": sum(a.size for a in jax.tree.leaves(params))}
    answer["fresh"] = float(program(params, key)[0])
    params = moved(params, uniforms(params, 3), 0.02)
    value, gradient = program(params, key)
    answer["moved"] = float(value)
    answer["gradient_norm"] = dot(gradient, gradient) ** 0.5
    if difference:
        direction = uniforms(params, 4)
        answer["derivative"] = dot(gradient, direction)
        width = 1e-7
        above, _ = program(moved(params, direction, width), key)
        below, _ = program(moved(params, direction, -width), key)
        answer["difference"] = float(above - below) / (2 * width)
    return answer


@functools.lru_cache(maxsize=None)
def ready(*what):
    program, params, seconds = compiled(*what)
    params = moved(params, uniforms(params, 3), 0.02)
    keys = list(jax.random.split(jax.random.key(5), 64))
    begin = time.perf_counter()
    for key in keys[:20]:
        jax.block_until_ready(program(params, key))
        if time.perf_counter() - begin > 0.3:
            break
    return program, params, keys, seconds


def timed(flow, layers, dim, batch, seconds, threads=1, hidden=()):
    what = (flow, layers, dim, batch, tuple(hidden))
    program, params, keys, compile_seconds = ready(*what)
    steps = []
    wall, cpu = time.perf_counter(), time.process_time()
    while len(steps) < 3 or sum(steps) < seconds:
        key = keys[len(steps) % len(keys)]
        begin = time.perf_counter()
        jax.block_until_ready(program(params, key))
        steps.append(time.perf_counter() - begin)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "ms_per_step": 1e3 * sorted(steps)[len(steps) // 2],
        "cpu_ms_per_step": 1e3 * cpu / len(steps),
        "core_share": cpu / wall / threads,
        "compile_seconds": compile_seconds,
    }


def about():
    return {
        "version": f"{jax.__version__}, jaxlib {jaxlib.__version__}, "
        f"Python {platform.python_version()}",
        "library": f"flowjax {flowjax.__version__}, equinox {eqx.__version__}",
        "built": f"XLA, {jax.default_backend()} backend, "
        f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else '?'} core(s)",
        "blas": "none: XLA generates loops, and calls Eigen or oneDNN for matrix products",
    }


def main():
    print(json.dumps(about()), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"time": timed, "check": check}[request.pop("op")](**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
