#!/usr/bin/env python3
"""A trained flow of affine couplings, from Riffle's model file, in PyTorch: draws, ln q, scores.

Reads one JSON request a line and answers each with one line of JSON; the first line it writes tells
the versions. The argument is the number of threads. Try:
    echo '{"op": "time", "model": "model.riffle", "batch": 1, "seconds": 0.3}' | evaluator_torch.py 1
"""

import functools
import json
import math
import re
import sys
import time

import torch

BOUND = 3.0  # of the log-scale where a layer does not say


class AffineCouplings(torch.nn.Module):
    """Layers z -> (x, y e^s + t), s = b tanh(raw / b), of halves that alternate; q0 = N(0, I)."""

    def __init__(self, model):
        super().__init__()
        name, options, count = re.fullmatch(
            r"([a-z-]+)\(([^)]*)\) *: *(\d+)", model["flow"]
        ).groups()
        keys = dict(part.replace(" ", "").split("=") for part in options.split(","))
        assert name == "affine-coupling" and keys["activation"] == "relu"
        assert model["base"] == "standard-normal" and model["precision"] == "float"
        self.dim = model["dim"]
        self.bound = float(keys.get("bound", BOUND))
        self.layers = int(count)
        depth = keys["hidden"].count("x") + 1
        tensors = {
            p["name"]: torch.tensor(p["values"]).reshape(p["shape"]) for p in model["parameters"]
        }
        self.nets = torch.nn.ModuleList()
        for k in range(self.layers):
            steps = []
            for i in range(depth + 1):
                weight = tensors[f"{k}.net.{i}.W"]
                linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
                linear.weight.data = weight
                linear.bias.data = tensors[f"{k}.net.{i}.b"]
                steps += [linear] if i == depth else [linear, torch.nn.ReLU()]
            self.nets.append(torch.nn.Sequential(*steps))

    def halves(self, k, z):
        first, last = z[:, : self.dim // 2], z[:, self.dim // 2 :]
        return (first, last) if k % 2 == 0 else (last, first)

    def numbers(self, k, stays):
        # Numbers of one coordinate stand side by side: its shift, then its raw log-scale.
        theta = self.nets[k](stays).view(stays.shape[0], -1, 2)
        return theta[:, :, 0], self.bound * torch.tanh(theta[:, :, 1] / self.bound)

    def joined(self, k, stays, moves):
        return torch.cat((stays, moves) if k % 2 == 0 else (moves, stays), dim=1)

    def log_base(self, z):
        return -0.5 * torch.sum(z * z, dim=1) - 0.5 * self.dim * math.log(2 * math.pi)

    def push(self, z):
        log_q = self.log_base(z)
        for k in range(self.layers):
            stays, moves = self.halves(k, z)
            shift, log_scale = self.numbers(k, stays)
            z = self.joined(k, stays, moves * torch.exp(log_scale) + shift)
            log_q = log_q - torch.sum(log_scale, dim=1)
        return z, log_q

    def forward(self, x):
        log_det = torch.zeros(x.shape[0])
        for k in range(self.layers - 1, -1, -1):
            stays, moves = self.halves(k, x)
            shift, log_scale = self.numbers(k, stays)
            x = self.joined(k, stays, (moves - shift) * torch.exp(-log_scale))
            log_det = log_det - torch.sum(log_scale, dim=1)
        return self.log_base(x) + log_det


@functools.lru_cache(maxsize=None)
def read(path):
    with open(path, encoding="utf-8") as file:
        return AffineCouplings(json.load(file)).requires_grad_(False)


def score_by(log_q_of, x):
    x = x.detach().requires_grad_(True)
    log_q = log_q_of(x)
    return log_q.detach(), torch.autograd.grad(log_q.sum(), x)[0]


def median_ns(call, batch, seconds):
    for _ in range(10):
        call()
    steps = []
    while len(steps) < 5 or sum(steps) < seconds:
        begin = time.perf_counter()
        call()
        steps.append(time.perf_counter() - begin)
    return 1e9 * sorted(steps)[len(steps) // 2] / batch


def timed(model, batch, seconds):
    flow = read(model)
    x, _ = flow.push(torch.randn(batch, flow.dim))
    push = torch.jit.trace_module(flow, {"push": torch.randn(batch, flow.dim)}).push
    pull = torch.jit.trace(flow, x)

    def draw(f):
        with torch.no_grad():
            return f(torch.randn(batch, flow.dim))

    def log_density(f):
        with torch.no_grad():
            return f(x)

    ns = functools.partial(median_ns, batch=batch, seconds=seconds)
    return {
        "eager": {
            "draw": ns(lambda: draw(flow.push)),
            "log_density": ns(lambda: log_density(flow)),
            "score": ns(lambda: score_by(flow, x)),
        },
        "traced": {
            "draw": ns(lambda: draw(push)),
            "log_density": ns(lambda: log_density(pull)),
            "score": ns(lambda: score_by(pull, x)),
        },
    }


def check(model, base, z, log_q, score):
    """The largest relative differences from Riffle's own results."""
    flow = read(model)

    def points(values):
        return torch.tensor(values).reshape(-1, flow.dim)

    def apart(a, b):
        return torch.max(torch.abs(a - b) / (1 + torch.abs(b))).item()

    drawn, log_q_drawn = flow.push(points(base))
    log_q_found, score_found = score_by(flow, points(z))
    return {
        "draw": apart(drawn, points(z)),
        "log_q of draws": apart(log_q_drawn, torch.tensor(log_q)),
        "log_density": apart(log_q_found, torch.tensor(log_q)),
        "score": apart(score_found, points(score)),
    }


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(json.dumps({"library": f"PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"time": timed, "check": check}[request.pop("op")](**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
