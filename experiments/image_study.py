"""A study of methods on images at once: test accuracy beside what was published, after a search for step sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf

from agents import HSIC
from envs import ENVS
from envs.recipe import SupervisedStream
from experiments.runs import read_table, write_table
from experiments.stream_study import column, gather
from experiments.study import Rows, Study, show
from experiments.style import COLOURS
from plastic_rl.evaluation import estimate
from plastic_rl.training.transcript import tested

CLASS_MEANS = ", class means"


@dataclass(frozen=True, kw_only=True)
class ImageStudy(Study):
    """Methods on data sets: an arm's name is a data set's, a blank and a method's. One seed makes no figure.

    Args:
        published: test accuracy in percent by data set and method, where there is one.
        read_twice: methods whose weights are also read out by the nearest class mean.
    """

    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    read_twice: Sequence[str] = ()

    def gather(self, out: Path) -> dict[str, Rows]:
        curves, runs = gather((*self.tried, *self.arms), out)
        read_again = [_read_again(row, out) for row in curves if _method(row["arm"]) in self.read_twice]
        return {"curves": [*curves, *read_again], "runs": runs}

    def report(self, results: Path) -> None:
        rows = summary(self, results / "curves.csv", results / "runs.csv")
        write_table(results / "summary.csv", rows)
        if len(self.seeds) > 1:
            draw(self, results / "curves.csv", results / "figure.png")
        show(rows)


def _method(arm: str) -> str:
    return arm.partition(" ")[2]


def _read_again(row: Mapping[str, Any], out: Path) -> dict[str, Any]:
    (folder,) = (out / row["arm"].replace(" ", "_")).glob(f"*/*/*-s{row['seed']}")
    accuracy = f"{accuracy_by_class_means(folder):.5g}"
    of_run = {"arm": f"{row['arm']}{CLASS_MEANS}", "seed": row["seed"], "task": row["task"], "test/accuracy": accuracy}
    return {**dict.fromkeys(row, ""), **of_run}


def accuracy_by_class_means(folder: Path) -> float:
    """Test accuracy of a finished run's weights where the nearest class mean is read instead of the assigned unit."""
    settings = cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.load(folder / "config.yaml")))
    of_agent: dict[str, Any] = {**settings["agent"], "readout": "class_means"}
    agent = HSIC(**of_agent)
    problem = ENVS[folder.parent.parent.name](**settings["env"])
    assert isinstance(problem, SupervisedStream)
    stream = problem.build(seed=settings["seed"], device="cpu")
    learner = agent.build([stream], device="cpu")
    learner.networks[0].load_state_dict(torch.load(folder / "weights.pt", weights_only=True)[0])
    (accuracy,) = tested(learner, [stream.task(0)], is_regression=False)
    return accuracy


def accuracies(curves: Path) -> dict[str, NDArray[np.float64]]:
    """Test accuracy of each arm in percent, of shape (seeds,)."""
    return {arm: 100 * values[:, 0] for arm, values in column(curves, "test/accuracy").items()}


def summary(study: ImageStudy, curves: Path, runs: Path) -> list[dict[str, str]]:
    """For each data set and method: test accuracy here and in the paper, and how long a run took."""
    seconds: dict[str, list[float]] = {}
    for row in read_table(runs):
        seconds.setdefault(row["arm"], []).append(float(row["seconds"]))
    rows: list[dict[str, str]] = []
    for arm, values in accuracies(curves).items():
        data_set, _, method = arm.partition(" ")
        published = study.published.get(data_set, {}).get(method)
        rows.append(
            {
                "data set": data_set,
                "method": method,
                "seeds": str(len(values)),
                "test accuracy": _words(values),
                "paper": "-" if published is None else f"{published}",
                "seconds": f"{np.median(seconds[arm]):.0f}" if arm in seconds else "the same runs",
            }
        )
    return rows


def _words(values: NDArray[np.float64]) -> str:
    if len(values) == 1:
        return f"{values[0]:.2f}"
    value = estimate(values)
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def draw(study: ImageStudy, curves: Path, picture: Path) -> None:
    """Test accuracy of each method with its interval, the published value as a bar; a panel for each data set."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    values = accuracies(curves)
    drawn = [arm.name for arm in study.arms] + [arm for arm in values if arm.endswith(CLASS_MEANS)]
    data_sets = list(dict.fromkeys(arm.partition(" ")[0] for arm in drawn))
    figure = Figure(figsize=(4 * len(data_sets), 3), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, data_set in zip(figure.subplots(1, len(data_sets), squeeze=False)[0], data_sets, strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        methods = [_method(arm) for arm in drawn if arm.partition(" ")[0] == data_set]
        for place, method in enumerate(methods):
            value = estimate(values[f"{data_set} {method}"])
            below, above = value.value - value.low, value.high - value.value
            colour = COLOURS[method.partition(",")[0]]
            axes.errorbar(value.value, place, xerr=[[below], [above]], fmt="o", capsize=4, color=colour)
            if method in study.published.get(data_set, {}):
                axes.plot(
                    [study.published[data_set][method]] * 2, [place - 0.25, place + 0.25], color="0.6", linewidth=2
                )
        axes.set_yticks(range(len(methods)), methods)
        axes.set(title=data_set, xlabel="test accuracy, % (bar: as published)", ylim=(-0.6, len(methods) - 0.4))
    figure.savefig(picture, dpi=120)
