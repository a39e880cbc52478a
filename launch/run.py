"""One run, from its settings to its folder with checkpoints, metrics and picture."""

from __future__ import annotations

from pathlib import Path

from omegaconf import OmegaConf

from envs.recipe import SupervisedStream
from launch.device import check_device_present
from launch.settings import Settings, as_mapping, what_makes_the_result
from launch.validation import check
from plastic_rl.runs import RunFolder, settings_digest


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
        outcome = _train(settings, folder)
    finally:
        folder.release()
    files = (folder.picture_file, folder.metrics_file, folder.model_file, folder.weights_file, folder.config_file)
    print(f"{outcome}\n{folder.path}: {', '.join(file.name for file in files if file.exists())}")
    return folder


def run_folder(settings: Settings) -> RunFolder:
    """Return the folder that belongs to these settings and this seed."""
    last = f"-{settings.seed + settings.seeds - 1}" if settings.seeds > 1 else ""
    name = f"{settings_digest(what_makes_the_result(settings))}-s{settings.seed}{last}"
    return RunFolder(Path(settings.out) / settings.env_name / settings.agent_name / name)


def _train(settings: Settings, folder: RunFolder) -> str:
    if isinstance(settings.env, SupervisedStream):
        from launch.supervision import train
    else:
        from launch.reinforcement import train
    return train(settings, folder)
