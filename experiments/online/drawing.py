"""Figures of online studies: errors over examples, a panel for each stream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.online.tables import Curves, Errors
from experiments.style import plain_axes
from plastic_rl.evaluation import band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's colours, told apart by most; those of more arms begin again with a broken line.
CYCLE = ("#7f7f7f", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#000000", "#c8b400", "#8c564b")


def draw(title: str, curves: Curves, panels: Mapping[str, str], stretch: int, picture: Path) -> None:
    """Draws a line for each arm with 95 % intervals over seeds.

    Args:
        title: above the figure.
        curves: the errors of each arm.
        panels: of each arm.
        stretch: examples of a point.
        picture: the file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(panels[arm] for arm in curves))
    figure = Figure(figsize=(max(8, 5 * len(names)), 5), layout="constrained")
    FigureCanvasAgg(figure)
    for name, axes in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
        for place, arm in enumerate(arm for arm in curves if panels[arm] == name):
            _line(axes, curves[arm], arm, place, stretch)
        axes.set(xlabel="example", ylabel="squared error before each update", yscale="log")
        axes.set_title(name, fontsize=10)
        axes.legend(frameon=False, fontsize=8, ncols=2)
    seeds = len(next(iter(curves.values())))
    figure.suptitle(f"{title}: interquartile mean of {seeds} seeds, 95 % bootstrap intervals", fontsize=10)
    figure.savefig(picture, dpi=110)


def _line(axes: Axes, errors: Errors, arm: str, place: int, stretch: int) -> None:
    plain_axes(axes)
    value, low, high = band(errors)
    examples = (np.arange(errors.shape[1]) + 1) * stretch
    colour, style = CYCLE[place % len(CYCLE)], "-" if place < len(CYCLE) else "--"
    axes.plot(examples, value, color=colour, linewidth=1.5, linestyle=style, label=arm)
    axes.fill_between(examples, low, high, color=colour, alpha=0.15, linewidth=0)
