#!/usr/bin/env python3
"""Prints the table of tests/flows/golden_values.inc: maps written straight from their papers' formulas
in mpmath, with log-dets of a Jacobian by differences at 60 digits, so that nothing of Riffle's own
algebra is in them. Needs mpmath from PyPI.

    tools/golden_values.py > tests/flows/golden_values.inc
"""

import random

import mpmath as mp

mp.mp.dps = 60


def softplus(x):
    return mp.log(1 + mp.exp(x))


def dot(a, b):
    return mp.fsum(x * y for x, y in zip(a, b))


def radial(p, z):
    """Rezende & Mohamed (2015), equation 14; alpha by softplus."""
    dim = len(z)
    z0, alpha = p[:dim], softplus(p[dim])
    beta = -alpha + softplus(p[dim + 1])
    r = mp.sqrt(mp.fsum((x - c) ** 2 for x, c in zip(z, z0)))
    return [x + beta / (alpha + r) * (x - c) for x, c in zip(z, z0)]


def planar(p, z):
    """Equation 10 with tanh; û of A.1, whose division is by ‖w‖²."""
    dim = len(z)
    w, u, b = p[:dim], p[dim : 2 * dim], p[2 * dim]
    k = (-1 + softplus(dot(w, u)) - dot(w, u)) / dot(w, w)
    return planar_free(w + [v + k * c for v, c in zip(u, w)] + [b], z)


def planar_free(p, z):
    dim = len(z)
    h = mp.tanh(dot(p[:dim], z) + p[2 * dim])
    return [x + v * h for x, v in zip(z, p[dim : 2 * dim])]


def planar_leaky(p, z):
    """Equation 10 with a leaky ReLU of slope 0.1; û of A.1 with wᵀû > -1 + 0.001."""
    dim = len(z)
    w, u, b = p[:dim], p[dim : 2 * dim], p[2 * dim]
    k = (-1 + mp.mpf("0.001") + softplus(dot(w, u)) - dot(w, u)) / dot(w, w)
    a = dot(w, z) + b
    h = a if a >= 0 else a * mp.mpf("0.1")
    return [x + (v + k * c) * h for x, v, c in zip(z, u, w)]


def reflection(v):
    n, length2 = len(v), dot(v, v) or 1  # no direction: the identity
    return mp.matrix([[(i == j) - 2 * v[i] * v[j] / length2 for j in range(n)] for i in range(n)])


def householder(p, z):
    dim = len(z)
    x = mp.matrix(z)
    for k in range(len(p) // dim):
        x = reflection(p[k * dim : (k + 1) * dim]) * x
    return list(x)


def upper(p, m):
    """An upper triangle by rows; tanh of what stands on the diagonal."""
    a, at = mp.zeros(m, m), 0
    for i in range(m):
        for j in range(i, m):
            a[i, j] = mp.tanh(p[at]) if i == j else p[at]
            at += 1
    return a


def sylvester(m, basis):
    """z + Q R tanh(R̃ Qᵀ z + b) in dense matrices; basis(dim, what is left of the parameters) is Q."""

    def f(p, z):
        size = m * (m + 1) // 2
        r, r_tilde = upper(p[:size], m), upper(p[size : 2 * size], m)
        b = mp.matrix(p[2 * size : 2 * size + m])
        q = basis(len(z), p[2 * size + m :])
        return list(mp.matrix(z) + q * (r * (r_tilde * (q.T * mp.matrix(z)) + b).apply(mp.tanh)))

    return f


def of_reflections(m):
    def q(dim, p):
        product = mp.eye(dim)
        for k in range(len(p) // dim):
            product = product * reflection(p[k * dim : (k + 1) * dim])
        return product[:, :m]

    return q


def identity(dim, _):
    return mp.eye(dim)


def reversing(dim, _):
    return mp.matrix([[int(i + j == dim - 1) for j in range(dim)] for i in range(dim)])


def diagonal_affine(p, z):
    dim = len(z)
    return [mp.exp(s) * x + t for s, t, x in zip(p[:dim], p[dim:], z)]


def triangle(p, diagonal):
    """A lower triangle: what is below the given diagonal by rows."""
    n, at = len(diagonal), 0
    a = mp.diag(diagonal)
    for i in range(n):
        for j in range(i):
            a[i, j] = p[at]
            at += 1
    return a


def full_affine(p, z):
    dim = len(z)
    a = triangle(p[dim:-dim], [mp.exp(x) for x in p[:dim]])
    return list(a * mp.matrix(z) + mp.matrix(p[-dim:]))


def low_rank_affine(p, z):
    dim = len(z)
    v = mp.matrix(dim, len(p) // dim - 2)
    for i in range(dim):
        for j in range(v.cols):
            v[i, j] = p[dim + i * v.cols + j]
    a = mp.diag([mp.exp(x) for x in p[:dim]]) * (mp.eye(dim) + v * v.T)
    return list(a * mp.matrix(z) + mp.matrix(p[-dim:]))


def philox(counter, key):
    """Salmon et al. (2011), Philox4x32-10."""
    c, k, word = list(counter), list(key), 2**32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 // word ^ c[1] ^ k[0], p1 % word, p0 // word ^ c[3] ^ k[1], p0 % word]
        k = [(k[0] + 0x9E3779B9) % word, (k[1] + 0xBB67AE85) % word]
    return c


def shuffled(dim, seed, index):
    """Fisher and Yates; the purpose of the stream is 8."""
    order = list(range(dim))
    for i in range(dim - 1, 0, -1):
        high, low, _, _ = philox([i, 0, index, 8 << 24], [seed, 0])
        j = int((((high << 32 | low) >> 11) + 0.5) / 2**53 * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order


def permutation(seed, index):
    return lambda _, z: [z[i] for i in shuffled(len(z), seed, index)]


def lu_linear(seed, index):
    """P L (U + diag(s)): row i of the product goes to place π(i)."""

    def f(p, z):
        dim = len(z)
        size = dim * (dim - 1) // 2
        lower = triangle(p[dim : dim + size], [1] * dim)
        upper_t = triangle(p[dim + size :], [mp.exp(x) for x in p[:dim]])
        places = mp.zeros(dim, dim)
        for i, place in enumerate(shuffled(dim, seed, index)):
            places[place, i] = 1
        return list(places * lower * upper_t.T * mp.matrix(z))

    return f


def spline(bins, bound, least_bin="0.001", least_slope="0.001"):
    """Durkan et al. (2019), appendix A.1, on every coordinate; the slopes at the ends are 1."""

    def knots(raw):
        total = mp.fsum(mp.exp(x) for x in raw)
        x = [mp.mpf(-bound)]
        for r in raw:
            x.append(x[-1] + 2 * bound * (m + (1 - bins * m) * mp.exp(r) / total))
        return x

    def one(p, x):
        if abs(x) > bound:
            return x
        xs, ys = knots(p[:bins]), knots(p[bins : 2 * bins])
        slopes = [1] + [m_d + softplus(r + shift) for r in p[2 * bins :]] + [1]
        k = max(i for i in range(bins) if xs[i] <= x)
        s = (ys[k + 1] - ys[k]) / (xs[k + 1] - xs[k])
        xi = (x - xs[k]) / (xs[k + 1] - xs[k])
        below = s + (slopes[k + 1] + slopes[k] - 2 * s) * xi * (1 - xi)
        return ys[k] + (ys[k + 1] - ys[k]) * (s * xi**2 + slopes[k] * xi * (1 - xi)) / below

    m, m_d = mp.mpf(least_bin), mp.mpf(least_slope)
    shift = mp.log(mp.exp(1 - m_d) - 1)
    size = 3 * bins - 1
    return lambda p, z: [one(p[i * size : (i + 1) * size], x) for i, x in enumerate(z)]


def inverse(f):
    """By Newton's method in as many dimensions as there are, from a start that rounding can't reach."""
    return lambda p, y: list(mp.findroot(lambda *z: [a - b for a, b in zip(f(p, list(z)), y)], y, maxsteps=200))


def log_abs_det(f, z):
    n, h = len(z), mp.mpf(10) ** -20
    jacobian = mp.matrix(n, n)
    for j in range(n):
        up, down = list(z), list(z)
        up[j] += h
        down[j] -= h
        above, below = f(up), f(down)
        for i in range(n):
            jacobian[i, j] = (above[i] - below[i]) / (2 * h)
    return mp.log(abs(mp.det(jacobian)))


def number(x):
    return repr(float(x))


def row(flow, maps, params, z):
    """`maps`: one for each layer, with how many of the parameters it takes."""

    def f(x):
        at = 0
        for layer, size in maps:
            x = layer(params[at : at + size], x)
            at += size
        assert at == len(params)
        return x

    params = [mp.mpf(float(x)) for x in params]
    z = [mp.mpf(float(x)) for x in z]
    y = f(z)
    lists = ["{%s}" % ", ".join(number(x) for x in v) for v in (params, z, y)]
    print('{"%s",\n %s,\n %s,\n %s,\n %s},' % (flow, *lists, number(log_abs_det(f, z))))


def draw(generator, size, scale):
    return [round(scale * generator.gauss(0, 1), 3) for _ in range(size)]


def main():
    g = random.Random(20180315)
    print("// clang-format off\n// Made by tools/golden_values.py.")
    # α = 0.8, β = -1.3: β̂ = -0.558991546167008.
    row("radial", [(radial, 4)], [0.1, 0.4, mp.log(mp.exp(0.8) - 1), -1.3], [0.3, -1.2])
    for dim, scale in ((1, 1), (3, 1), (5, 3)):
        row("radial", [(radial, dim + 2)], draw(g, dim + 2, scale), draw(g, dim, 1))
    # At z0 itself.
    row("radial", [(radial, 5)], [1.25, -0.5, 2.0, -0.4, 0.9], [1.25, -0.5, 2.0])
    for dim, scale in ((1, 1), (2, 2), (2, 2), (3, 1)):
        row("planar-leaky", [(planar_leaky, 2 * dim + 1)], draw(g, 2 * dim + 1, scale), draw(g, dim, 1))
    for dim, k in ((2, 1), (3, 2), (5, 3)):
        row("householder(reflections=%d)" % k, [(householder, k * dim)], draw(g, k * dim, 1), draw(g, dim, 1))
    row("householder", [(householder, 6)], [0.0] * 3 + [0.5, -2.0, 1.0], [1.0, 0.25, -3.0])
    # Far from 0, where a transpose or an order that is wrong shows.
    for dim, m, scale in ((3, 3, 1), (4, 2, 1.5), (5, 3, 3)):
        size = m * (m + 2) + m * dim
        maps = [(sylvester(m, of_reflections(m)), size)]
        row("sylvester-orthogonal(m=%d)" % m, maps, draw(g, size, scale), draw(g, dim, 1))
    for dim, k, scale in ((3, 1, 1), (4, 2, 2)):
        size = dim * (dim + 2) + k * dim
        maps = [(sylvester(dim, of_reflections(dim)), size)]
        row("sylvester-householder(reflections=%d)" % k, maps, draw(g, size, scale), draw(g, dim, 1))
    for dim, scale in ((1, 1), (3, 1), (3, 3)):
        size = dim * (dim + 2)
        maps = [(sylvester(dim, q), size) for q in (identity, reversing)]
        row("sylvester-triangular:2", maps, draw(g, 2 * size, scale), draw(g, dim, 1))
    for flow in ("affine", "actnorm"):
        row(flow, [(diagonal_affine, 6)], draw(g, 6, 1), draw(g, 3, 1))
    for dim in (1, 3, 5):
        size = 2 * dim + dim * (dim - 1) // 2
        row("affine-full", [(full_affine, size)], draw(g, size, 1), draw(g, dim, 1))
    for dim, rank in ((2, 1), (3, 3), (5, 2)):
        size = dim * (rank + 2)
        row("affine-low-rank(rank=%d)" % rank, [(low_rank_affine, size)], draw(g, size, 1), draw(g, dim, 1))
    # With D = 5 there is a remainder behind the whole blocks of rows.
    for dim, seed in ((1, 0), (3, 2), (5, 1)):
        size = dim * dim
        maps = [(lu_linear(seed, k), size) for k in (0, 1)]
        row("lu-linear(seed=%d):2" % seed, maps, draw(g, 2 * size, 0.5), draw(g, dim, 1))
    row("permutation(seed=1):2", [(permutation(1, k), 0) for k in (0, 1)], [], draw(g, 7, 1))
    row("permutation", [(permutation(0, 0), 0)], [], draw(g, 4, 1))
    row("reverse", [(lambda _, z: z[::-1], 0)], [], draw(g, 5, 1))
    for flow, f in (("planar", planar), ("planar-free", planar_free)):
        for dim, scale in ((1, 1), (2, 1), (2, 2), (3, 1), (5, 1)):
            row(flow, [(f, 2 * dim + 1)], draw(g, 2 * dim + 1, scale), draw(g, dim, 1))
    # Beyond its box a coordinate stays as it is.
    row("rqs(bins=3, bound=2)", [(spline(3, 2), 24)], draw(g, 24, 1), [-1.9, 0.3, 2.5])
    row("rqs", [(spline(8, 5), 23)], draw(g, 23, 2), [1.234])
    row("rqs(bins=4, bound=3, least-bin=0.1, least-slope=0.2)", [(spline(4, 3, "0.1", "0.2"), 22)], draw(g, 22, 3), [0.7, -2.2])
    row("compose(planar + reverse + affine):2", 2 * [(planar, 7), (lambda _, z: z[::-1], 0), (diagonal_affine, 6)],
        draw(g, 26, 0.8), draw(g, 3, 1))
    row("inverse(planar)", [(inverse(planar), 5)], draw(g, 5, 1), draw(g, 2, 1))
    row("inverse(affine-full + planar)", [(inverse(lambda p, z: planar(p[9:], full_affine(p[:9], z))), 16)],
        draw(g, 16, 0.7), draw(g, 3, 1))


main()
