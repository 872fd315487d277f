#!/usr/bin/env python3
"""What the package for Python costs: python_costs.py RIFFLE, the command line. Prints a table.

- 1,000,000 evaluations of a normal density in 2-D, written with NumPy, beside the same in C as a plug-in, and one fit by each;
- importing it, without what NumPy takes;
- a fit of eight schools beside the command line's.

The least of several turns each, in seconds.
"""

import math
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import riffle

PLUGIN = r"""
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include "riffle/plugin.h"
struct riffle_plugin_model { int none; };
static struct riffle_plugin_model model;
int32_t riffle_plugin_abi(void) { return RIFFLE_PLUGIN_ABI; }
riffle_plugin_model* riffle_plugin_create(const char* d, char* e, size_t s) { (void)d; (void)e; (void)s; return &model; }
void riffle_plugin_destroy(riffle_plugin_model* m) { (void)m; }
size_t riffle_plugin_dim(const riffle_plugin_model* m) { (void)m; return 2; }
void riffle_plugin_evaluate(const riffle_plugin_model* m, size_t n, const double* z, double* log_density, double* gradient,
                            int32_t* status, char* error, size_t error_size) {
  (void)m; (void)status; (void)error; (void)error_size;
  for (size_t i = 0; i < n; ++i) {
    const double x = z[2 * i], y = z[2 * i + 1];
    log_density[i] = -0.5 * (x * x + y * y) - 1.8378770664093453;
    gradient[2 * i] = -x;
    gradient[2 * i + 1] = -y;
  }
}
"""
LOG_2PI = math.log(2 * math.pi)


def log_normal(points):
    return -0.5 * np.einsum("ij,ij->i", points, points) - LOG_2PI, -points


def least(turns, work):
    found = []
    for _ in range(turns):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def main():
    program = sys.argv[1]
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "normal.c"
        source.write_text(PLUGIN)
        library = Path(folder) / "normal.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-I", str(root / "include"), str(source), "-o", str(library)], check=True)
        plugin = riffle.from_plugin(library)
        numpy = riffle.Target(log_normal, 2)
        points = np.random.default_rng(1).normal(size=(1_000_000, 2))
        seconds = {name: least(5, lambda t=t: t.log_density_gradient(points)) for name, t in (("NumPy", numpy), ("plug-in", plugin))}
        print(f"1,000,000 evaluations: NumPy {seconds['NumPy']:.3f} s, plug-in {seconds['plug-in']:.3f} s, {seconds['NumPy'] / seconds['plug-in']:.2f} times")
        settings = dict(flow="iaf(hidden=32):2", iterations=10_000, batch=100, seed=1, threads=1, progress=False)
        seconds = {name: least(3, lambda t=t: riffle.fit(t, **settings)) for name, t in (("NumPy", numpy), ("plug-in", plugin))}
        print(f"a fit of 1,000,000 evaluations: NumPy {seconds['NumPy']:.2f} s, plug-in {seconds['plug-in']:.2f} s, {seconds['NumPy'] / seconds['plug-in']:.2f} times")

        def importing(what):
            return least(7, lambda: subprocess.run([sys.executable, "-c", f"import {what}"], check=True))

        print(f"import riffle: {importing('numpy, riffle') - importing('numpy'):.3f} s, beside NumPy's {importing('numpy') - importing('sys'):.3f} s")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            here = least(5, lambda: riffle.fit("eight-schools", seed=1, progress=False))
        command = [program, "fit", "eight-schools", "--seed", "1", "--no-plots", "--force", "--out", str(Path(folder) / "run")]
        there = least(5, lambda: subprocess.run(command, check=True, capture_output=True))
        print(f"a fit of eight schools: {here:.2f} s, command line {there:.2f} s, {here / there:.2f} times")


if __name__ == "__main__":
    main()
