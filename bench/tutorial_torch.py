#!/usr/bin/env python3
"""The tutorial's training loop in PyTorch, one thread, float32.

Reads one JSON request a line, {"form": "psi", "batch": 40, "warmup": 50, "iterations": 400}, and answers
each with one line of JSON. The first line it writes tells the versions. Try:
    echo '{"form": "psi", "batch": 40, "warmup": 0, "iterations": 10000}' | tutorial_torch.py

The determinant comes in two forms. "psi" follows Rezende & Mohamed's equations 11 and 12, 1 + ψ(z)·s with
ψ(z) = (1 - tanh²) w for each draw; "dot" takes w·s first, once for a layer.
"""

import json
import platform
import re
import subprocess
import sys
import time

import torch
from torch import nn

FLOW_LENGTH = 16


def safe_log(x):
    return torch.log(x + 1e-7)


def crescents(z):
    z1, z2 = z[:, 0], z[:, 1]
    ring = 0.5 * ((torch.norm(z, dim=1) - 4) / 0.4) ** 2
    sides = torch.exp(-0.5 * ((z1 - 2) / 0.8) ** 2) + torch.exp(-0.5 * ((z1 + 2) / 0.8) ** 2)
    return torch.exp(-ring) * sides


class Planar(nn.Module):
    def __init__(self, dim, form):
        super().__init__()
        self.form = form
        self.w = nn.Parameter(torch.empty(dim).uniform_(-0.01, 0.01))
        self.s = nn.Parameter(torch.empty(dim).uniform_(-0.01, 0.01))
        self.b = nn.Parameter(torch.empty(1).uniform_(-0.01, 0.01))

    def forward(self, z):
        h = torch.tanh(z @ self.w + self.b)
        if self.form == "psi":
            det = 1 + ((1 - h**2).unsqueeze(1) * self.w) @ self.s
        else:
            det = 1 + (1 - h**2) * (self.w @ self.s)
        return z + h.unsqueeze(1) * self.s, safe_log(det.abs())


class Flow(nn.Module):
    def __init__(self, dim, length, form):
        super().__init__()
        self.layers = nn.ModuleList(Planar(dim, form) for _ in range(length))

    def forward(self, z):
        logdet = 0
        for layer in self.layers:
            z, term = layer(z)
            logdet = logdet + term
        return z, logdet


def free_energy_bound(flow, z0):
    z, logdet = flow(z0)
    return (-logdet - safe_log(crescents(z))).mean()


def train(form, batch, warmup, iterations):
    torch.manual_seed(1)
    flow = Flow(2, FLOW_LENGTH, form)
    optimizer = torch.optim.RMSprop(flow.parameters(), lr=0.01, alpha=0.99, eps=1e-8)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.999)
    losses = []

    def steps(count):
        for _ in range(count):
            loss = free_energy_bound(flow, torch.randn(batch, 2))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())

    steps(warmup)
    wall, cpu = time.perf_counter(), time.process_time()
    steps(iterations)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    tail = losses[-500:]
    return {
        "us_per_iteration": wall / iterations * 1e6,
        "core_share": cpu / wall,
        "first_loss": losses[0].item(),
        "tail_loss": sum(loss.item() for loss in tail) / len(tail),
    }


def loaded_blas():
    """The BLAS that the dynamic linker chose: a distribution's PyTorch names only "generic"."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    try:
        with open("/proc/self/maps") as maps:
            paths = {line.split()[-1] for line in maps if "/" in line}
    except OSError:
        return "linked in"
    names = {path.rsplit("/", 1)[-1] for path in paths}
    found = sorted(n for n in names if re.match(r"lib(open)?blas|libmkl_(rt|core)|libblis", n))
    return ", ".join(found) or "linked in"


def package():
    if "/dist-packages/" not in torch.__file__:
        return ""
    query = ["dpkg-query", "--show", "python3-torch"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f" (package {' '.join(answer.stdout.split())})"


def about():
    config = torch.__config__.show()

    def field(pattern):
        match = re.search(pattern, config)
        return match.group(1) if match else "unknown"

    return {
        "version": f"{torch.__version__}{package()}, Python {platform.python_version()}",
        "built": f"{field(r'CPU capability usage: (.+)')} kernels, "
        f"oneDNN {field(r'MKL-DNN (v[0-9.]+)')}, {torch.get_num_threads()} thread",
        "blas": f"BLAS_INFO={field(r'BLAS_INFO=([^,]+)')}, loaded: {loaded_blas()}",
        "config": config,
    }


def main():
    torch.set_num_threads(1)
    print(json.dumps(about()), flush=True)
    for line in sys.stdin:
        print(json.dumps(train(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
