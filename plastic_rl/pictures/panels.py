"""Panels of curves with bands, one below the other: the picture of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plastic_rl.runs import write_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people with any colour vision tell apart; grey first, for the baseline.
COLOURS = ("#7f7f7f", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#c8b400", "#5d3a00")

MOST_MARKS = 100
"""The number of changes from which on marks would be a grey wall."""


class Curve(NamedTuple):
    """The curve of a group of runs, with its band, each of shape (points,).

    Attributes:
        name: of the group; it has one colour in all panels.
        x: where.
        value: of the curve.
        low: the lower end of its interval.
        high: the upper end.
    """

    name: str
    x: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Diagram:
    """A diagram.

    Args:
        x_label: below it.
        y_label: beside it.
        curves: in it.
        marks: where tasks changed.
    """

    x_label: str
    y_label: str
    curves: Sequence[Curve]
    marks: Sequence[float] = ()


def colours(panels: Sequence[Diagram]) -> dict[str, str]:
    """The colour of each group, the same in all panels."""
    names = dict.fromkeys(curve.name for panel in panels for curve in panel.curves)
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def draw_panels(panels: Sequence[Diagram], picture: Path, title: str) -> None:
    """Draws panels below each other; the first is the tallest.

    Args:
        panels: one or more.
        picture: a PNG, PDF or SVG, by the end of its name.
        title: above them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [2.0, *[1.0] * (len(panels) - 1)]
    figure = Figure(figsize=(9, 2.2 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    below = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    chosen = colours(panels)
    for axes, panel in zip(below, panels, strict=True):
        _draw(axes, panel, chosen)
    figure.suptitle(title)
    columns = min(len(chosen), 4)
    figure.legend(*below[0].get_legend_handles_labels(), frameon=False, ncols=columns, loc="outside lower center")
    ending = picture.suffix.removeprefix(".")
    write_result(picture, lambda file: figure.savefig(file, dpi=120, format=ending))


def _draw(axes: Axes, panel: Diagram, chosen: dict[str, str]) -> None:
    for mark in panel.marks if len(panel.marks) <= MOST_MARKS else ():
        axes.axvline(mark, color="0.9", linewidth=1, zorder=0)
    for curve in panel.curves:
        axes.plot(curve.x, curve.value, color=chosen[curve.name], linewidth=2, label=curve.name)
        axes.fill_between(curve.x, curve.low, curve.high, color=chosen[curve.name], alpha=0.15, linewidth=0)
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
