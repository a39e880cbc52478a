"""The picture of a run: return over life, with the changes of the task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from plastic_rl.runs import write_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_EPISODES_IN_THE_MEAN = 10
MOST_EPISODES_DRAWN = 20_000


@dataclass(frozen=True)
class ReturnsOverLife:
    """The episodes of a run and the steps at which its task changed.

    Args:
        steps: Environment steps at the end of each episode.
        returns: Return of each episode.
        changes: Environment steps at the first record of each new task.
    """

    steps: NDArray[np.float64]
    returns: NDArray[np.float64]
    changes: Sequence[int]


def draw_learning_curve(metrics_file: Path, picture_file: Path, title: str, total_steps: int) -> None:
    """Draw a run's return over its life.

    Args:
        metrics_file: One JSON object a line, as a run writes it.
        picture_file: The PNG to write.
        title: What stands above the picture.
        total_steps: Where the picture ends. The last rollout may go on beyond, with the first few episodes of a task
            that nobody asked for.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    _draw(figure.add_subplot(), read_life(metrics_file, total_steps), title)
    write_result(picture_file, lambda file: figure.savefig(file, dpi=120, format="png"))


def read_life(metrics_file: Path, total_steps: int) -> ReturnsOverLife:
    """Return what a metrics file says of episodes and tasks; an unfinished last line is left out.

    Args:
        metrics_file: One JSON object a line, as a run writes it.
        total_steps: Episodes that end later do not count, nor do tasks that begin there or later.
    """
    records = [record for record in _records(metrics_file) if record["global_step"] <= total_steps]
    episodes = [record for record in records if "episode/return" in record]
    steps = np.array([record["global_step"] for record in episodes], dtype=np.float64)
    returns = np.array([record["episode/return"] for record in episodes], dtype=np.float64)
    return ReturnsOverLife(steps, returns, _changes(records, total_steps))


def running_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the mean of each value and the `window - 1` before it, or of as many as there are."""
    total = np.cumsum(values, dtype=np.float64)
    total[window:] -= total[:-window].copy()
    return total / np.minimum(np.arange(1, len(values) + 1), window)


def _records(metrics_file: Path) -> list[dict[str, Any]]:
    lines = metrics_file.read_text().splitlines(keepends=True) if metrics_file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _changes(records: Sequence[Mapping[str, Any]], total_steps: int) -> list[int]:
    # Sub-environments take up a new task one by one, at their own resets: the change is the first sight of it.
    first_seen: dict[int, int] = {}
    for record in records:
        if "task/index" in record:
            first_seen.setdefault(record["task/index"], record["global_step"])
    return [step for step in sorted(first_seen.values())[1:] if step < total_steps]


def _draw(axes: Axes, life: ReturnsOverLife, title: str) -> None:
    for change in life.changes:
        axes.axvline(change, color="0.85", linewidth=1, zorder=0)
    episodes = len(life.steps)
    window = max(FEWEST_EPISODES_IN_THE_MEAN, episodes // 100)
    thinned = slice(None, None, max(1, episodes // MOST_EPISODES_DRAWN))
    axes.plot(life.steps[thinned], life.returns[thinned], ".", color="tab:blue", alpha=0.25, markersize=3)
    axes.plot(life.steps, running_mean(life.returns, window), color="tab:blue", linewidth=2)
    axes.set(title=title, xlabel="environment steps", ylabel=f"return of an episode (line: mean of {window})")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)
