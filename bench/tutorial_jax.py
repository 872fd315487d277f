#!/usr/bin/env python3
"""The tutorial's training loop in JAX: one compiled scan, random numbers included; float32.

Reads one JSON request a line, {"layout": "rows", "batch": 40, "iterations": 10000}, and answers
each with one line of JSON. The first line it writes tells the versions. It takes the cores it is
given: pin it (taskset) for one thread. Try:
    echo '{"layout": "rows", "batch": 40, "iterations": 10000}' | taskset -c 0 tutorial_jax.py

Layouts: "rows" keeps z as (batch, 2), as the tutorial does; "columns" keeps the two coordinates in
arrays of their own, which XLA vectorises far better where the batch is large. The layers are
unrolled: a scan over them compiles sooner and runs at half the speed.
"""

import functools
import json
import os
import platform
import sys
import time

os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402 (the platform is chosen when it is imported)
import jax.numpy as jnp  # noqa: E402
import jaxlib  # noqa: E402

FLOW_LENGTH = 16


def safe_log(x):
    return jnp.log(x + 1e-7)


def crescents(z1, z2):
    ring = 0.5 * ((jnp.sqrt(z1**2 + z2**2) - 4) / 0.4) ** 2
    sides = jnp.exp(-0.5 * ((z1 - 2) / 0.8) ** 2) + jnp.exp(-0.5 * ((z1 + 2) / 0.8) ** 2)
    return jnp.exp(-ring) * sides


def planar_rows(w, s, b, z):
    h = jnp.tanh(jnp.sum(z * w, axis=-1) + b)
    return z + s * h[:, None], h


def planar_columns(w, s, b, z):
    z1, z2 = z
    h = jnp.tanh(w[0] * z1 + w[1] * z2 + b)
    return (z1 + s[0] * h, z2 + s[1] * h), h


def free_energy_bound(layout, params, z0):
    rows = layout == "rows"
    z = z0 if rows else (z0[:, 0], z0[:, 1])
    planar = planar_rows if rows else planar_columns
    logdet = 0
    for k in range(FLOW_LENGTH):
        w, s, b = (params[name][k] for name in "wsb")
        z, h = planar(w, s, b, z)
        logdet += safe_log(jnp.abs(1 + (1 - h**2) * jnp.sum(w * s)))
    z1, z2 = (z[:, 0], z[:, 1]) if rows else z
    return jnp.mean(-logdet - safe_log(crescents(z1, z2)))


def train(layout, batch, iterations, key):
    key_w, key_s, key_b, key_z = jax.random.split(key, 4)
    uniform = functools.partial(jax.random.uniform, minval=-0.01, maxval=0.01)
    params = {
        "w": uniform(key_w, (FLOW_LENGTH, 2)),
        "s": uniform(key_s, (FLOW_LENGTH, 2)),
        "b": uniform(key_b, (FLOW_LENGTH,)),
    }
    loss_and_gradient = jax.value_and_grad(functools.partial(free_energy_bound, layout))

    def step(state, i):
        params, squares, rate = state
        z0 = jax.random.normal(jax.random.fold_in(key_z, i), (batch, 2))
        loss, grad = loss_and_gradient(params, z0)
        squares = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g**2, squares, grad)
        params = jax.tree.map(
            lambda p, g, v: p - rate * g / (jnp.sqrt(v) + 1e-8), params, grad, squares
        )
        return (params, squares, 0.999 * rate), loss

    state = (params, jax.tree.map(jnp.zeros_like, params), jnp.float32(0.01))
    return jax.lax.scan(step, state, jnp.arange(iterations))


@functools.lru_cache(maxsize=None)
def compiled(layout, batch, iterations):
    begin = time.perf_counter()
    function = jax.jit(functools.partial(train, layout, batch, iterations))
    program = function.lower(jax.random.key(1)).compile()
    seconds = time.perf_counter() - begin
    jax.block_until_ready(program(jax.random.key(1)))  # the first call pays for memory
    return program, seconds


def timed(layout, batch, iterations):
    program, compile_seconds = compiled(layout, batch, iterations)
    key = jax.random.key(1)
    wall, cpu = time.perf_counter(), time.process_time()
    _, losses = jax.block_until_ready(program(key))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "us_per_iteration": wall / iterations * 1e6,
        "core_share": cpu / wall,
        "compile_seconds": compile_seconds,
        "first_loss": float(losses[0]),
        "tail_loss": float(losses[-500:].mean()),
    }


def about():
    return {
        "version": f"{jax.__version__}, jaxlib {jaxlib.__version__}, "
        f"Python {platform.python_version()}",
        "built": f"XLA, {jax.default_backend()} backend",
        "blas": "none: XLA generates the loops, Eigen would do large matrix products",
    }


def main():
    print(json.dumps(about()), flush=True)
    for line in sys.stdin:
        print(json.dumps(timed(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
