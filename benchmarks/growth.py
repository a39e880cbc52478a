"""The cost of growth: a step of a network that has grown, and a birth.

    python -m benchmarks.growth            all of it, some minutes of one core
    python -m benchmarks.growth --quick    a few blocks of each

A network that began at a quarter of its width and was widened unit by unit is trained beside one that was made of the
full width: blocks of the two alternate in one process and on one thread, and the ratio is the median over rounds. Time
is the processor's. A birth is one unit more in every hidden layer (`widen`), a departure one less (`prune`), both at
the full width and with a moment of youth in Adam; they are given in steps, and as the share of time that they take when
there is one in 40 updates, as in `agent=ppo_dynamic`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.overhead import Subject, clock, compare
from benchmarks.tables import DEVICE, command_line, show, write
from plastic_rl.layers import hidden_layers
from plastic_rl.nn.dynamic import prune, widen
from plastic_rl.optim import Adam

TARGET = 1.10  # of a grown network's step over that of one made as wide
EVERY = 40  # updates between two births


def perceptron(width: int) -> nn.Module:
    """Two hidden layers of ReLU units, as PPO has them."""
    return nn.Sequential(nn.Linear(17, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 6))


def convolutional(width: int) -> nn.Module:
    """Two convolutions and a dense layer behind them."""
    first = [nn.Conv2d(3, width, 3, 2, 1), nn.ReLU(), nn.Conv2d(width, width, 3, 2, 1), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*first, nn.Linear(64 * width, width), nn.ReLU(), nn.Linear(width, 10))


WORKLOADS: dict[str, tuple[Callable[[int], nn.Module], int, tuple[int, ...], int]] = {
    "2x64, batch 128": (perceptron, 64, (128, 17), 100),
    "2x256, batch 128": (perceptron, 256, (128, 17), 40),
    "conv 32, batch 32": (convolutional, 32, (32, 3, 32, 32), 10),
}


class Network:
    """A network in training.

    Args:
        build: makes one of a width.
        first: the width that it is made with.
        shape: of a minibatch.
    """

    def __init__(self, build: Callable[[int], nn.Module], first: int, shape: tuple[int, ...]) -> None:
        torch.manual_seed(0)
        self.network, self.inputs = build(first).to(DEVICE), torch.randn(shape, device=DEVICE)
        self.optimizer = Adam(self.network.parameters(), lr=1e-4)
        self.layers = hidden_layers(self.network, self.inputs[:2])

    def step(self) -> None:
        """A training step."""
        self.optimizer.zero_grad()
        self.network(self.inputs).square().mean().backward()
        self.optimizer.step()

    def bear(self) -> None:
        """One unit more in every layer."""
        for layer in self.layers:
            widen(layer, 1, self.optimizer)

    def part(self) -> None:
        """One unit less in every layer, the youngest."""
        for layer in self.layers:
            prune(layer, [layer.units - 1], self.optimizer)

    def grow(self, width: int) -> Network:
        """As many births as it takes; a step after each."""
        self.step()
        while self.layers[0].units < width:
            self.bear()
            self.step()
        return self


def milliseconds(of: Callable[[], Any], times: int) -> float:
    """The time that something takes, on average."""
    start = clock()
    for _ in range(times):
        of()
    return (clock() - start) * 1e3 / times


def births(network: Network, rounds: int) -> tuple[float, float]:
    """Medians of the milliseconds of a birth and of a departure, each after a step."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for taken, change in zip(times, (network.bear, network.part), strict=True):
            network.step()
            taken.append(milliseconds(change, 1))
    return statistics.median(times[0]), statistics.median(times[1])


def row(name: str, rounds: int) -> dict[str, str]:
    """The line of a workload in the table."""
    build, width, shape, steps = WORKLOADS[name]
    made, grown = Network(build, width, shape), Network(build, width // 4, shape).grow(width)
    subjects = {"made": Subject(made.step), "grown": Subject(grown.step)}
    compare(subjects, steps, steps, rounds)
    pairs = zip(subjects["grown"].times, subjects["made"].times, strict=True)
    ratios = sorted(mine / its for mine, its in pairs)
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    step = statistics.median(subjects["made"].times)
    born, gone = births(grown, 5 * rounds)
    return {
        "workload": name,
        "step, ms": f"{step:.2f}",
        "grown / made": f"{middle:.3f}",
        "quartiles": f"{low:.3f} to {high:.3f}",
        "target": f"{TARGET:.2f}",
        "a birth, in steps": f"{born / step:.1f}",
        "a departure, in steps": f"{gone / step:.1f}",
        f"a birth in {EVERY} updates": f"{born / step / EVERY:.0%}",
    }


def main() -> None:
    """Measures all workloads, and writes the table."""
    options = command_line("growth_cpu").parse_args()
    torch.set_num_threads(1)
    table = [row(name, 4 if options.quick else 20) for name in WORKLOADS]
    print(show(table))
    write(table, options.output)


if __name__ == "__main__":
    main()
