"""A study of agents in a changing world: their returns over life and task by task, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.gate import Scores
from experiments.runs import gather, read_table, write_table
from experiments.study import Rows, Study, show
from experiments.style import COLOURS, plain_axes
from plastic_rl.evaluation import Estimate, band, estimate, probability_of_improvement

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True, kw_only=True)
class ReturnStudy(Study):
    """Agents in a changing world; the others are compared with the first.

    Args:
        change_every: environment steps of a task.
        bin_steps: environment steps that are averaged to one point.
    """

    change_every: int
    bin_steps: int = 5_000

    def gather(self, out: Path) -> dict[str, Rows]:
        curves, runs = gather(self.arms, out, self.bin_steps)
        return {"curves": curves, "runs": runs}

    def after_changes(self, results: Path) -> Scores:
        curves = read_curves(results / "curves.csv")
        return {arm: of_tasks(*curve, self.change_every)[:, 1:] for arm, curve in curves.items()}

    def report(self, results: Path) -> None:
        self.draw(results)
        rows = self.summary(results)
        write_table(results / "summary.csv", rows)
        show(rows)

    def draw(self, results: Path) -> None:
        """Draws the figure, from the tables in a folder, beside them."""
        draw(self, read_curves(results / "curves.csv"), results / "figure.png")

    def summary(self, results: Path) -> list[dict[str, str]]:
        """The rows of the summary, one for each arm, from the tables in a folder."""
        dormant = dormant_at_the_end(results / "curves.csv")
        rows = summary(self, read_curves(results / "curves.csv"))
        return [{**row, "dormant units at the end": dormant[row["arm"]]} for row in rows]


def read_curves(table: Path) -> Curves:
    """For each arm the ends of its bins, of shape (bins,), and its returns, of shape (seeds, bins)."""
    rows = read_table(table)
    curves: Curves = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        rows_of_arm = [row for row in rows if row["arm"] == arm]
        steps = sorted({int(row["step"]) for row in rows_of_arm})
        seeds = sorted({int(row["seed"]) for row in rows_of_arm})
        value = {(int(row["seed"]), int(row["step"])): float(row["return"] or "nan") for row in rows_of_arm}
        curves[arm] = np.array(steps, dtype=float), np.array([[value[s, step] for step in steps] for s in seeds])
    return curves


def dormant_at_the_end(table: Path) -> dict[str, str]:
    """For each arm the share of dormant units in the last bin, on average over seeds; a dash where nobody measured."""
    rows = read_table(table)
    last = max(int(row["step"]) for row in rows)
    ends = [row for row in rows if int(row["step"]) == last]
    shares = {
        arm: [float(row["units/dormant"] or "nan") for row in ends if row["arm"] == arm]
        for arm in {r["arm"] for r in ends}
    }
    return {arm: "-" if np.isnan(values).all() else f"{np.mean(values):.0%}" for arm, values in shares.items()}


def of_tasks(steps: NDArray[np.float64], returns: NDArray[np.float64], change_every: int) -> NDArray[np.float64]:
    """The mean return of each run in each task, of shape (seeds, tasks)."""
    task = ((steps - 1) // change_every).astype(int)
    return np.stack([np.nanmean(returns[:, task == index], axis=1) for index in range(task[-1] + 1)], axis=1)


def summary(study: ReturnStudy, curves: Curves) -> list[dict[str, str]]:
    """For each arm: mean return in its first task, over its life and in its second half, as interquartile means."""
    first = next(iter(curves))
    tasks = {arm: of_tasks(*curve, study.change_every) for arm, curve in curves.items()}
    late = {arm: values[:, values.shape[1] // 2 :].mean(1) for arm, values in tasks.items()}
    return [
        {
            "arm": arm,
            "seeds": str(len(values)),
            "first task": _words(estimate(values[:, 0])),
            "average over life": _words(estimate(values.mean(1))),
            "second half of life": _words(estimate(late[arm])),
            f"P(better than {first})": f"{probability_of_improvement(late[arm], late[first]):.2f}",
        }
        for arm, values in tasks.items()
    ]


def _words(value: Estimate) -> str:
    return f"{value.value:.0f} [{value.low:.0f}, {value.high:.0f}]"


def draw(study: ReturnStudy, curves: Curves, picture: Path) -> None:
    """Return over life above, and the mean return in each task below; bands are 95 % intervals over seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1)
    for arm, (steps, returns) in curves.items():
        _band(above, steps, returns, arm)
        tasks = of_tasks(steps, returns, study.change_every)
        _band(below, np.arange(1, tasks.shape[1] + 1, dtype=float), tasks, arm)
    last = max(steps[-1] for steps, _ in curves.values())
    for change in np.arange(study.change_every, last, study.change_every):
        above.axvline(change, color="0.9", linewidth=1, zorder=0)
    seeds = len(next(iter(curves.values()))[1])
    above.set(xlabel="environment steps", ylabel="return of an episode")
    above.set_title(f"{study.title}: interquartile mean of {seeds} seeds, 95 % bootstrap intervals")
    below.set(xlabel="task", ylabel="mean return in the task")
    columns = min(len(curves), 5)
    figure.legend(*above.get_legend_handles_labels(), frameon=False, ncols=columns, loc="outside lower center")
    figure.savefig(picture, dpi=120)


def _band(axes: Axes, x: NDArray[np.float64], runs: NDArray[np.float64], arm: str) -> None:
    plain_axes(axes)
    value, low, high = band(runs)
    axes.plot(x, value, color=COLOURS[arm], linewidth=2, label=arm)
    axes.fill_between(x, low, high, color=COLOURS[arm], alpha=0.15, linewidth=0)
