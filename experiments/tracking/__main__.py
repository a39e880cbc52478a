"""Tracking: what learned step sizes are worth where most inputs are irrelevant and the target moves (Sutton 1992).

Twenty inputs, five of which matter, one of these with a new sign every so many examples, in six settings of noise and
pace. The number is the mean squared distance of the prediction from the target before noise, over examples 20,000 to
30,000. Each method's setting is chosen for each row by ten seeds (100 to 109) and reported on thirty others (0 to 29),
except that of N-K1, which is the same everywhere. All runs of a method learn at once, as rows of one weight.

python -m experiments.tracking            # 25 minutes on a core that others used as well
python -m experiments.tracking --draw     # draws from the committed tables
python -m experiments.tracking --quick    # a fiftieth of it, into a scratch folder
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from experiments.runs import ROOT, read_table, write_table
from plastic_rl.optim.step_sizes import IDBD, K1, Autostep, SlopeOptimizer
from plastic_rl.streams import Plan, SignTracking

RESULTS = ROOT / "results" / "tracking"
SEEDS, SEEDS_OF_THE_SEARCH = range(30), range(100, 110)
FIRST_STEP = 0.05


@dataclass(frozen=True)
class Row:
    """A setting of the problem.

    Args:
        noise: standard deviation.
        flip_every: examples.
    """

    noise: float
    flip_every: int

    @property
    def name(self) -> str:
        pace = f"a flip every {self.flip_every:,}" if self.flip_every else "no flip"
        return f"noise {self.noise:g}, {pace}"


ROWS = (Row(0, 20), Row(1, 20), Row(3, 20), Row(1, 1000), Row(3, 1000), Row(1, 0))
FAST, STILL = ROWS[0], ROWS[-1]


@dataclass(frozen=True)
class Method:
    """A method, and the values of the one setting that is chosen for it.

    Args:
        make: makes the optimiser, given the setting.
        setting: its name.
        values: those that are tried.
    """

    make: Callable[..., Optimizer]
    setting: str
    values: tuple[float, ...]

    def at(self, value: float, **more: float) -> Callable[[Iterable[Tensor]], Optimizer]:
        """The method with its setting."""
        return partial(self.make, **{self.setting: value, **more})


METHODS: dict[str, Method] = {
    "LMS": Method(partial(IDBD, meta_step=0.0), "lr", (3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.03, 0.05)),
    "RMSprop": Method(torch.optim.RMSprop, "lr", (1e-3, 3e-3, 0.01, 0.03, 0.1)),
    "Adam": Method(torch.optim.Adam, "lr", (1e-3, 3e-3, 0.01, 0.03, 0.1)),
    "IDBD": Method(IDBD, "meta_step", (1e-3, 3e-3, 0.01, 0.015, 0.02)),
    "IDBD, normalised": Method(partial(IDBD, normalized=True), "meta_step", (0.03, 0.1, 0.3)),
    "Autostep, as published": Method(partial(Autostep, keeps_bound=True), "meta_step", (3e-3, 0.01, 0.03)),
    "Autostep": Method(Autostep, "meta_step", (0.01, 0.03, 0.1)),
    "K1": Method(partial(K1, normalized=False), "meta_step", (1e-3, 3e-3, 0.01, 0.03)),
    "N-K1": Method(K1, "meta_step", (0.1,)),
}
FIXED = "N-K1"
FIRST_STEPS = (5e-4, 5e-3, 0.05, 0.5)
SETTINGS_OF_FIRST_STEPS = {"LMS": 0.0, "IDBD": 0.01, "Autostep": 0.03, "N-K1": 0.1}
"""Meta steps at which the first step size is varied; of LMS there is none, and the first is the only one."""


Make = Callable[[Iterable[Tensor]], Optimizer]
Key = tuple[Any, ...]
Found = tuple[Tensor, Tensor]


class Lanes:
    """Streams side by side, each with a row of a weight that begins at 0.

    Args:
        rows: settings of the problem.
        seeds: of each.
        tasks: stretches of a thousand examples.
    """

    def __init__(self, rows: Sequence[Row], seeds: Sequence[int], tasks: int) -> None:
        self.names = [(row.name, seed) for row in rows for seed in seeds]
        self.tasks, self.inputs = tasks, 20
        plan = Plan(tasks, shuffles=False)
        self.streams = [
            SignTracking(plan, seed, noise=row.noise, flip_every=row.flip_every) for row in rows for seed in seeds
        ]

    def examples(self, task: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Inputs, targets before noise and targets of one example after the other, of all lanes."""
        found = [stream.task(task).train for stream in self.streams]
        signals = [stream.signal(task, each.inputs) for stream, each in zip(self.streams, found, strict=True)]
        together = ([each.inputs for each in found], signals, [each.targets for each in found])
        inputs, signal, targets = (torch.stack(each, 1) for each in together)
        return zip(inputs.unbind(), signal[..., 0].unbind(), targets[..., 0].unbind(), strict=True)


def learn(makes: Mapping[Key, Make], lanes: Lanes) -> dict[Key, Found]:
    """For each method and lane the mean squared distance from the signal over the last third, and the step sizes."""
    weights = {key: nn.Parameter(torch.zeros(len(lanes.names), lanes.inputs)) for key in makes}
    optimizers = {key: make([weights[key]]) for key, make in makes.items()}
    squares = {key: torch.zeros(len(lanes.names), dtype=torch.float64) for key in makes}
    late = range(lanes.tasks * 2 // 3, lanes.tasks)
    count = 0
    for task in range(lanes.tasks):
        examples = list(lanes.examples(task))
        count += len(examples) * (task in late)
        for key, optimizer in optimizers.items():
            for inputs, signal, target in examples:
                predicted = (weights[key].detach() * inputs).sum(1)
                move(optimizer, weights[key], inputs, target - predicted)
                if task in late:
                    squares[key] += (signal - predicted).square()
        print(f"task {task + 1} of {lanes.tasks}", flush=True)
    return {key: (squares[key] / count, sizes(optimizers[key], weights[key])) for key in makes}


def sizes(optimizer: Optimizer, weight: nn.Parameter) -> Tensor:
    """The step size of each weight; not a number where an optimiser has none of its own."""
    return optimizer.step_sizes()[0] if isinstance(optimizer, SlopeOptimizer) else torch.full_like(weight, torch.nan)


def move(optimizer: Optimizer, weight: nn.Parameter, inputs: Tensor, errors: Tensor) -> None:
    """One step: down half the squared error, or by slopes and errors where an optimiser takes these."""
    if isinstance(optimizer, SlopeOptimizer):
        weight.grad = inputs
        optimizer.observe(errors)
    else:
        weight.grad = -errors[:, None] * inputs
    optimizer.step()


def table_of(found: Mapping[Key, Found], lanes: Lanes) -> list[dict[str, Any]]:
    """One line for each run: how far off, and the mean step sizes of relevant inputs and of others."""
    return [
        {
            "row": row,
            "method": method,
            "value": value,
            "first": first,
            "seed": seed,
            "error": f"{float(error):.5g}",
            "relevant": f"{float(steps[:5].mean()):.4g}",
            "irrelevant": f"{float(steps[5:].mean()):.4g}",
        }
        for (method, value, first), (errors, all_steps) in found.items()
        for (row, seed), error, steps in zip(lanes.names, errors, all_steps, strict=True)
    ]


def comparison(seeds: Sequence[int], tasks: int) -> list[dict[str, Any]]:
    """All methods with all values that are tried, in all rows."""
    makes: dict[Key, Make] = {
        (name, value, ""): method.at(value) for name, method in METHODS.items() for value in method.values
    }
    lanes = Lanes(ROWS, seeds, tasks)
    return table_of(learn(makes, lanes), lanes)


def first_step_runs(seeds: Sequence[int], tasks: int) -> list[dict[str, Any]]:
    """All runs in which the first step size is varied over three orders of magnitude."""
    makes: dict[Key, Make] = {}
    for name, value in SETTINGS_OF_FIRST_STEPS.items():
        for first in FIRST_STEPS:
            method = METHODS[name]
            makes[name, value, first] = method.at(first) if name == "LMS" else method.at(value, lr=first)
    lanes = Lanes((FAST, STILL), seeds, tasks)
    return table_of(learn(makes, lanes), lanes)


def chosen(table: Sequence[Mapping[str, Any]], searched: Sequence[int]) -> list[dict[str, Any]]:
    """The mean error of each value over the seeds of the search, and which is the least of its row and method."""
    errors: dict[tuple[str, str, float], list[float]] = {}
    for each in table:
        if int(each["seed"]) in searched:
            errors.setdefault((each["row"], each["method"], float(each["value"])), []).append(float(each["error"]))
    means = {key: float(np.mean(values)) if np.isfinite(values).all() else np.inf for key, values in errors.items()}
    least = {key[:2]: min(means[other] for other in means if other[:2] == key[:2]) for key in means}
    return [
        {"row": row, "method": method, "value": value, "error": f"{mean:.5g}", "chosen": mean == least[row, method]}
        for (row, method, value), mean in means.items()
    ]


def reported(
    table: Sequence[Mapping[str, Any]], search: Sequence[Mapping[str, Any]], seeds: Sequence[int]
) -> list[Mapping[str, Any]]:
    """The runs with the seeds that chose nothing, each method with what was chosen for the row."""
    picks = {(each["row"], each["method"], float(each["value"])) for each in search if each["chosen"]}
    return [
        each
        for each in table
        if int(each["seed"]) in seeds and (each["row"], each["method"], float(each["value"])) in picks
    ]


def interval(values: np.ndarray, draws: int = 2000) -> tuple[float, float, float]:
    """The mean, and its 95 % bootstrap interval."""
    if not np.isfinite(values).all():
        return float("inf"), float("inf"), float("inf")
    picked = np.random.default_rng(0).integers(len(values), size=(draws, len(values)))
    low, high = np.quantile(values[picked].mean(1), (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def errors_of(table: Sequence[Mapping[str, str]], row: str, method: str, first: float | None = None) -> np.ndarray:
    """The errors of all seeds."""
    return np.array(
        [
            float(each["error"])
            for each in table
            if (each["row"], each["method"]) == (row, method) and (first is None or float(each["first"]) == first)
        ]
    )


def in_words(values: np.ndarray) -> str:
    """A mean with its interval, to three digits."""
    value, low, high = interval(values)
    return "diverges" if not np.isfinite(value) or value > 1e3 else f"{value:.3g} [{low:.3g}, {high:.3g}]"


def summary(runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """One row for each method: its errors, a column for each row of the problem."""
    return [
        {"method": method, **{row.name: in_words(errors_of(runs, row.name, method)) for row in ROWS}}
        for method in METHODS
    ]


def first_steps(runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """One row for each method and problem: its errors, a column for each first step size."""
    return [
        {
            "problem": row.name,
            "method": method,
            **{f"{first:g}": in_words(errors_of(runs, row.name, method, first)) for first in FIRST_STEPS},
        }
        for row in (FAST, STILL)
        for method in SETTINGS_OF_FIRST_STEPS
    ]


def verdicts(runs: Sequence[Mapping[str, str]], firsts: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The targets that the project set itself, and what was measured."""
    means = {(row, method): errors_of(runs, row.name, method).mean() for row in ROWS for method in METHODS}
    ratios = [means[row, FIXED] / min(means[row, other] for other in METHODS) for row in ROWS]
    spread = [[errors_of(firsts, row.name, FIXED, first).mean() for first in FIRST_STEPS] for row in (FAST, STILL)]
    moving = max(ratio for row, ratio in zip(ROWS, ratios, strict=True) if row.flip_every)
    claims = [
        ("N-K1, fast and clean: at most 1.10", means[FAST, FIXED], means[FAST, FIXED] <= 1.10),
        ("IDBD, fast and clean: within 5 % of 1.51", means[FAST, "IDBD"], abs(means[FAST, "IDBD"] / 1.51 - 1) <= 0.05),
        ("best LMS, fast and clean: 3.35 within 5 %", means[FAST, "LMS"], abs(means[FAST, "LMS"] / 3.35 - 1) <= 0.05),
        ("N-K1 over the best tuned method, worst of six rows: at most 1.12", max(ratios), max(ratios) <= 1.12),
        ("the same, worst of the five rows that move: at most 1.12", moving, moving <= 1.12),
        ("N-K1, noisy and still: at most 0.02", means[STILL, FIXED], means[STILL, FIXED] <= 0.02),
        ("N-K1, fast: largest over least for first steps 0.0005 to 0.5", max(spread[0]) / min(spread[0]), None),
        ("N-K1, still: largest over least for first steps 0.0005 to 0.5", max(spread[1]) / min(spread[1]), None),
    ]
    words = {True: "reached", False: "missed", None: "-"}
    return [
        {"target": name, "measured": f"{float(value):.4g}", "verdict": words[None if held is None else bool(held)]}
        for name, value, held in claims
    ]


def ratios_to_best(runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """For each row of the problem N-K1's error over that of the best method, and which that is."""
    rows: list[dict[str, str]] = []
    for row in ROWS:
        means = {method: float(errors_of(runs, row.name, method).mean()) for method in METHODS}
        winner = min(means, key=lambda method: means[method])
        rows.append({"row": row.name, "best": winner, "ratio": f"{means[FIXED] / means[winner]:.3f}"})
    return rows


def draw(runs: Sequence[Mapping[str, str]], firsts: Sequence[Mapping[str, str]], picture: Path) -> None:
    """Each method over the best of its row, and the errors over the first step size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, *right = figure.subplots(1, 3, width_ratios=(2, 1, 1))
    for method, marker in zip(METHODS, "osv^<>DP*", strict=True):
        over = [
            float(errors_of(runs, row.name, method).mean())
            / min(float(errors_of(runs, row.name, other).mean()) for other in METHODS)
            for row in ROWS
        ]
        left.plot(range(len(ROWS)), over, marker=marker, label=method, linewidth=2.5 if method == FIXED else 1)
    left.set(yscale="log", ylabel="error over that of the best method", xticks=range(len(ROWS)))
    left.set_xticklabels([row.name.replace(", ", "\n").replace("every", "\nevery") for row in ROWS], fontsize=7)
    left.legend(frameon=False, fontsize=7)
    for axes, row in zip(right, (FAST, STILL), strict=True):
        for method in SETTINGS_OF_FIRST_STEPS:
            means = [float(errors_of(firsts, row.name, method, first).mean()) for first in FIRST_STEPS]
            axes.plot(FIRST_STEPS, [each if each < 1e3 else np.nan for each in means], marker="o", label=method)
        axes.set(xscale="log", yscale="log", xlabel="first step size", title=row.name)
        axes.title.set_fontsize(8)
        axes.legend(frameon=False, fontsize=7)
    left.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=120)


def report(results: Path) -> None:
    """Draws the figure, and writes what follows from the runs."""
    runs, firsts = read_table(results / "runs.csv"), read_table(results / "first_steps.csv")
    write_table(results / "summary.csv", summary(runs))
    write_table(results / "first_steps_summary.csv", first_steps(firsts))
    write_table(results / "ratios.csv", ratios_to_best(runs))
    write_table(results / "verdict.csv", verdicts(runs, firsts))
    draw(runs, firsts, results / "figure.png")
    for row in read_table(results / "verdict.csv"):
        print(f"{row['verdict']:<8} {row['measured']:>8}  {row['target']}")


def run(results: Path, seeds: Sequence[int], searched: Sequence[int], tasks: int) -> None:
    """Runs everything, chooses settings by some seeds, and reports the others."""
    table = comparison([*seeds, *searched], tasks)
    search = chosen(table, searched)
    write_table(results / "search.csv", search)
    write_table(results / "runs.csv", reported(table, search, seeds))
    write_table(results / "first_steps.csv", first_step_runs(seeds, tasks))
    report(results)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs, or draws, as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true", help="only draw, from the tables that are there")
    parser.add_argument("--quick", action="store_true", help="a little of it, into a scratch folder")
    asked = parser.parse_args(arguments)
    if asked.draw:
        report(RESULTS)
    elif asked.quick:
        with tempfile.TemporaryDirectory() as scratch:
            run(Path(scratch), SEEDS[:2], SEEDS_OF_THE_SEARCH[:2], tasks=1)
    else:
        run(RESULTS, SEEDS, SEEDS_OF_THE_SEARCH, tasks=30)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
