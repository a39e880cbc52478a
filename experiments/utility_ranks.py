"""Estimates of a unit's utility against what its removal does to the loss: rank correlations, and costs.

Networks of three hidden layers of 50 ReLU units are trained for 2,000 minibatches of 32 by Adam (0.003): on `geoff`,
and on scikit-learn's digits. Then each unit is removed, one at a time, and the loss of other examples measured.
Estimates are made on a third set. Ranks are correlated within each layer (Spearman), as units are chosen within one.

python -m experiments.utility_ranks            # trains, measures and writes the tables (two minutes on one core)
python -m experiments.utility_ranks --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional

from experiments.online.tables import in_words
from experiments.runs import ROOT, read_table, write_table
from experiments.study import show
from plastic_rl.evaluation import estimate
from plastic_rl.networks import MLP
from plastic_rl.optim.continual_backprop import incoming_magnitude, outgoing_magnitude
from plastic_rl.optim.propagation import propagate
from plastic_rl.streams import Examples, FeatureSearch, Plan
from plastic_rl.streams.data.images import load_images
from plastic_rl.streams.draws import source

RESULTS = ROOT / "results" / "utility_ranks"
SEEDS, UPDATES, BATCH, UNITS = 20, 2000, 32, 50
MEASURED_ON = 500
ESTIMATES = (
    *("propagated", "contribution", "mean-corrected contribution", "adaptable contribution", "gradient x activation"),
    *("Taylor, first order", "Taylor, second order", "outgoing weights", "random"),
)


class Trained:
    """A network that has learned, and examples that it has not learned from.

    Args:
        examples: to learn from, then to be estimated on, then to be measured on.
        is_regression: as of streams.
        seed: of its weights and the order of examples.
        updates: minibatches to learn from.
    """

    def __init__(self, examples: Sequence[Examples], *, is_regression: bool, seed: int, updates: int) -> None:
        self.examples, self.is_regression = examples, is_regression
        outputs = 1 if is_regression else 10
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = MLP(examples[0].inputs.shape[1], outputs, hidden_units=UNITS, hidden_layers=3)
        self._learn(updates, seed)

    def _learn(self, updates: int, seed: int) -> None:
        optimizer, draws = torch.optim.Adam(self.network.parameters(), 0.003), source(seed, "order")
        for _ in range(updates):
            places = torch.randint(len(self.examples[0]), (BATCH,), generator=draws)
            inputs, targets = self.examples[0].take(places)
            optimizer.zero_grad()
            self.losses(self.network(inputs), targets).mean().backward()
            optimizer.step()

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of each example: half the squared error, or the cross-entropy."""
        if self.is_regression:
            return (outputs - targets).square()[:, 0] / 2
        return functional.cross_entropy(outputs, targets, reduction="none")

    def likely(self, outputs: Tensor) -> Tensor:
        """Targets drawn as the network thinks, by which squared slopes are curvatures on average; errors of 1."""
        if self.is_regression:
            return outputs + 1
        return torch.distributions.Categorical(logits=outputs).sample()

    @property
    def linear(self) -> list[nn.Linear]:
        """The layers with weights, the outputs the last."""
        return [layer for layer in self.network if isinstance(layer, nn.Linear)]

    def through(self, inputs: Tensor, silent: tuple[int, int] | None = None) -> tuple[list[Tensor], Tensor]:
        """The hidden activations and the outputs, where one unit of a layer may be silent."""
        hidden: list[Tensor] = []
        for place, layer in enumerate(self.linear[:-1]):
            units = layer(inputs).relu()
            if silent is not None and silent[0] == place:
                units = units.index_fill(1, torch.tensor(silent[1]), 0.0)
            hidden.append(units)
            inputs = units
        return hidden, self.linear[-1](inputs)


@torch.no_grad()
def removal(trained: Trained, inputs: Tensor, targets: Tensor) -> list[Tensor]:
    """The growth of the mean loss of some examples when a unit is silent, for each unit of each layer."""
    before = trained.losses(trained.through(inputs)[1], targets).mean()
    return [
        torch.stack(
            [
                trained.losses(trained.through(inputs, (place, unit))[1], targets).mean() - before
                for unit in range(UNITS)
            ]
        )
        for place in range(len(trained.linear) - 1)
    ]


def by_weights(trained: Trained, hidden: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    """The estimates that need activations and weights alone."""
    weights = [layer.weight for layer in trained.linear]
    sizes = [units.abs().mean(0) for units in hidden]
    spread = [(units - units.mean(0)).abs().mean(0) for units in hidden]
    outgoing = [outgoing_magnitude(weight) for weight in weights[1:]]
    incoming = [incoming_magnitude(weight) for weight in weights[:-1]]
    corrected = [size * out for size, out in zip(spread, outgoing, strict=True)]
    return {
        "propagated": propagate(weights[1:], sizes),
        "contribution": [size * out for size, out in zip(sizes, outgoing, strict=True)],
        "mean-corrected contribution": corrected,
        "adaptable contribution": [each / into for each, into in zip(corrected, incoming, strict=True)],
        "outgoing weights": outgoing,
    }


def slopes(losses: Tensor, hidden: Sequence[Tensor]) -> list[Tensor]:
    """The slope of each example's loss with each activation."""
    return list(torch.autograd.grad(losses.sum(), list(hidden), retain_graph=True))


def by_slopes(trained: Trained, targets: Tensor, hidden: Sequence[Tensor], outputs: Tensor) -> dict[str, list[Tensor]]:
    """The estimates that need slopes: of the loss, and of one with likely targets for its curvature."""
    found = slopes(trained.losses(outputs, targets), hidden)
    first = [slope * units for slope, units in zip(found, hidden, strict=True)]
    likely = trained.losses(outputs, trained.likely(outputs.detach()))
    second = [(slope * units).square() / 2 for slope, units in zip(slopes(likely, hidden), hidden, strict=True)]
    return {
        "gradient x activation": [each.abs().mean(0) for each in first],
        "Taylor, first order": [-each.mean(0) for each in first],
        "Taylor, second order": [(two - one).mean(0) for one, two in zip(first, second, strict=True)],
    }


def estimates(trained: Trained) -> dict[str, list[Tensor]]:
    """All estimates of the utility of each unit of each layer, by name."""
    inputs, targets = trained.examples[1].inputs, trained.examples[1].targets
    hidden, outputs = trained.through(inputs)
    found = {**by_weights(trained, hidden), **by_slopes(trained, targets, hidden, outputs)}
    return {**found, "random": [torch.rand(UNITS) for _ in hidden]}


def geoff(seed: int) -> list[Examples]:
    """Examples of feature search."""
    stream = FeatureSearch(Plan(1, shuffles=False), seed, examples=20_000 + 2 * MEASURED_ON)
    return _parted(stream.task(0).train, 20_000)


def digits(seed: int) -> list[Examples]:
    """Scikit-learn's digits, parted by the seed."""
    images = load_images("digits", None, device="cpu", download=False)
    inputs = torch.cat([part.inputs for part in (images.train, images.test)]).flatten(1).float() / 255
    targets = torch.cat([part.targets for part in (images.train, images.test)])
    order = torch.randperm(len(inputs), generator=source(seed, "parts"))
    return _parted(Examples(inputs[order], targets[order]), len(inputs) - 2 * MEASURED_ON)


def _parted(examples: Examples, learned: int) -> list[Examples]:
    ends = (0, learned, learned + MEASURED_ON, learned + 2 * MEASURED_ON)
    places = [torch.arange(*pair) for pair in pairwise(ends)]
    return [Examples(*examples.take(each)) for each in places]


PROBLEMS: Mapping[str, Callable[[int], list[Examples]]] = {"geoff": geoff, "digits": digits}


def ranks(problem: str, seed: int, updates: int) -> list[dict[str, str]]:
    """The rank correlation of each estimate with the effect of removal, a row for each layer of a network."""
    trained = Trained(PROBLEMS[problem](seed), is_regression=problem == "geoff", seed=seed, updates=updates)
    torch.manual_seed(seed)
    last = trained.examples[2]
    found, effects = estimates(trained), removal(trained, last.inputs, last.targets)
    return [
        {"problem": problem, "seed": str(seed), "layer": str(place + 1)}
        | {name: f"{_rank_correlation(found[name][place], effect):.4f}" for name in ESTIMATES}
        for place, effect in enumerate(effects)
    ]


def _rank_correlation(ours: Tensor, effect: Tensor) -> float:
    return float(np.asarray(spearmanr(ours.detach().numpy(), effect.numpy()))[0])


def costs(repeats: int) -> list[dict[str, str]]:
    """The processor time of each estimate on a minibatch, as a multiple of that of forward and backward pass."""
    trained = Trained(geoff(0), is_regression=True, seed=0, updates=1)
    inputs, targets = trained.examples[1].take(torch.arange(BATCH))
    hidden, outputs = trained.through(inputs)
    weights = [layer.weight for layer in trained.linear]
    timed: dict[str, Callable[[], object]] = {
        "forward and backward": lambda: trained.losses(trained.network(inputs), targets).mean().backward(),
        "contribution": lambda: [
            units.abs().mean(0) * outgoing_magnitude(weight) for units, weight in zip(hidden, weights[1:], strict=True)
        ],
        "propagated": lambda: propagate(weights[1:], [units.abs().mean(0) for units in hidden]),
        "gradient x activation": lambda: slopes(trained.losses(outputs, targets), hidden),
        "Taylor, second order": lambda: by_slopes(trained, targets, hidden, outputs),
        "removal": lambda: removal(trained, inputs, targets),
    }
    rounds = [{name: _seconds(call) for name, call in timed.items()} for _ in range(repeats)]
    taken = {name: float(np.median([each[name] for each in rounds])) for name in timed}
    unit = taken["forward and backward"]
    return [
        {"estimate": name, "times a forward and backward pass": f"{each / unit:.2f}"} for name, each in taken.items()
    ]


def _seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def summary(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """For each estimate the mean over layers of its correlation, in each problem, over networks with intervals."""
    table: list[dict[str, str]] = []
    for name in ESTIMATES:
        row = {"estimate": name}
        for problem in PROBLEMS:
            mine = [each for each in rows if each["problem"] == problem]
            by_seed = [
                float(np.mean([float(each[name]) for each in mine if each["seed"] == seed]))
                for seed in dict.fromkeys(each["seed"] for each in mine)
            ]
            row[problem] = in_words(estimate(by_seed))
        table.append(row)
    return table


def run(results: Path, seeds: int, updates: int, repeats: int) -> None:
    """Trains and measures, and writes the tables."""
    torch.set_num_threads(1)
    rows = [row for problem in PROBLEMS for seed in range(seeds) for row in ranks(problem, seed, updates)]
    write_table(results / "ranks.csv", rows)
    write_table(results / "costs.csv", costs(repeats))
    write_table(results / "summary.csv", summary(read_table(results / "ranks.csv")))
    for name in ("summary", "costs"):
        show(read_table(results / f"{name}.csv"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs it, as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a little of it, into a scratch folder")
    if parser.parse_args(arguments).quick:
        with tempfile.TemporaryDirectory() as scratch:
            run(Path(scratch), seeds=2, updates=20, repeats=3)
    else:
        run(RESULTS, SEEDS, UPDATES, repeats=100)


if __name__ == "__main__":
    main()
