#!/usr/bin/env python3
"""Flows of the library normflows: one gradient of the free energy against a standard normal target.

Reads one JSON request a line and answers each with one line of JSON; the first line it writes tells
the versions. The argument is the number of threads. Try:
    echo '{"op": "time", "flow": "planar", "layers": 16, "dim": 2, "batch": 256, "seconds": 1}' |
        flows_torch.py 1

The library's own layers, loss and base distribution, put together such that structures are those of
Riffle's flows: halves of coupling layers alternate, conditioners are nets of two hidden layers with
relu behind each (but in its masked net, where the first has none).
"""

import functools
import json
import math
import sys
import time

import normflows as nf
import torch
from normflows.flows.neural_spline.coupling import PiecewiseRationalQuadraticCoupling

import tutorial_torch

BINS, BOX = 8, 5.0
LEAST_SLOPE = 1e-3


class StandardNormalTarget(nf.distributions.Target):
    """Unnormalised."""

    def log_prob(self, z):
        return -0.5 * torch.sum(z * z, dim=1)


class SplineNet(nf.nets.MLP):
    """As splines call their nets; they divide raw widths and heights by √hidden_features."""

    def __init__(self, layers):
        super().__init__(layers, init_zeros=True)
        self.hidden_features = layers[1]

    def forward(self, x, context=None):
        return super().forward(x)


def planar(dim, _hidden):
    w = torch.empty(1, dim).uniform_(-1, 1) * math.sqrt(2 / dim)
    # Where log(1 + exp(w·u)) = 1, the constraint sends a u along w to 0.
    return [nf.flows.Planar((dim,), w=w, u=math.log(math.e - 1) * w / torch.sum(w * w))]


def affine_coupling(dim, hidden):
    net = nf.nets.MLP([dim // 2, *hidden, dim], init_zeros=True)
    return [nf.flows.AffineCouplingBlock(net), nf.flows.Permute(dim, mode="swap")]


def rqs_coupling(dim, hidden, place):
    moves = [i >= dim // 2 for i in range(dim)]
    mask = torch.tensor([m == (place % 2 == 0) for m in moves]).int()
    flow = PiecewiseRationalQuadraticCoupling(
        mask,
        lambda inputs, outputs: SplineNet([inputs, *hidden, outputs]),
        num_bins=BINS,
        tails="linear",
        tail_bound=BOX,
        apply_unconditional_transform=False,
        min_derivative=LEAST_SLOPE,
    )
    numbers = flow.transform_net.net[-1].bias.data.view(-1, 3 * BINS - 1)
    numbers[:, 2 * BINS :] = math.log(math.expm1(1 - LEAST_SLOPE))
    return [flow]


def iaf(dim, hidden):
    assert hidden == [hidden[0]] * 2
    flow = nf.flows.MaskedAffineAutoregressive(
        dim, hidden[0], num_blocks=1, use_residual_blocks=False
    )
    last = flow.autoregressive_net.final_layer
    torch.nn.init.zeros_(last.weight)
    scale = 1 - 1e-3  # of which sigmoid(raw + 2) is made
    with torch.no_grad():
        last.bias.zero_()
        last.bias.view(dim, 2)[:, 0] = math.log(scale / (1 - scale)) - 2
    return [flow, nf.flows.Permute(dim, mode="shuffle")]


def maf(dim, hidden):
    flow, permute = iaf(dim, hidden)
    return [nf.flows.base.Reverse(flow), permute]


FLOWS = {
    "planar": planar,
    "affine-coupling": affine_coupling,
    "iaf": iaf,
    "maf": maf,
}


def model_of(flow, layers, dim, hidden):
    torch.manual_seed(1)
    flows = []
    for place in range(layers):
        if flow == "rqs-coupling":
            flows += rqs_coupling(dim, hidden, place)
        else:
            flows += FLOWS[flow](dim, hidden)
    base = nf.distributions.DiagGaussian(dim, trainable=False)
    return nf.NormalizingFlow(base, flows, StandardNormalTarget())


def move(model, offsets, by):
    with torch.no_grad():
        for p, offset in zip(model.parameters(), offsets):
            p.add_(by * offset)


def uniforms(model):
    return [torch.empty_like(p).uniform_(-1, 1) for p in model.parameters()]


def value_and_gradient(model, batch, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    for p in model.parameters():
        p.grad = None
    loss = model.reverse_kld(batch)
    loss.backward()
    return loss


def check(flow, layers, dim, batch, hidden=(), difference=True):
    model = model_of(flow, layers, dim, hidden)
    answer = {"parameters": sum(p.numel() for p in model.parameters())}
    answer["fresh"] = value_and_gradient(model, batch, 2).item()
    torch.manual_seed(3)
    offsets, direction = uniforms(model), uniforms(model)
    move(model, offsets, 0.02)
    answer["moved"] = value_and_gradient(model, batch, 2).item()
    squares = sum(torch.sum(p.grad**2).item() for p in model.parameters())
    answer["gradient_norm"] = math.sqrt(squares)
    if difference:
        model.double()
        direction = [d.double() for d in direction]
        value_and_gradient(model, batch, 2)
        pairs = zip(model.parameters(), direction)
        answer["derivative"] = sum(torch.sum(p.grad * d).item() for p, d in pairs)
        width = 1e-7
        move(model, direction, width)
        above = value_and_gradient(model, batch, 2).item()
        move(model, direction, -2 * width)
        below = value_and_gradient(model, batch, 2).item()
        answer["difference"] = (above - below) / (2 * width)
    return answer


@functools.lru_cache(maxsize=None)
def ready(flow, layers, dim, batch, hidden):
    """A model away from its initial values, after its first steps."""
    model = model_of(flow, layers, dim, list(hidden))
    move(model, uniforms(model), 0.02)
    begin = time.perf_counter()
    for _ in range(20):
        value_and_gradient(model, batch)
        if time.perf_counter() - begin > 0.3:
            break
    return model


def timed(flow, layers, dim, batch, seconds, hidden=()):
    model = ready(flow, layers, dim, batch, tuple(hidden))
    steps = []
    wall, cpu = time.perf_counter(), time.process_time()
    while len(steps) < 3 or sum(steps) < seconds:
        begin = time.perf_counter()
        value_and_gradient(model, batch)
        steps.append(time.perf_counter() - begin)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "ms_per_step": 1e3 * sorted(steps)[len(steps) // 2],
        "cpu_ms_per_step": 1e3 * cpu / len(steps),
        "core_share": cpu / wall / torch.get_num_threads(),
    }


def about():
    return {**tutorial_torch.about(), "library": f"normflows {nf.__version__}"}


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(json.dumps(about()), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"time": timed, "check": check}[request.pop("op")](**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
