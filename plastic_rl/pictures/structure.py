"""Panels about a network that changes while it learns: its size, its step sizes, and what happened to its units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class StructurePanel:
    """One panel.

    Args:
        label: of its axis.
        lines: metrics, by the words of the legend.
        is_count: metrics count from the beginning; what a task added is drawn.
        is_logarithmic: the axis is.
    """

    label: str
    lines: Mapping[str, str]
    is_count: bool = False
    is_logarithmic: bool = False


PANELS = (
    StructurePanel("backbone units", {"": "dynamic/units"}),
    StructurePanel("backbone share", {"": "dynamic/backbone_share"}),
    StructurePanel(
        "mean step size",
        {"of inputs": "dynamic/step_size_of_inputs", "of units": "dynamic/step_size_of_units"},
        is_logarithmic=True,
    ),
    StructurePanel(
        "units in a task",
        {"born": "dynamic/births", "joined": "dynamic/joins", "left": "dynamic/leavings"},
        is_count=True,
    ),
)

STRUCTURE = tuple(name for panel in PANELS for name in panel.lines.values())
"""The metrics that are drawn."""


def panels_of(curves: Curves) -> list[StructurePanel]:
    """The panels for which something was measured."""
    return [panel for panel in PANELS if any(name in curves for name in panel.lines.values())]


def draw_panel(axes: Axes, panel: StructurePanel, curves: Curves) -> None:
    """Draws means over seeds, a line for each metric."""
    for words, name in panel.lines.items():
        if name not in curves:
            continue
        tasks, values = curves[name]
        means = values.mean(1)
        means = np.diff(means, prepend=0.0) if panel.is_count else means
        axes.plot(tasks, means, "o-" if len(tasks) == 1 else "-", linewidth=1.5, label=words or None)
    axes.set_ylabel(panel.label)
    if panel.is_logarithmic:
        axes.set_yscale("log")
    if any(panel.lines):
        axes.legend(frameon=False, fontsize=8, ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
