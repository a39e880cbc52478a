"""A study of what keeps PPO plastic: all arms in one figure, and what the instruments say of some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.return_study import ReturnStudy, of_tasks, read_curves, summary
from experiments.runs import DIAGNOSTICS, gather, read_table
from experiments.study import Rows
from experiments.style import COLOURS, plain_axes
from plastic_rl.evaluation import band, estimate, interquartile_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Instrument(NamedTuple):
    """What a panel shows, and a column of the summary gives as it is at the end.

    Args:
        name: in the curves.
        words: for a reader.
        digits: of its value in the summary.
    """

    name: str
    words: str
    digits: str


OF_NETWORKS = (
    Instrument("weights/mean_abs", "mean size of weights", ".2f"),
    Instrument("units/dormant", "dormant units", ".0%"),
)

OF_CHOICES = (
    Instrument("policy/logits", "largest logit", ".1f"),
    Instrument("policy/entropy", "entropy of the policy", ".2f"),
    *OF_NETWORKS,
)
"""Where actions are a choice of a few."""

OF_FORCES = (
    Instrument("policy/mean_action", "mean size of actions", ".2f"),
    Instrument("policy/std", "spread of actions", ".2f"),
    *OF_NETWORKS,
)
"""Where actions are continuous."""


@dataclass(frozen=True, kw_only=True)
class PlasticityStudy(ReturnStudy):
    """Many arms: a row of the figure for each, and curves of a few.

    Args:
        shown: the arms whose curves are drawn.
        instruments: the four that have a panel and, as they are at the end, a column.
        has_floor: whether 0 is the least that an episode returns, so that the share of what a fresh agent reaches says
            something; without one there is the share of what the first arm loses against it that another wins back.
    """

    shown: tuple[str, ...]
    has_floor: bool = True
    instruments: tuple[Instrument, ...] = OF_CHOICES

    def gather(self, out: Path) -> dict[str, Rows]:
        names = dict.fromkeys((*DIAGNOSTICS, *(each.name for each in self.instruments)))
        curves, runs = gather(self.arms, out, self.bin_steps, names)
        return {"curves": curves, "runs": runs}

    def summary(self, results: Path) -> list[dict[str, str]]:
        curves = read_curves(results / "curves.csv")
        lives = {arm: float(interquartile_mean(_life(curve, self.change_every))) for arm, curve in curves.items()}
        ends = _at_the_end(results / "curves.csv", self.instruments)
        least = 0.0 if self.has_floor else lives[self.arms[0].name]
        share, whole = "of fresh" if self.has_floor else "won back", lives[self.fresh or ""] - least
        return [
            {**row, share: f"{(lives[row['arm']] - least) / whole:.2f}", **ends[row["arm"]]}
            for row in summary(self, curves)
        ]

    def draw(self, results: Path) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(13, 7), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(3, 4, width_ratios=(1.1, 0.6, 1, 1))
        curves = read_curves(results / "curves.csv")
        ranking = figure.add_subplot(grid[:, :2])
        draw_ranking(ranking, {arm: _life(curve, self.change_every) for arm, curve in curves.items()}, self.shown)
        returns = figure.add_subplot(grid[0, 2:])
        self._draw_tasks(returns, {arm: of_tasks(*curves[arm], self.change_every) for arm in self.shown})
        returns.set(ylabel="mean return")
        for place, each in enumerate(self.instruments):
            panel = figure.add_subplot(grid[1 + place // 2, 2 + place % 2])
            values = read_instrument(results / "curves.csv", each.name)
            per_task = self.change_every // self.bin_steps
            self._draw_tasks(panel, {arm: values[arm][:, per_task - 1 :: per_task] for arm in self.shown})
            panel.set(ylabel=each.words)
        seeds = len(next(iter(curves.values()))[1])
        figure.suptitle(f"{self.title}: interquartile mean of {seeds} seeds, 95 % bootstrap intervals")
        figure.savefig(results / "figure.png", dpi=120)

    def _draw_tasks(self, axes: Axes, values: Mapping[str, NDArray[np.float64]]) -> None:
        plain_axes(axes)
        for arm, runs in values.items():
            value, low, high = band(runs)
            tasks = np.arange(1, runs.shape[1] + 1)
            axes.plot(tasks, value, color=COLOURS[arm], linewidth=1.5)
            axes.fill_between(tasks, low, high, color=COLOURS[arm], alpha=0.15, linewidth=0)
        axes.set(xlabel="task")


def _life(curve: tuple[NDArray[np.float64], NDArray[np.float64]], change_every: int) -> NDArray[np.float64]:
    """The average over life of each run, of shape (seeds,)."""
    return of_tasks(*curve, change_every).mean(1)


def read_instrument(table: Path, name: str) -> dict[str, NDArray[np.float64]]:
    """For each arm what an instrument last said in each bin, of shape (seeds, bins)."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in read_table(table):
        found.setdefault(row["arm"], {}).setdefault(row["seed"], []).append(float(row[name] or "nan"))
    return {arm: np.array(list(seeds.values())) for arm, seeds in found.items()}


def _at_the_end(table: Path, instruments: Iterable[Instrument]) -> dict[str, dict[str, str]]:
    """For each arm the columns of what the instruments say in the last bin."""
    ends: dict[str, dict[str, str]] = {}
    for name, words, digits in instruments:
        for arm, values in read_instrument(table, name).items():
            value = float(interquartile_mean(values[:, -1]))
            ends.setdefault(arm, {})[f"{words} at the end"] = format(value, digits)
    return ends


def draw_ranking(axes: Axes, lives: Mapping[str, NDArray[np.float64]], shown: tuple[str, ...]) -> None:
    """The average over life of each arm with its interval, the best on top; arms with curves have their colours."""
    plain_axes(axes)
    ranked = sorted(lives, key=lambda arm: float(interquartile_mean(lives[arm])))
    for place, arm in enumerate(ranked):
        value, low, high = estimate(lives[arm])
        colour = COLOURS[arm] if arm in shown else "0.6"
        axes.plot([low, high], [place, place], color=colour, linewidth=5, alpha=0.4, solid_capstyle="butt")
        axes.plot(value, place, "o", color=colour)
    axes.set_yticks(range(len(ranked)), ranked)
    for label, arm in zip(axes.get_yticklabels(), ranked, strict=True):
        label.set_color(COLOURS[arm] if arm in shown else "0.3")
    axes.set(xlabel="return of an episode, average over life")
