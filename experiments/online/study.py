"""Studies of learners that meet an example at a time: squared errors before each update, all seeds side by side."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents import AGENTS
from agents.recipe import SupervisedAgent
from envs.recipe import SupervisedStream
from experiments.gate import Scores
from experiments.online.drawing import draw
from experiments.online.learner import OfAgent, OnlineLearner, errors_of
from experiments.online.makes import Make
from experiments.online.tables import Measure, Pair, Target, curves_of, mean_of, outcome, read_curves, summary
from experiments.runs import Arm, read_table, write_table
from experiments.study import SEED_OF_THE_SEARCH, Rows, Study, show
from plastic_rl.runs.provenance import commit, versions
from plastic_rl.streams import Stream

SMALL = {"tasks": 2, "examples": 60}


@dataclass(frozen=True, kw_only=True)
class OnlineArm(Arm):
    """One learner on one stream.

    Args:
        stream: the settings of the stream.
        make: makes the learner.
        starts_over: make another one for each task: the control that keeps nothing.
        panel: of the figure in which it is drawn.
    """

    overrides: tuple[str, ...] = ()
    stream: SupervisedStream
    make: Make
    starts_over: bool = False
    panel: str = ""

    def streams(self, seeds: Sequence[int]) -> list[Stream]:
        """The stream of each seed."""
        return [self.stream.build(seed=seed, device="cpu") for seed in seeds]

    def errors(self, seeds: Sequence[int], stretch: int) -> NDArray[np.float64]:
        """The mean squared error of each stretch of so many examples, of shape (seeds, stretches)."""
        streams = self.streams(seeds)
        learner = self.make(streams, 0)
        tasks: list[torch.Tensor] = []
        for index in range(streams[0].plan.tasks):
            if index and self.starts_over:
                learner = self.make(streams, index)
            tasks.append(errors_of(learner, streams, index).double())
        parts = torch.cat(tasks).split(stretch)
        return torch.stack([part.mean(0) for part in parts], 1).numpy()


@dataclass(frozen=True, kw_only=True)
class OnlineStudy(Study):
    """Learners that meet an example at a time.

    Args:
        arms: what is compared; arms run in turn, in this process.
        tried: what else was tried, on the seeds of the search.
        stretch: examples whose errors are averaged to one point of the curves.
        measures: columns of the summary.
        pairs: further columns, of differences seed by seed.
        targets: numbers that arms are held to.
        search_seeds: on which settings were chosen, none of which is reported.
        changes_after: stretches of a task, for the gate; None for a stream without changes.
    """

    quick: tuple[str, ...] = ()
    pairs_seeds: bool = True
    stretch: int
    measures: tuple[Measure, ...]
    pairs: tuple[Pair, ...] = ()
    targets: tuple[Target, ...] = ()
    search_seeds: range = range(SEED_OF_THE_SEARCH, SEED_OF_THE_SEARCH + 5)
    changes_after: int | None = None

    def reduced(self) -> Study:
        def little(arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
            return tuple(replace(arm, stream=replace(arm.stream, **SMALL)) for arm in online(arms))

        small = replace(self, arms=little(self.arms), tried=little(self.tried[:1]), seeds=range(2), stretch=5)
        return replace(small, measures=(mean_of("average over life"),), pairs=(), targets=())

    def run_missing(self, out: Path, jobs: int) -> None:
        if jobs > 1:
            raise ValueError(f"arms of {self.name} run in turn, all seeds as one; expected jobs=1, got {jobs}")
        for arm, seeds in [*((arm, self.search_seeds) for arm in online(self.tried)), *self._reported()]:
            folder = out / _folder(arm, seeds)
            if not (folder / "run.csv").exists():
                run(arm, seeds, self.stretch, folder)

    def _reported(self) -> list[tuple[OnlineArm, range]]:
        return [(arm, self.seeds) for arm in online(self.arms)]

    def gather(self, out: Path) -> dict[str, Rows]:
        folders = [out / _folder(arm, seeds) for arm, seeds in self._reported()]
        tables: dict[str, Rows] = {
            name: [row for folder in folders for row in read_table(folder / f"{table}.csv")]
            for name, table in (("curves", "curves"), ("runs", "run"))
        }
        if self.tried:
            folders = [out / _folder(arm, self.search_seeds) for arm in online(self.tried)]
            rows = [row for folder in folders for row in read_table(folder / "curves.csv")]
            tables["search"] = summary(self.measures, curves_of(rows))
        return tables

    def after_changes(self, results: Path) -> Scores | None:
        if self.changes_after is None:
            return None
        curves = read_curves(results / "curves.csv")
        return {arm: -errors[:, self.changes_after :] for arm, errors in curves.items()}

    def report(self, results: Path) -> None:
        curves = read_curves(results / "curves.csv")
        rows = summary(self.measures, curves, self.pairs)
        write_table(results / "summary.csv", rows)
        panels = {arm.name: arm.panel for arm in online(self.arms)}
        draw(self.title, curves, panels, self.stretch, results / "figure.png")
        show(rows)
        if self.targets:
            held = [outcome(target, self.measures, curves) for target in self.targets if target.arm in curves]
            write_table(results / "targets.csv", held)
            show(held)


def online(arms: Sequence[Arm]) -> list[OnlineArm]:
    """The arms, all of which are of this kind.

    Raises:
        TypeError: one is another kind.
    """
    found = [arm for arm in arms if isinstance(arm, OnlineArm)]
    if len(found) < len(arms):
        raise TypeError("an arm of an online study is an OnlineArm, with a stream and what makes a learner")
    return found


def run(arm: OnlineArm, seeds: Sequence[int], stretch: int, folder: Path) -> None:
    """Runs an arm, and writes its curves and a row about the run."""
    torch.set_num_threads(1)
    began, used = time.monotonic(), time.process_time()
    errors = arm.errors(seeds, stretch)
    seconds = {"seconds": f"{time.monotonic() - began:.0f}", "processor_seconds": f"{time.process_time() - used:.0f}"}
    rows: list[Mapping[str, Any]] = [
        {"arm": arm.name, "seed": seed, "examples": (place + 1) * stretch, "error": f"{error:.5g}"}
        for seed, row in zip(seeds, errors, strict=True)
        for place, error in enumerate(row)
    ]
    write_table(folder / "curves.csv", rows)
    about = {"arm": arm.name, "stream": repr(arm.stream), "seeds": f"{seeds[0]} to {seeds[-1]}", **seconds}
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    command = {"command": f"python -m {spec.name}" if spec else "-", "versions": json.dumps(versions())}
    write_table(folder / "run.csv", [{**about, "commit": commit()["commit"], **command}])
    print(f"{arm.name}: {np.mean(errors):.4f} over life, {seconds['seconds']} s", flush=True)


def _folder(arm: Arm, seeds: range) -> str:
    return f"{arm.name.replace(' ', '_').replace('/', '_')}-s{seeds[0]}-{seeds[-1]}"


def agent(name: str, settings: Mapping[str, object], streams: Sequence[Stream], task: int) -> OnlineLearner:
    """A learner of `train.py`, for an arm: ``make=partial(agent, "dynamic", {})``.

    Args:
        name: after `agent=` on the command line.
        settings: of it, where they are not the recipe's.
        streams: one for each seed.
        task: that finds it fresh; the first, since what starts over is another agent there (`adam_fresh`).
    """
    recipe = AGENTS[name](**settings)
    if task or not isinstance(recipe, SupervisedAgent):
        raise ValueError(f"agent={name} cannot be made for task {task} of a stream; take {name}_fresh, as of the first")
    return OfAgent(recipe.build(streams, device="cpu"))
