"""The HSIC bottleneck on images at once: MNIST and Fashion-MNIST with the paper's network and budget, beside backprop.

Five blocks of 1,024 units, five epochs in minibatches of 256 (Ma et al. 2020, "unformatted training"). Backprop trains
five layers of 1,024 ReLU units by Adam; its step size is the best of `STEP_SIZES` on the test set (seed 100, which is
not among those reported), so that it is flattered, not the HSIC bottleneck.

python -m experiments.hsic_images --data DATA    # runs what is missing (an hour and a quarter on one core)
python -m experiments.hsic_images --draw         # draws from the committed tables
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf

from agents import HSIC
from envs import ENVS
from envs.recipe import SupervisedStream
from experiments.runs import Arm, read_table, run_missing, write_table
from experiments.stream_study import column, gather
from experiments.study import Rows, Study, main, show
from experiments.style import COLOURS
from plastic_rl.evaluation import estimate
from plastic_rl.streams.transcript import tested

PUBLISHED = {"mnist": {"hsic": 96.9, "backprop": 97.8}, "fashion-mnist": {"hsic": 86.5, "backprop": 87.4}}
"""Test accuracy after five epochs, from the vector figures in the authors' repository (docs/hsic_bottleneck.md)."""

DATA_SETS = tuple(PUBLISHED)
STEP_SIZES = (1e-4, 3e-4, 1e-3)
STEP_SIZE = {"mnist": 3e-4, "fashion-mnist": 3e-4}
SEED_OF_THE_SEARCH = 100


def arms_of(data_set: str) -> list[Arm]:
    """What is compared on a data set."""
    world = f"env={data_set}"
    return [
        Arm(f"{data_set} hsic", ("agent=hsic", world)),
        Arm(f"{data_set} backprop", ("agent=adam", world, f"agent.learning_rate={STEP_SIZE[data_set]}")),
    ]


def search() -> list[Arm]:
    """The runs that backprop's step sizes are chosen by."""
    return [
        Arm(
            f"{data_set} backprop at {step_size}", ("agent=adam", f"env={data_set}", f"agent.learning_rate={step_size}")
        )
        for data_set in DATA_SETS
        for step_size in STEP_SIZES
    ]


@dataclass(frozen=True, kw_only=True)
class ImageStudy(Study):
    """Methods on data sets, after a search for the step size of one of them.

    Args:
        tried: the runs of the search, with one seed.
    """

    tried: tuple[Arm, ...]

    def with_words(self, *words: str) -> Study:
        tried = tuple(replace(arm, overrides=(*arm.overrides, *words)) for arm in self.tried)
        return replace(super().with_words(*words), tried=tried)

    def run_missing(self, out: Path, jobs: int) -> None:
        run_missing(self.tried, [SEED_OF_THE_SEARCH], out, jobs)
        super().run_missing(out, jobs)

    def gather(self, out: Path) -> dict[str, Rows]:
        curves, runs = gather((*self.tried, *self.arms), out)
        read_again = [_read_again(row, out) for row in curves if row["arm"] in READ_TWICE]
        return {"curves": [*curves, *read_again], "runs": runs}

    def report(self, results: Path) -> None:
        rows = summary(results / "curves.csv", results / "runs.csv")
        write_table(results / "summary.csv", rows)
        draw(results / "curves.csv", results / "figure.png")
        show(rows)


READ_TWICE = {f"{data_set} hsic" for data_set in DATA_SETS}
"""The runs whose weights are also read out by the nearest class mean."""

STUDY = ImageStudy(
    name="hsic_images",
    title="The HSIC bottleneck and backprop after five epochs",
    arms=tuple(arm for data_set in DATA_SETS for arm in arms_of(data_set)),
    seeds=range(5),
    tried=tuple(search()),
    reads_data=True,
    quick=("env.epochs=1", "agent.hidden_units=16"),
)


def _read_again(row: Mapping[str, Any], out: Path) -> dict[str, Any]:
    (folder,) = (out / row["arm"].replace(" ", "_")).glob(f"*/*/*-s{row['seed']}")
    accuracy = f"{accuracy_by_class_means(folder):.5g}"
    return {
        **dict.fromkeys(row, ""),
        **{"arm": f"{row['arm']}, class means", "seed": row["seed"], "task": row["task"], "test/accuracy": accuracy},
    }


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


def summary(curves: Path, runs: Path) -> list[dict[str, str]]:
    """For each data set and method: test accuracy here and in the paper, and how long a run took."""
    seconds: dict[str, list[float]] = {}
    for row in read_table(runs):
        seconds.setdefault(row["arm"], []).append(float(row["seconds"]))
    rows: list[dict[str, str]] = []
    for arm, values in accuracies(curves).items():
        data_set, _, method = arm.partition(" ")
        rows.append(
            {
                "data set": data_set,
                "method": method,
                "seeds": str(len(values)),
                "test accuracy": _words(values),
                "paper": f"{PUBLISHED[data_set][method]}" if method in PUBLISHED[data_set] else "-",
                "seconds": f"{np.median(seconds[arm]):.0f}" if arm in seconds else "the same runs",
            }
        )
    return rows


def _words(values: NDArray[np.float64]) -> str:
    if len(values) == 1:
        return f"{values[0]:.2f}"
    value = estimate(values)
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def draw(curves: Path, picture: Path) -> None:
    """Test accuracy of each method with its interval, the published value as a bar; a panel for each data set."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    FigureCanvasAgg(figure)
    values = accuracies(curves)
    methods = ("backprop", "hsic, class means", "hsic")
    for axes, data_set in zip(figure.subplots(1, len(DATA_SETS)), DATA_SETS, strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        for place, method in enumerate(methods):
            value = estimate(values[f"{data_set} {method}"])
            below, above = value.value - value.low, value.high - value.value
            colour = COLOURS[method.partition(",")[0]]
            axes.errorbar(value.value, place, xerr=[[below], [above]], fmt="o", capsize=4, color=colour)
            if method in PUBLISHED[data_set]:
                axes.plot([PUBLISHED[data_set][method]] * 2, [place - 0.25, place + 0.25], color="0.6", linewidth=2)
        axes.set_yticks(range(len(methods)), methods)
        axes.set(title=data_set, xlabel="test accuracy, % (bar: as published)", ylim=(-0.6, len(methods) - 0.4))
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main(STUDY)
