"""The cost of local training by HSIC: time against the published way of computing it, memory against backprop.

    python -m benchmarks.hsic            three minutes of one core
    python -m benchmarks.hsic --quick    a few rounds of each

Time: five blocks Linear-BatchNorm-ReLU of width 256 on 784 inputs and ten classes. A step is forward, the blocks'
losses and their gradients; no optimiser. "published" is an own transcription of the authors' procedure: for every block
the whole network runs again, input and label kernels are made anew, four matrices are inverted, and the gradient goes
back to the first block. "published, one forward" leaves out the repeated passes and the gradient's way through earlier
blocks: it is what the published way of computing kernels costs alone. Ratios are the baseline's time over the
subject's. In one process and on one thread steps of all
subjects alternate; a ratio is the median over rounds. Time is the processor's.

Memory: the peak of what autograd keeps for backward passes, for 32 blocks of width 512 and a batch of 256.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.overhead import clock
from benchmarks.saved_activations import SavedActivations
from benchmarks.tables import command_line, show, write
from plastic_rl.nn import LocalHSIC, OneHot
from plastic_rl.nn.local import find_blocks

INPUTS, CLASSES, SIGMA, BETA, EPSILON = 784, 10, 5.0, 100.0, 1e-5
# The lowest ratio aimed at, by estimator and batch.
TARGETS = {
    ("normalized_hsic", 256): 2.0,
    ("linear_hsic", 128): 8.0,
    ("linear_hsic", 1024): 50.0,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "normalized_hsic": {"beta": BETA, "sigma": SIGMA},
    "hsic": {},
    "linear_hsic": {"is_normalized": False},
    "linear_hsic, normalised": {"is_normalized": True},
    "ridge": {},
}
Step = Callable[[], object]


def network(depth: int, width: int) -> nn.Sequential:
    """Blocks of one width."""
    torch.manual_seed(0)
    widths = [INPUTS, *[width] * depth]
    layers = [(nn.Linear(a, b), nn.BatchNorm1d(b, affine=False), nn.ReLU()) for a, b in pairwise(widths)]
    return nn.Sequential(*(module for block in layers for module in block))


def batch(samples: int) -> tuple[Tensor, Tensor]:
    """Noise around a mean of its own for each class."""
    labels = torch.arange(samples) % CLASSES
    return torch.randn(CLASSES, INPUTS)[labels] + torch.randn(samples, INPUTS), labels


def one_sided_kernel(samples: Tensor) -> Tensor:
    """K H, as published: centred on one side, pairwise distances without centring."""
    count, width = samples.shape
    lengths = (samples * samples).sum(1).view(-1, 1)
    distances = (lengths - 2 * samples.mm(samples.T) + lengths.T).abs()
    centring = torch.eye(count) - torch.ones(count, count) / count
    return torch.exp(-distances / (2 * SIGMA**2 * width)).mm(centring)


def published_nhsic(x: Tensor, y: Tensor) -> Tensor:
    """The sum of R_x ∘ R_yᵀ, with R = K H (K H + ε m I)⁻¹ by a general inverse."""
    products = []
    for kernel in (one_sided_kernel(x), one_sided_kernel(y)):
        products.append(kernel.mm(torch.inverse(kernel + EPSILON * len(x) * torch.eye(len(x)))))
    return (products[0] * products[1].T).sum()


def published_objective(features: Tensor, inputs: Tensor, columns: Tensor) -> Tensor:
    """The loss of one block."""
    return published_nhsic(features, inputs) - BETA * published_nhsic(features, columns)


def published_step(samples: int, repeats_passes: bool) -> Step:
    """The gradients of all blocks, the published way; with or without the passes that it repeats."""
    blocks = nn.ModuleList(find_blocks(network(5, 256)))
    inputs, labels = batch(samples)
    columns = functional.one_hot(labels, CLASSES).float()

    def again(place: int) -> Tensor:
        features = inputs
        wanted = features
        for position, block in enumerate(blocks):
            features = block(features)
            wanted = features if position == place else wanted
        return wanted

    def step() -> None:
        features = inputs
        for place, block in enumerate(blocks):
            features = again(place) if repeats_passes else block(features.detach())
            published_objective(features, inputs, columns).backward()
            blocks.zero_grad()

    return step


def local_step(estimator: str, samples: int) -> Step:
    """The gradients of all blocks, by the trainer's losses."""
    settings = SETTINGS[estimator]
    example, encoder = torch.zeros(1, INPUTS), OneHot(CLASSES)
    name = estimator.partition(",")[0]
    trainer = LocalHSIC(network(5, 256), example, target_encoder=encoder, estimator=name, readout=None, **settings)
    inputs, labels = batch(samples)

    def step() -> None:
        for _, loss in trainer.local_losses(inputs, encoder(labels)):
            loss.backward()
        trainer.zero_grad()

    return step


def backprop_step(samples: int) -> Step:
    """The gradients of all blocks and a linear head by backprop."""
    whole = nn.Sequential(network(5, 256), nn.Linear(256, CLASSES))
    inputs, labels = batch(samples)

    def step() -> None:
        functional.cross_entropy(whole(inputs), labels).backward()
        whole.zero_grad()

    return step


def milliseconds(step: Step, repeats: int) -> float:
    """Time of a step."""
    start = clock()
    for _ in range(repeats):
        step()
    return (clock() - start) * 1e3 / repeats


def compare(samples: int, rounds: int) -> list[dict[str, str]]:
    """The table's lines of one batch size."""
    subjects = {"published": published_step(samples, True), "published, one forward": published_step(samples, False)}
    subjects |= {name: local_step(name, samples) for name in SETTINGS}
    subjects["backprop"] = backprop_step(samples)
    times: dict[str, list[float]] = {name: [] for name in subjects}
    repeats = {name: max(1, math.ceil(20 / milliseconds(step, 1))) for name, step in subjects.items()}
    for _ in range(rounds):
        for name, step in subjects.items():
            times[name].append(milliseconds(step, repeats[name]))
    return [_line(name, samples, times) for name in subjects]


def _line(name: str, samples: int, times: dict[str, list[float]]) -> dict[str, str]:
    ratios = [theirs / mine for theirs, mine in zip(times["published"], times[name], strict=True)]
    kernels = [theirs / mine for theirs, mine in zip(times["published, one forward"], times[name], strict=True)]
    target, ratio = TARGETS.get((name, samples)), statistics.median(ratios)
    return {
        "what": "time of a step",
        "subject": name,
        "batch": str(samples),
        "value": f"{statistics.median(times[name]):.2f} ms",
        "baseline": "published",
        "ratio": f"{ratio:.1f}",
        "ratio, one forward": f"{statistics.median(kernels):.1f}",
        "target": f"{target:.0f}" if target else "-",
        "met": "-" if target is None else "yes" if ratio >= target else "no",
    }


def saved_by_backprop(whole: nn.Module, samples: int) -> int:
    """Bytes kept for one backward pass through everything."""
    inputs, labels = batch(samples)
    with SavedActivations(whole.parameters()) as saved:
        functional.cross_entropy(whole(inputs), labels).backward()
    return saved.peak


def saved_by_trainer(depth: int, samples: int, estimator: str, width: int = 512) -> int:
    """Bytes kept at most in an update of the trainer."""
    build = partial(LocalHSIC, estimator=estimator, readout=None, target_encoder=OneHot(CLASSES))
    trainer = build(network(depth, width), torch.zeros(1, INPUTS))
    inputs, labels = batch(samples)
    with SavedActivations(trainer.parameters()) as saved:
        trainer.update(inputs, labels)
    return saved.peak


def memory(depth: int = 32, width: int = 512, samples: int = 256) -> list[dict[str, str]]:
    """The table's lines about memory."""
    whole = nn.Sequential(network(depth, width), nn.Linear(width, CLASSES))
    backprop = saved_by_backprop(whole, samples)
    peaks = {"backprop": backprop}
    peaks |= {
        name: saved_by_trainer(depth, samples, name, width) for name in ("normalized_hsic", "linear_hsic", "ridge")
    }
    return [_memory_line(name, depth, samples, peak, backprop) for name, peak in peaks.items()]


def _memory_line(name: str, depth: int, samples: int, peak: int, backprop: int) -> dict[str, str]:
    has_target = name != "backprop" and depth == 32
    return {
        "what": f"saved activations of {depth} blocks",
        "subject": name,
        "batch": str(samples),
        "value": f"{peak / 2**20:.2f} MiB",
        "baseline": "backprop",
        "ratio": f"{backprop / peak:.1f}",
        "ratio, one forward": "-",
        "target": "10" if has_target else "-",
        "met": "-" if not has_target else "yes" if backprop / peak >= 10 else "no",
    }


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("hsic_cpu", "few rounds").parse_args()
    torch.set_num_threads(1)
    table: list[dict[str, str]] = []
    for samples, rounds in ((128, 21), (256, 15), (1024, 5)):
        print(f"measuring batches of {samples}", flush=True)
        table += compare(samples, 3 if options.quick else rounds)
    for depth in (8, 32, 64):
        table += memory(depth)
    print(show(table))
    write(table, options.output)


if __name__ == "__main__":
    main()
