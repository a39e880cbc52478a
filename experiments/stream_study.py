"""A study of learners on a stream: runs them, gathers how each task went, and draws it with intervals.

python -m experiments.<study>            # runs what is missing, then draws
python -m experiments.<study> --draw     # draws from the committed table
python -m experiments.<study> --quick    # a few tasks, into a scratch folder
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.runs import ROOT, Arm, about, read_table, run_missing, write_table
from experiments.style import COLOURS, plain_axes
from plastic_rl.evaluation import Estimate, band, estimate, probability_of_improvement
from plastic_rl.runs import read_metrics, read_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Measured when a task begins or ends, and kept in the tables.
RESULTS = ("online/error", "online/accuracy", "test/accuracy")
KEPT = (*RESULTS, "units/dead", "units/dormant", "rank/effective", "weights/mean_abs", "cbp/replaced")

Curves = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class StreamStudy:
    """What is compared, on what, and how it is shown.

    Args:
        name: of the study: its folder in `results`.
        title: above the figure.
        arms: what is compared; the others are compared with the first.
        seeds: of each arm.
        quantity: what counts: a metric's name.
        percent: whether it is shown in percent; else as it is, and smaller is better.
        group: tasks that are averaged to one point of the figure.
        quick: words that make a quick run of it; a later word wins.
        together: train all seeds of an arm as one batched network.
        tail: tasks at the end over which the summary's last column averages.
    """

    name: str
    title: str
    arms: tuple[Arm, ...]
    seeds: range
    quantity: str
    percent: bool
    group: int
    tail: int
    quick: tuple[str, ...]
    together: bool = False

    @property
    def results(self) -> Path:
        """Where the committed tables and the figure are."""
        return ROOT / "results" / self.name

    def commands(self) -> tuple[list[Arm], list[int]]:
        """The arms and seeds as they are run: with `together`, each arm once for all seeds."""
        if not self.together:
            return list(self.arms), list(self.seeds)
        word = f"seeds={len(self.seeds)}"
        return [replace(arm, overrides=(*arm.overrides, word)) for arm in self.arms], [self.seeds.start]


def main(study: StreamStudy, arguments: Sequence[str] | None = None) -> None:
    """Runs, gathers, draws, as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true", help="only draw, from the table that is there")
    parser.add_argument("--quick", action="store_true", help="a few tasks, into a scratch folder")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (each takes one core)")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "studies" / study.name, help="the runs")
    parser.add_argument("--data", help="the folder of the data sets (docs/data.md), seen from the project's root")
    asked = parser.parse_args(arguments)
    if asked.draw:
        report(study, study.results)
    elif asked.quick:
        with tempfile.TemporaryDirectory() as scratch:
            arms = tuple(replace(arm, overrides=(*arm.overrides, *study.quick)) for arm in study.arms)
            small = replace(study, arms=arms, seeds=range(2), group=1, tail=1)
            run(small, Path(scratch) / "runs", Path(scratch) / "results", asked.jobs, asked.data)
    else:
        run(study, asked.out, study.results, asked.jobs, asked.data)


def run(study: StreamStudy, out: Path, results: Path, jobs: int, data: str | None) -> None:
    """Runs what is missing, writes the tables and draws the figure."""
    arms, seeds = study.commands()
    if data is not None:
        arms = [replace(arm, overrides=(*arm.overrides, f"env.data_folder={data}")) for arm in arms]
    run_missing(arms, seeds, out, jobs)
    curves, runs = gather(study, out)
    write_table(results / "curves.csv", curves)
    write_table(results / "runs.csv", runs)
    report(study, results)


def gather(study: StreamStudy, out: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One row for each arm, seed and task, and one row about each run."""
    curves: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for arm in study.arms:
        for record_file in sorted((out / arm.name.replace(" ", "_")).glob("*/*/*/run.json")):
            tasks: dict[tuple[int, int], dict[str, Any]] = {}
            for line in read_metrics(record_file.parent / "metrics.jsonl"):
                place = (int(str(line["seed"])), int(str(line["task/index"])))
                tasks.setdefault(place, {}).update({name: line[name] for name in KEPT if name in line})
            for (seed, task), values in sorted(tasks.items()):
                kept = {name: f"{values[name]:.5g}" if name in values else "" for name in KEPT}
                curves.append({"arm": arm.name, "seed": seed, "task": task, **kept})
            runs.append({"arm": arm.name, "folder": record_file.parent.name, **about(read_record(record_file))})
    return curves, runs


def report(study: StreamStudy, results: Path) -> None:
    """Draws the figure and writes the summary from the table of curves."""
    curves = read_curves(study, results / "curves.csv")
    draw(study, curves, results / "figure.png")
    rows = summary(study, curves, results / "curves.csv")
    write_table(results / "summary.csv", rows)
    for row in rows:
        print("  ".join(f"{value:<22}" for value in row.values()))


def read_curves(study: StreamStudy, table: Path) -> Curves:
    """For each arm what counts, of shape (seeds, tasks)."""
    return column(table, study.quantity)


def column(table: Path, name: str) -> Curves:
    """For each arm one quantity, of shape (seeds, tasks); not a number where it was not measured."""
    rows = read_table(table)
    curves: Curves = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        own = [row for row in rows if row["arm"] == arm]
        seeds, tasks = sorted({int(row["seed"]) for row in own}), sorted({int(row["task"]) for row in own})
        value = {(int(row["seed"]), int(row["task"])): float(row[name] or "nan") for row in own}
        curves[arm] = np.array([[value[seed, task] for task in tasks] for seed in seeds])
    return curves


def summary(study: StreamStudy, curves: Curves, table: Path) -> list[dict[str, str]]:
    """For each arm: the first task, the average over life and the last tasks, as interquartile means; dead units."""
    dead = column(table, "units/dead")
    reference = next(iter(curves.values()))[:, -study.tail :].mean(1)
    sign = 1 if study.percent else -1
    rows: list[dict[str, str]] = []
    for arm, values in curves.items():
        late = values[:, -study.tail :].mean(1)
        better = probability_of_improvement(sign * late, sign * reference)
        shares = dead[arm][:, -1]
        rows.append(
            {
                "arm": arm,
                "seeds": str(len(values)),
                _tasks("first", study.group): _words(study, estimate(values[:, : study.group].mean(1))),
                "average over life": _words(study, estimate(values.mean(1))),
                _tasks("last", study.tail): _words(study, estimate(late)),
                f"P(better than {next(iter(curves))})": "-" if arm == next(iter(curves)) else f"{better:.2f}",
                "dead units at the end": "-" if np.isnan(shares).all() else f"{np.nanmean(shares):.0%}",
            }
        )
    return rows


def _tasks(which: str, count: int) -> str:
    return f"{which} task" if count == 1 else f"{which} {count} tasks"


def _words(study: StreamStudy, value: Estimate) -> str:
    scale, digits = (100, 1) if study.percent else (1, 2)
    numbers = [f"{scale * each:.{digits}f}" for each in (value.value, value.low, value.high)]
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"


def draw(study: StreamStudy, curves: Curves, picture: Path) -> None:
    """What counts over tasks, a line for each arm with 95 % intervals over seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for arm, values in curves.items():
        _band(study, axes, values, arm)
    seeds = len(next(iter(curves.values())))
    grouped = f" (mean of {study.group} tasks)" if study.group > 1 else ""
    axes.set(xlabel="task", ylabel=study.quantity.replace("/", " ") + (", %" if study.percent else "") + grouped)
    axes.set_title(f"{study.title}: interquartile mean of {seeds} seeds, 95 % bootstrap intervals", fontsize=10)
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, ncols=4, loc="outside lower center")
    figure.savefig(picture, dpi=120)


def _band(study: StreamStudy, axes: Axes, values: NDArray[np.float64], arm: str) -> None:
    plain_axes(axes)
    whole = values.shape[1] // study.group * study.group
    grouped = values[:, :whole].reshape(len(values), -1, study.group).mean(2) * (100 if study.percent else 1)
    tasks = (np.arange(grouped.shape[1]) + 1) * study.group
    value, low, high = band(grouped)
    axes.plot(tasks, value, color=COLOURS[arm], linewidth=2, label=arm)
    axes.fill_between(tasks, low, high, color=COLOURS[arm], alpha=0.15, linewidth=0)
