#!/usr/bin/env python3
"""Data sets for the Stan programs of this folder, drawn from their own priors or near them, with one seed.

    simulate.py [FOLDER]     writes FOLDER/NAME.json for each NAME.stan; FOLDER is here by default
"""

import json
import math
import os
import random
import sys


def rounded(x):
    return [rounded(y) for y in x] if isinstance(x, list) else float(f"{x:.9g}")


def normal(r, n, mean=0.0, sd=1.0):
    return [r.gauss(mean, sd) for _ in range(n)]


def logistic(x):
    return 1 / (1 + math.exp(-x))


def poisson(r, rate):
    k, p, limit = 0, 1.0, math.exp(-rate)
    while True:
        p *= r.random()
        if p < limit:
            return k
        k += 1


def irt(r):
    """Two-parameter logistic item response: 100 persons, 20 items; D = 144."""
    persons, items = 100, 20
    ability = normal(r, persons)
    easiness = normal(r, items, 0.3, 1.0)
    slope = [math.exp(x) for x in normal(r, items, 0.0, 0.4)]
    y = [[int(r.random() < logistic(slope[i] * (a - easiness[i]))) for i in range(items)] for a in ability]
    return {"persons": persons, "items": items, "y": y}


def growth(r):
    """Growth curves with vague priors: 30 subjects, 5 ages; D = 65."""
    ages = [8.0, 15.0, 22.0, 29.0, 36.0]
    subjects = 30
    intercepts = normal(r, subjects, 106.0, 11.0)
    slopes = normal(r, subjects, 6.2, 0.5)
    y = [[a + b * (t - 22.0) + r.gauss(0, 6.0) for t in ages] for a, b in zip(intercepts, slopes)]
    return {"subjects": subjects, "times": len(ages), "age": ages, "y": rounded(y)}


def slopes(r):
    """Varying intercepts and slopes with their correlation: 85 groups; D = 176."""
    groups = 85
    sd, rho = (0.9, 0.6), -0.4
    group, x, y = [], [], []
    for g in range(groups):
        u, v = r.gauss(0, 1), r.gauss(0, 1)
        a = 1.3 + sd[0] * u
        b = -0.7 + sd[1] * (rho * u + math.sqrt(1 - rho * rho) * v)
        for _ in range(r.randint(3, 16)):
            z = r.gauss(0, 1)
            group.append(g + 1)
            x.append(z)
            y.append(a + b * z + r.gauss(0, 0.8))
    return {"n": len(y), "groups": groups, "group": group, "x": rounded(x), "y": rounded(y)}


def counts(r):
    """Poisson with a random effect of each of 200 sites and of years; D = 213."""
    sites, years = 200, 9
    alpha = normal(r, sites, 0.0, 0.7)
    eps = normal(r, years, 0.0, 0.4)
    beta = 0.5
    x = normal(r, years)
    y = [[poisson(r, math.exp(1.0 + alpha[s] + beta * x[t] + eps[t])) for t in range(years)] for s in range(sites)]
    return {"sites": sites, "years": years, "x": rounded(x), "y": y}


def volatility(r):
    """Stochastic volatility over 300 days; D = 303."""
    n, mu, phi, sigma = 300, -1.0, 0.95, 0.25
    h = [mu + sigma / math.sqrt(1 - phi * phi) * r.gauss(0, 1)]
    for _ in range(n - 1):
        h.append(mu + phi * (h[-1] - mu) + sigma * r.gauss(0, 1))
    return {"n": n, "y": rounded([math.exp(v / 2) * r.gauss(0, 1) for v in h])}


def horseshoe(r):
    """Sparse regression with a regularised horseshoe: 100 rows, 100 predictors; D = 203."""
    n, p = 100, 100
    x = [normal(r, p) for _ in range(n)]
    beta = [2.0, -1.5, 1.0, 0.7] + [0.0] * (p - 4)
    y = [sum(b * v for b, v in zip(beta, row)) + r.gauss(0, 1.0) for row in x]
    return {"n": n, "p": p, "x": rounded(x), "y": rounded(y)}


def predator(r):
    """Lotka and Volterra's equations, four rates; D = 4."""
    a, b, c, d = 0.55, 0.028, 0.8, 0.024
    u, v, t, step = 33.0, 6.0, 0.0, 0.001
    times, y = [], []
    while len(times) < 20:
        for _ in range(1000):
            mu, mv = u + step / 2 * (a - b * v) * u, v + step / 2 * (-c + d * u) * v
            u, v = u + step * (a - b * mv) * mu, v + step * (-c + d * mu) * mv
        t += 1.0
        times.append(t)
        y.append([u * math.exp(r.gauss(0, 0.25)), v * math.exp(r.gauss(0, 0.25))])
    return {"n": len(times), "t": times, "start": [33.0, 6.0], "y": rounded(y)}


def two_groups(r):
    """A mixture of two normals on 50 points, one of them small; D = 5."""
    y = [r.gauss(2.5, 0.9) if r.random() < 0.2 else r.gauss(-0.5, 1.0) for _ in range(50)]
    return {"n": len(y), "y": rounded(y)}


ALL = {"irt": irt, "growth": growth, "slopes": slopes, "slopes_noncentered": slopes, "counts": counts,
       "volatility": volatility, "horseshoe": horseshoe, "predator": predator, "two_groups": two_groups}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    os.makedirs(folder, exist_ok=True)
    for name, make in ALL.items():
        with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(make(random.Random(20261201)), file)


if __name__ == "__main__":
    main()
