#!/usr/bin/env python3
"""Prints the table of tests/flows/golden_conditioned.inc: coupling and autoregressive layers written
from their papers, with masks as matrices, coordinates one by one where they depend on each other, the
spline of flowjax, and log-dets of the Jacobian that JAX finds. Needs flowjax 19 from PyPI.

    tools/golden_conditioned.py > tests/flows/golden_conditioned.inc
"""

import jax
import jax.numpy as jnp
import numpy as np
from flowjax.bijections import RationalQuadraticSpline

jax.config.update("jax_enable_x64", True)
random = np.random.default_rng(7)


def draw(*shape):
    return np.round(0.7 * random.normal(size=shape), 3)


def net(shapes):
    """Weights and biases of the layers, and all of them in the order of the parameters."""
    layers = [(draw(outputs, inputs), draw(outputs)) for inputs, outputs in shapes]
    return layers, [x for w, b in layers for x in (*w.flatten(), *b)]


def run(layers, x, activation=jnp.tanh, masks=None):
    for i, (w, b) in enumerate(layers):
        x = (w if masks is None else w * masks[i]) @ x + b
        if i + 1 < len(layers):
            x = activation(x)
    return x


def affine(theta, x, bound=3.0):
    return x * jnp.exp(bound * jnp.tanh(theta[1] / bound)) + theta[0]


def affine_back(theta, y, bound=3.0):
    return (y - theta[0]) * jnp.exp(-bound * jnp.tanh(theta[1] / bound))


def spline(theta, x, bins, bound, least_bin=1e-3, least_slope=1e-3):
    def knots(raw):
        parts = least_bin + (1 - bins * least_bin) * jax.nn.softmax(raw)
        inner = -bound + 2 * bound * jnp.cumsum(parts)[:-1]
        return jnp.concatenate([jnp.array([-bound]), inner, jnp.array([bound])])

    shift = np.log(np.expm1(1 - least_slope))
    slopes = least_slope + jax.nn.softplus(theta[2 * bins :] + shift)
    one = jnp.ones(1)
    rqs = RationalQuadraticSpline(knots=bins - 1, interval=bound)
    for name, value in {
        "x_pos": knots(theta[:bins]),
        "y_pos": knots(theta[bins : 2 * bins]),
        "derivatives": jnp.concatenate([one, slopes, one]),
    }.items():
        object.__setattr__(rqs, name, value)
    return rqs.transform_and_log_det(x)[0]


def coupling(layers, transformer, numbers, index, z, **options):
    half = len(z) // 2
    stays, moves = (np.arange(half), np.arange(half, len(z)))[:: 1 if index % 2 == 0 else -1]
    theta = run(layers, z[stays], **options).reshape(len(moves), numbers)
    y = list(z)
    for k, i in enumerate(moves):
        y[i] = transformer(theta[k], z[i])
    return jnp.stack(y)


def masked(dim, hidden, numbers, falls=False):
    """A net of one hidden layer, its parameters, and MADE's masks. Columns of the first weights, and
    of the direct ones of a net that is too narrow, stand in the order of the coordinates."""
    layers, flat = net([(dim, hidden), (hidden, dim * numbers)])
    rank = np.arange(dim)[::-1] if falls else np.arange(dim)
    degree = np.array([k * (dim - 1) // hidden for k in range(hidden)])
    out = np.repeat(rank, numbers)
    masks = [degree[:, None] >= np.arange(dim)[None, :], out[:, None] > degree[None, :]]
    direct = np.zeros((dim * numbers, dim))
    if hidden < dim - 1:
        direct = draw(dim * numbers, dim)
        flat = flat + list(direct.flatten())
        direct = direct * (out[:, None] > np.arange(dim)[None, :])

    def theta(z):
        ordered = z[np.argsort(rank)]
        return (run(layers, ordered, masks=masks) + direct @ ordered).reshape(dim, numbers)

    return theta, flat, np.argsort(rank)


def autoregressive(theta, transformer, z):
    numbers = theta(z)
    return jnp.stack([transformer(numbers[i], z[i]) for i in range(len(z))])


def maf(theta, order, z, bound=3.0):
    """Papamakarios et al. (2017), equation 4, coordinate by coordinate."""
    x = [jnp.zeros(()) for _ in z]
    for i in order:
        x[i] = affine_back(theta(jnp.stack(x))[i], z[i], bound)
    return jnp.stack(x)


def show(flow, f, params, dim):
    z = draw(dim)
    y = f(jnp.array(z))
    log_det = jnp.linalg.slogdet(jax.jacfwd(f)(jnp.array(z)))[1]
    braces = lambda x: "{" + ", ".join(repr(float(v)) for v in x) + "}"
    print(f'{{"{flow}",\n {braces(params)},\n {braces(z)},\n {braces(y)},\n {float(log_det)!r}}},')


print("// clang-format off")
l, p = net([(1, 3), (3, 2)])
show("additive-coupling(hidden=3)", lambda z: coupling(l, lambda t, x: x + t[0], 1, 0, z), p, 3)
l, p = net([(2, 2), (2, 3), (3, 4)])
show("affine-coupling(hidden=2x3, activation=relu)",
     lambda z: coupling(l, affine, 2, 0, z, activation=jax.nn.relu), p, 4)
l0, p0 = net([(1, 2), (2, 4)])
l1, p1 = net([(2, 2), (2, 2)])
show("affine-coupling(hidden=2, activation=silu, bound=1.5):2",
     lambda z: coupling(l1, lambda t, x: affine(t, x, 1.5), 2, 1, coupling(
         l0, lambda t, x: affine(t, x, 1.5), 2, 0, z, activation=jax.nn.silu),
         activation=jax.nn.silu), p0 + p1, 3)
for at in range(3):
    l, p = net([(1, 23)])
    show("rqs-coupling(hidden=none, bound=2)",
         lambda z: coupling(l, lambda t, x: spline(t, x, 8, 2.0), 23, 0, z), p, 2)
l, p = net([(1, 2), (2, 16)])
show("rqs-coupling(hidden=2, bins=3, bound=3, least-bin=0.1, least-slope=0.2)",
     lambda z: coupling(l, lambda t, x: spline(t, x, 3, 3.0, 0.1, 0.2), 8, 0, z), p, 3)
t, p, order = masked(3, 3, 2)
show("iaf(hidden=3)", lambda z: autoregressive(t, affine, z), p, 3)
t, p, order = masked(4, 2, 2)
show("iaf(hidden=2)", lambda z: autoregressive(t, affine, z), p, 4)
t, p, order = masked(3, 3, 2)
show("maf(hidden=3)", lambda z: maf(t, order, z), p, 3)
t0, p0, o0 = masked(4, 2, 2)
t1, p1, o1 = masked(4, 2, 2, falls=True)
show("maf(hidden=2, bound=1):2", lambda z: maf(t1, o1, maf(t0, o0, z, 1.0), 1.0), p0 + p1, 4)
t, p, order = masked(3, 2, 5)
show("rqs-autoregressive(hidden=2, bins=2, bound=2.5)",
     lambda z: autoregressive(t, lambda n, x: spline(n, x, 2, 2.5), z), p, 3)
