"""One run, from its settings to its folder with checkpoints, metrics and picture."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from launch.device import check_device_present
from launch.settings import Settings, as_mapping, what_makes_the_result
from launch.validation import check
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder, settings_digest

if TYPE_CHECKING:
    from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

    from plastic_rl.sb3 import Summary


def run(settings: Settings) -> RunFolder:
    """Train as the settings say, or go on training where the same run was interrupted.

    Args:
        settings: What to train, where, and how long.

    Returns:
        The run's folder, with its files.

    Raises:
        UserError: The settings ask for what cannot be.
        RunError: The run could not go on.
    """
    check(settings)
    folder = run_folder(settings)
    if folder.status == "finished" and not settings.fresh:
        print(f"already finished: {folder.path} (fresh=true starts over)")
        return folder
    check_device_present(settings.device)
    folder.prepare(settings.fresh)
    try:
        folder.config_file.write_text(OmegaConf.to_yaml(OmegaConf.create(as_mapping(settings))))
        summary = _train(settings, folder)
    finally:
        folder.release()
    _draw(settings, folder)
    print(_in_words(summary, folder))
    return folder


def run_folder(settings: Settings) -> RunFolder:
    """Return the folder that belongs to these settings and this seed."""
    name = f"{settings_digest(what_makes_the_result(settings))}-s{settings.seed}"
    return RunFolder(Path(settings.out) / settings.env_name / settings.agent_name / name)


def _train(settings: Settings, folder: RunFolder) -> Summary:
    from plastic_rl.sb3 import learn

    return learn(
        _learner(settings),
        settings.total_steps,
        folder,
        track=settings.track,
        checkpoint_seconds=settings.checkpoint_seconds,
        formats=settings.formats,
        config=as_mapping(settings),
        name=f"{settings.agent_name} {settings.env_name} s{settings.seed}",
        group=f"{settings.env_name}/{settings.agent_name}/{folder.path.name.partition('-')[0]}",
    )


def _learner(settings: Settings) -> OnPolicyAlgorithm:
    _choose_renderer()
    import torch

    from plastic_rl.runs import seed_everything

    torch.set_num_threads(settings.threads)
    seed_everything(settings.seed)
    try:
        env = settings.env.make(settings.seed)
        return settings.agent.build(env, seed=settings.seed, device=settings.device)
    except ValueError as error:
        raise UserError(str(error)) from error


def _choose_renderer() -> None:
    # MuJoCo reads the variable when it is imported, and fails to render on a machine without a display unless told.
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")


def _draw(settings: Settings, folder: RunFolder) -> None:
    from launch.learning_curve import draw_learning_curve

    title = f"{settings.agent_name} in {settings.env_name}, seed {settings.seed}"
    draw_learning_curve(folder.metrics_file, folder.picture_file, title)


def _in_words(summary: Summary, folder: RunFolder) -> str:
    outcome = "no episode ended" if summary.recent_return is None else f"recent return {summary.recent_return:.1f}"
    files = (folder.picture_file, folder.metrics_file, folder.model_file, folder.config_file)
    return "\n".join(
        [
            f"{summary.steps:,} steps, {summary.seconds:.0f} s, {outcome}",
            f"{folder.path}: {', '.join(file.name for file in files)}",
        ]
    )
