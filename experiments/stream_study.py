"""A study of learners on a stream: how each task went, with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.gate import Scores
from experiments.runs import Arm, about, read_table, write_table
from experiments.study import Rows, Study, show
from experiments.style import COLOURS, plain_axes
from plastic_rl.evaluation import Estimate, band, estimate, probability_of_improvement
from plastic_rl.runs import read_metrics, read_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Measured when a task begins or ends, and kept in the tables; units and ranks are shares of the width.
RESULTS = ("online/error", "online/accuracy", "test/accuracy")
KEPT = (*RESULTS, "units/dead", "units/dormant", "rank/effective", "weights/mean_abs", "cbp/replaced")

Curves = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class StreamStudy(Study):
    """Learners on a stream; the others are compared with the first.

    Args:
        quantity: what counts: a metric's name.
        percent: whether it is shown in percent; else as it is, and smaller is better.
        group: tasks that are averaged to one point of the figure.
        tail: tasks at the end over which the summary's last column averages.
    """

    quantity: str
    percent: bool
    group: int
    tail: int

    def reduced(self) -> Study:
        return replace(super().reduced(), group=1, tail=1)

    def gather(self, out: Path) -> dict[str, Rows]:
        curves, runs = gather(self.arms, out)
        tables: dict[str, Rows] = {"curves": curves, "runs": runs}
        if self.tried:
            tables["search"] = [self._over_life(arm, gather([arm], out)[0]) for arm in self.tried]
        return tables

    def _over_life(self, arm: Arm, curves: Rows) -> dict[str, str]:
        mean = float(np.mean([float(row[self.quantity]) for row in curves]))
        seeds = sorted({int(row["seed"]) for row in curves})
        seed = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]}-{seeds[-1]}"
        return {"arm": arm.name, "seed": seed, f"average {self.quantity}": f"{mean:.4f}"}

    def after_changes(self, results: Path) -> Scores:
        sign = 1 if self.percent else -1
        return {arm: sign * values[:, 1:] for arm, values in read_curves(self, results / "curves.csv").items()}

    def report(self, results: Path) -> None:
        curves = read_curves(self, results / "curves.csv")
        draw(self, curves, results / "figure.png")
        rows = summary(self, curves, results / "curves.csv")
        write_table(results / "summary.csv", rows)
        show(rows)


def gather(arms: Iterable[Arm], out: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One row for each arm, seed and task, and one row about each run."""
    curves: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for arm in arms:
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


def read_curves(study: StreamStudy, table: Path) -> Curves:
    """For each arm what counts, of shape (seeds, tasks)."""
    return column(table, study.quantity)


def column(table: Path, name: str) -> Curves:
    """For each arm one quantity, of shape (seeds, tasks); not a number where it was not measured."""
    rows = read_table(table)
    curves: Curves = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        rows_of_arm = [row for row in rows if row["arm"] == arm]
        seeds, tasks = (
            sorted({int(row["seed"]) for row in rows_of_arm}),
            sorted({int(row["task"]) for row in rows_of_arm}),
        )
        value = {(int(row["seed"]), int(row["task"])): float(row[name] or "nan") for row in rows_of_arm}
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
                _tasks("first", study.group): in_words(study, estimate(values[:, : study.group].mean(1))),
                "average over life": in_words(study, estimate(values.mean(1))),
                _tasks("last", study.tail): in_words(study, estimate(late)),
                f"P(better than {next(iter(curves))})": "-" if arm == next(iter(curves)) else f"{better:.2f}",
                "dead units at the end": "-" if np.isnan(shares).all() else f"{np.nanmean(shares):.0%}",
            }
        )
    return rows


def _tasks(which: str, count: int) -> str:
    return f"{which} task" if count == 1 else f"{which} {count} tasks"


def in_words(study: StreamStudy, value: Estimate) -> str:
    """What counts in a study, with its interval, as its tables show it."""
    scale, digits = (100, 1) if study.percent else (1, 2)
    numbers = [f"{scale * each:.{digits}f}" for each in (value.value, value.low, value.high)]
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"


def draw(study: StreamStudy, curves: Curves, picture: Path) -> None:
    """The summary over tasks, a line for each arm with 95 % intervals over seeds."""
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
