"""A study of what agents remember when regimes return: how each visit to a regime begins, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.runs import about, read_table, write_table
from experiments.study import Rows, Study, show
from experiments.style import COLOURS, plain_axes
from plastic_rl.evaluation import Estimate, band, estimate
from plastic_rl.runs import read_metrics, read_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EPISODES = 10  # that a visit's beginning and its end are averaged over

Visits = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class RecurrenceStudy(Study):
    """Agents in a world whose regimes come in turn; in one environment, so that a visit's first episodes began it.

    Args:
        regimes: how many there are.
        visits: how many a run goes through; the last rollout may begin one more, which is left out.
    """

    regimes: int
    visits: int

    def gather(self, out: Path) -> dict[str, Rows]:
        found: list[dict[str, Any]] = []
        runs: list[dict[str, Any]] = []
        for arm in self.arms:
            for record_file in sorted((out / arm.name.replace(" ", "_")).glob("*/*/*/run.json")):
                place = {"arm": arm.name, "seed": int(record_file.parent.name.rpartition("-s")[2])}
                rows = visits(record_file.parent / "metrics.jsonl")
                found += [{**place, **row} for row in rows[: self.visits]]
                runs.append({**place, **about(read_record(record_file))})
        return {"visits": found, "runs": runs}

    def report(self, results: Path) -> None:
        rows = summary(self, results / "visits.csv")
        write_table(results / "summary.csv", rows)
        draw(self, results / "visits.csv", results / "figure.png")
        show(rows)


def visits(metrics: Path) -> list[dict[str, Any]]:
    """The number of episodes of a run in each visit to a regime, and their mean return at first, at last and in all."""
    episodes = [line for line in read_metrics(metrics) if "episode/return" in line]
    by_regime = groupby(episodes, key=lambda line: int(str(line["task/index"])))
    rows: list[dict[str, Any]] = []
    for visit, (regime, lines) in enumerate(by_regime):
        returns = [float(str(line["episode/return"])) for line in lines]
        parts = {"first": returns[:EPISODES], "last": returns[-EPISODES:], "mean": returns}
        means = {name: round(float(np.mean(part)), 3) for name, part in parts.items()}
        rows.append({"visit": visit, "regime": regime, "episodes": len(returns), **means})
    return rows


def column(table: Path, name: str) -> Visits:
    """For each arm one quantity, of shape (seeds, visits)."""
    rows = read_table(table)
    found: Visits = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        value = {(int(row["seed"]), int(row["visit"])): float(row[name]) for row in rows if row["arm"] == arm}
        seeds, order = (sorted({place[axis] for place in value}) for axis in (0, 1))
        found[arm] = np.array([[value[seed, visit] for visit in order] for seed in seeds])
    return found


def summary(study: RecurrenceStudy, table: Path) -> list[dict[str, str]]:
    """For each arm, over all returns: how the regime was left, how it is met again, and the difference."""
    first, last, mean = (column(table, name) for name in ("first", "last", "mean"))
    rows: list[dict[str, str]] = []
    for arm in first:
        left, met = last[arm][:, : -study.regimes].mean(1), first[arm][:, study.regimes :].mean(1)
        rows.append(
            {
                "arm": arm,
                "seeds": str(len(left)),
                "when left": _words(estimate(left)),
                "when met again": _words(estimate(met)),
                "difference": _words(estimate(met - left)),
                "mean of a visit after the first": _words(estimate(mean[arm][:, study.regimes :].mean(1))),
            }
        )
    return rows


def _words(value: Estimate) -> str:
    return f"{value.value:.0f} [{value.low:.0f}, {value.high:.0f}]"


def draw(study: RecurrenceStudy, table: Path, picture: Path) -> None:
    """The beginning and the end of each visit, a panel for each arm; bands are 95 % intervals over seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    first, last = column(table, "first"), column(table, "last")
    panels = figure.subplots(1, len(first), sharey=True)
    for axes, arm in zip(panels, first, strict=True):
        plain_axes(axes)
        _line(axes, first[arm], COLOURS[arm], "-", f"first {EPISODES} episodes")
        _line(axes, last[arm], COLOURS[arm], ":", f"last {EPISODES} episodes")
        axes.axvline(study.regimes - 0.5, color="0.8", linewidth=1, zorder=0)
        names = [chr(ord("A") + visit % study.regimes) for visit in range(first[arm].shape[1])]
        axes.set_xticks(range(len(names)), names)
        axes.set(title=arm, xlabel="regime that is visited")
        axes.legend(frameon=False, fontsize=8)
    panels[0].set_ylabel("return of an episode")
    seeds = len(next(iter(first.values())))
    figure.suptitle(f"{study.title}: interquartile mean of {seeds} seeds, 95 % bootstrap intervals", fontsize=10)
    figure.savefig(picture, dpi=120)


def _line(axes: Axes, values: NDArray[np.float64], colour: str, style: str, label: str) -> None:
    value, low, high = band(values)
    places = np.arange(values.shape[1])
    axes.plot(places, value, style, color=colour, marker="o", markersize=3, label=label)
    axes.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
