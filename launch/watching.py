"""Film what a run has learned: the same policy before a change of its world and after it, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from envs.recipe import Environment
from launch.console import say
from launch.recorded_settings import last_checkpoint, settings_from
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder, read_metrics

WIDTH = 800
"""The widest that a film may be, in pixels, before every n-th is left out."""


def main(arguments: Sequence[str]) -> int:
    """Film as the words ask; return the exit code."""
    asked = parser_of().parse_args(arguments)
    out = asked.out or RunFolder(asked.run).film_file
    for line in watch(asked.run, out, tasks=asked.tasks, steps=asked.steps):
        say(line)
    say(f"written: {out}")
    return 0


def watch(run: Path, out: Path, *, tasks: Sequence[int] = (), steps: int = 200) -> list[str]:
    """Write a film of a run's policy, as its last checkpoint has it, in each of some tasks.

    Args:
        run: The folder of a run in an environment; it may still go on.
        out: A .gif, or what else imageio can write.
        tasks: Their indices, from left to right; by default the last that the run has met and the one before it, or
            the one that comes next where it has met one.
        steps: Of each.

    Returns:
        A line on each task.

    Raises:
        UserError: It is no such run, its world never changes or cannot be filmed, or the packages for it are missing.
    """
    from plastic_rl.extras import needed
    from plastic_rl.nonstationary import write_film

    needed("imageio", "plastic-rl watch")  # before the work, not after it
    frames, rate, lines = _filmed(run, tasks, steps)
    every = -(-frames.shape[2] // WIDTH)
    write_film(frames[:, ::every, ::every], out, frames_per_second=rate)
    return lines


def _filmed(run: Path, tasks: Sequence[int], steps: int) -> tuple[Any, int, list[str]]:
    state = last_checkpoint(run)
    settings = settings_from(state)
    if not isinstance(settings.env, Environment):
        raise UserError(f"{run} learned from a stream: expected the folder of a run in an environment")
    from launch.reinforcement import learner
    from plastic_rl.sb3 import film_model
    from plastic_rl.sb3.algorithm_state import restore_algorithm_state

    model, recipe = learner(settings), settings.env
    restore_algorithm_state(model, state["algorithm"])
    tasks = tasks or _around_the_last_change(run)
    make = partial(recipe.build_one, settings.seed, "rgb_array")
    try:
        rate = int(make().metadata.get("render_fps") or 30)
        frames, lines = film_model(model, make, tasks=tasks, steps=steps)
    except ValueError as error:
        raise UserError(f"{run} cannot be filmed: {error}") from error
    return frames, rate, lines


def _around_the_last_change(run: Path) -> list[int]:
    met: list[Any] = [line["task/index"] for line in read_metrics(RunFolder(run).metrics_file) if "task/index" in line]
    last = met[-1] if met else 0
    before = next((task for task in reversed(met) if task != last), None)
    return [last, last + 1] if before is None else [before, last]


def parser_of() -> argparse.ArgumentParser:
    """Return the parser of its command line."""
    parser = argparse.ArgumentParser(prog="plastic-rl watch", description=__doc__)
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="the folder of a run: runs/<env>/<agent>/<settings>-s0")
    add("--tasks", type=_numbers, default=[], metavar="A,B,…", help="from left to right (default: the last change)")
    add("--steps", type=int, default=200, metavar="N", help="of each task (default: %(default)s)")
    film = f".gif, .mp4 (default: {RunFolder(Path()).film_file} in the run, for the page of a comparison)"
    add("--out", type=Path, metavar="FILE", help=film)
    return parser


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]
