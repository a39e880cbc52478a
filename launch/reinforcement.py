"""A run in which an agent acts in an environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from agents.recipe import ReinforcementAgent
from envs.recipe import Environment
from launch.effects import say_what_never_changes
from launch.settings import Settings, as_mapping, experiment, identity
from launch.start import begun
from launch.task_file import check_task_file
from plastic_rl.choices import SeedsIn
from plastic_rl.errors import RunError, UserError
from plastic_rl.runs import RunFolder

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.callbacks import BaseCallback

    from plastic_rl.sb3 import Judged, ModelSummary


def train(settings: Settings, folder: RunFolder) -> str:
    """Train as the settings say, and return in words how it went.

    Args:
        settings: Checked.
        folder: Prepared.
    """
    from plastic_rl.sb3 import train_model

    assert settings.total_steps is not None
    model = learner(settings)
    say_what_never_changes([settings])  # not of a run that is refused
    summary = train_model(
        model,
        settings.total_steps,
        folder,
        callbacks=_callbacks(settings),
        replay_on_disk=settings.replay_on_disk,
        **_options(settings),
        **_description(settings),
    )
    folder.remove_replay()
    return _in_words(summary)


def train_together(runs: Sequence[Settings], folders: Sequence[RunFolder]) -> list[str | RunError]:
    """Train several seeds side by side, and return of each in words how it went, or why it could not go on.

    Args:
        runs: Settings that differ in their seeds alone.
        folders: Of each, prepared.
    """
    from plastic_rl.sb3 import ModelRun, train_models

    assert runs[0].total_steps is not None
    say_what_never_changes(runs)
    models = [
        ModelRun(partial(learner, settings), folder, _callbacks(settings), **_description(settings))
        for settings, folder in zip(runs, folders, strict=True)
    ]
    outcomes = train_models(models, runs[0].total_steps, **_options(runs[0]))
    return [outcome if isinstance(outcome, RunError) else _in_words(outcome) for outcome in outcomes]


def why_in_turn(settings: Settings) -> str | None:
    """Return why seeds of an agent are to be trained in turn, in a few words; None where they go side by side.

    Raises:
        UserError: They are wanted side by side, and cannot be.
    """
    from plastic_rl.sb3.seeds import why_alone, why_slower

    if settings.seeds_in == SeedsIn.turn:
        return "seeds_in=turn"
    model = learner(settings)
    reason = why_alone(model)
    if settings.seeds_in == SeedsIn.auto:
        return reason or why_slower(model)
    if reason is not None:
        raise UserError(f"seeds_in=batch cannot be for agent={settings.agent_name}: {reason}. Take seeds_in=turn.")
    return None


def _callbacks(settings: Settings) -> Sequence[BaseCallback]:
    assert isinstance(settings.agent, ReinforcementAgent)
    return settings.agent.callbacks()


def _options(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ("track", "checkpoint_seconds", "formats")}


def _description(settings: Settings) -> dict[str, Any]:
    return {
        "settings": identity(settings),
        "config": as_mapping(settings),
        "name": f"{settings.agent_name} {settings.env_label} s{settings.seed}",
        "group": experiment(settings),
        "title": _title(settings),
        "judged": _judged(settings),
    }


def _judged(settings: Settings) -> Judged:
    from plastic_rl.sb3 import Judged

    assert isinstance(settings.env, Environment)
    return Judged(
        partial(settings.env.build_one, settings.seed),
        evaluate_every=settings.evaluate_every,
        probe_every=settings.probe_every,
        look_back=settings.look_back,
    )


def draw(settings: Settings, folder: RunFolder) -> None:
    """Draw the learning curve of a run.

    Args:
        settings: Of the run.
        folder: With its metrics.
    """
    assert settings.total_steps is not None
    from plastic_rl.pictures import draw_learning_curve

    draw_learning_curve(folder.metrics_file, folder.picture_file, _title(settings), settings.total_steps)


def _title(settings: Settings) -> str:
    return f"{settings.agent_name} in {settings.env_label}, seed {settings.seed}"


def learner(settings: Settings) -> BaseAlgorithm:
    """Return the agent of a run, untrained, in the world of the run.

    Raises:
        UserError: They cannot be made, or do not go together.
    """
    choose_renderer()
    import torch

    from plastic_rl.runs import seed_everything

    assert isinstance(settings.agent, ReinforcementAgent)
    assert isinstance(settings.env, Environment)
    torch.set_num_threads(settings.threads)
    seed_everything(settings.seed)
    check_task_file(settings.env, settings.seed, _steps(settings))
    try:
        env = settings.env.make(settings.seed)
        make = partial(settings.agent.build, env, seed=settings.seed, device=settings.device)
        return begun(make, settings.start_from, settings.reset)
    except ValueError as error:
        raise UserError(str(error)) from error


def _steps(settings: Settings) -> int:
    """Return the steps that a run takes, its last rollout whole."""
    assert settings.total_steps is not None
    rollout = getattr(settings.agent, "rollout_steps", 1)
    return -(-settings.total_steps // rollout) * rollout


def choose_renderer() -> None:
    """Have MuJoCo render without a display where there is none."""
    # MuJoCo reads the variable when it is imported, and fails to render on a machine without a display unless told.
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")


def _in_words(summary: ModelSummary) -> str:
    outcome = "no episode ended" if summary.recent_return is None else f"recent return {summary.recent_return:.1f}"
    return f"{summary.steps:,} steps, {summary.seconds:.0f} s, {outcome}"
