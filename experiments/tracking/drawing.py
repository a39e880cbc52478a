"""The figure of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.tracking.methods import FIRST_STEPS, FIXED, METHODS, SETTINGS_OF_FIRST_STEPS
from experiments.tracking.problem import FAST, ROWS, STILL, Row
from experiments.tracking.tables import errors_of


def draw(runs: Sequence[Mapping[str, str]], firsts: Sequence[Mapping[str, str]], picture: Path) -> None:
    """Each method over the best of its row, and the errors over the first step size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, *right = figure.subplots(1, 3, width_ratios=(2, 1, 1))
    _draw_over_the_best(left, runs)
    for axes, row in zip(right, (FAST, STILL), strict=True):
        _draw_over_first_steps(axes, firsts, row)
    left.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=120)


def _draw_over_the_best(axes: Any, runs: Sequence[Mapping[str, str]]) -> None:
    for method, marker in zip(METHODS, "osv^<>DP*", strict=True):
        over = [
            float(errors_of(runs, row.name, method).mean())
            / min(float(errors_of(runs, row.name, other).mean()) for other in METHODS)
            for row in ROWS
        ]
        axes.plot(range(len(ROWS)), over, marker=marker, label=method, linewidth=2.5 if method == FIXED else 1)
    axes.set(yscale="log", ylabel="error over that of the best method", xticks=range(len(ROWS)))
    axes.set_xticklabels([row.name.replace(", ", "\n").replace("every", "\nevery") for row in ROWS], fontsize=7)
    axes.legend(frameon=False, fontsize=7)


def _draw_over_first_steps(axes: Any, firsts: Sequence[Mapping[str, str]], row: Row) -> None:
    for method in SETTINGS_OF_FIRST_STEPS:
        means = [float(errors_of(firsts, row.name, method, first).mean()) for first in FIRST_STEPS]
        axes.plot(FIRST_STEPS, [each if each < 1e3 else np.nan for each in means], marker="o", label=method)
    axes.set(xscale="log", yscale="log", xlabel="first step size", title=row.name)
    axes.title.set_fontsize(8)
    axes.legend(frameon=False, fontsize=7)
