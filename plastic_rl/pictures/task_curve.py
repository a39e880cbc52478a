"""The picture of a run on a stream: how each task went."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np

from plastic_rl.pictures.structure import STRUCTURE, draw_panel, panels_of
from plastic_rl.runs import write_result

PREFERRED = ("test/average", "test/accuracy", "online/accuracy", "test/error", "online/error")
"""The quantities that may be drawn: the first that was measured, and what was measured online beside a test."""


def draw_task_curve(metrics_file: Path, picture_file: Path, title: str) -> None:
    """Draw accuracy or error over tasks, a thin line for each seed and a thick one for their mean.

    Below are the size of the network and what happened to its units, where it changes while it learns.

    Args:
        metrics_file: One JSON object a line, as a run writes it.
        picture_file: The PNG to write.
        title: What stands above the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curves = read_curves(metrics_file)
    name = next((each for each in PREFERRED if each in curves), None)
    if name is None:  # no task has ended
        return
    tasks, values = curves[name]
    structure = read_curves(metrics_file, STRUCTURE)
    panels = panels_of(structure)
    figure = Figure(figsize=(8, 4.5 + 1.6 * len(panels)), layout="constrained")
    FigureCanvasAgg(figure)
    heights = [4.0] + [1.6] * len(panels)
    axes, *below = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    style = "o-" if len(tasks) == 1 else "-"
    axes.plot(tasks, values, style, color="tab:blue", alpha=0.3 if values.shape[1] > 1 else 0.0, linewidth=1)
    axes.plot(tasks, values.mean(1), style, color="tab:blue", linewidth=2)
    axes.set(title=title, ylabel=name.replace("/", " "))
    axes.spines[["top", "right"]].set_visible(False)
    for panel, panel_axes in zip(panels, below, strict=True):
        draw_panel(panel_axes, panel, structure)
    (below[-1] if below else axes).set_xlabel("task")
    write_result(picture_file, lambda file: figure.savefig(file, dpi=120, format="png"))


def read_curves(metrics_file: Path, names: Collection[str] = PREFERRED) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for each quantity the tasks, and its values of shape (tasks, seeds); an unfinished last line is left out.

    Args:
        metrics_file: As a run on a stream writes it.
        names: Of the quantities.
    """
    found: dict[str, dict[int, list[float]]] = {}
    for line in metrics_file.read_text().splitlines(keepends=True):
        for name, value in json.loads(line).items() if line.endswith("\n") else ():
            if name in names and value is not None:
                found.setdefault(name, {}).setdefault(json.loads(line)["task/index"], []).append(value)
    return {
        name: (np.array(sorted(tasks)), np.array([tasks[task] for task in sorted(tasks)]))
        for name, tasks in found.items()
    }
