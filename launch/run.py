"""One run, from its settings to its folder with checkpoints, metrics and picture."""

from __future__ import annotations

from pathlib import Path

from omegaconf import OmegaConf

from envs.recipe import SupervisedStream
from launch.console import say
from launch.device import check_device_present
from launch.settings import Settings, as_mapping, experiment
from launch.validation import check
from plastic_rl.errors import RunError, UserError
from plastic_rl.runs import RunFolder, write_result


def run(settings: Settings) -> RunFolder:
    """Train as the settings say, or go on training where the same run was interrupted.

    Args:
        settings: What to train, where, and how long; of one run (:func:`launch.seeds.run_seeds` takes any).

    Returns:
        The run's folder, with its files.

    Raises:
        UserError: The settings ask for what cannot be.
        RunError: The run could not go on.
    """
    check(settings)
    if settings.seeds > 1 and not isinstance(settings.env, SupervisedStream):
        raise UserError(f"seeds={settings.seeds} in a world are as many runs: launch.seeds.run_seeds trains them")
    folder = run_folder(settings)
    if is_done(settings):
        say(f"already finished: {folder.path} (fresh=true starts over)")
        return folder
    check_device_present(settings.device)
    folder.prepare(settings.fresh)
    try:
        outcome = _bring_to_its_end(settings, folder)
    finally:
        folder.release()
    say_what_is_there(outcome, folder)
    return folder


def is_done(settings: Settings) -> bool:
    """True if a run is finished, has all of its files, and is not to be started over."""
    folder = run_folder(settings)
    return folder.status == "finished" and not settings.fresh and not _lost(settings, folder)


def say_what_is_there(outcome: str, folder: RunFolder) -> None:
    """Say how a run ended, and which files it has left."""
    results = (folder.model_file, folder.best_model_file, folder.weights_file)
    files = (folder.picture_file, folder.metrics_file, *results, folder.config_file)
    say(f"{outcome}\n{folder.path}: {', '.join(file.name for file in files if file.exists())}")


def run_folder(settings: Settings) -> RunFolder:
    """Return the folder that belongs to these settings and this seed."""
    last = f"-{settings.seed + settings.seeds - 1}" if settings.seeds > 1 else ""
    return RunFolder(Path(settings.out) / f"{experiment(settings)}-s{settings.seed}{last}")


def _bring_to_its_end(settings: Settings, folder: RunFolder) -> str:
    """Train, or make again what a finished run has lost; return in words what was done."""
    lost = _lost(settings, folder) if folder.status == "finished" else []
    names = ", ".join(file.name for file in lost)
    only_the_picture = lost == [folder.picture_file]
    if folder.metrics_file in lost or (lost and not only_the_picture and folder.checkpoints.latest() is None):
        raise RunError(
            f"{folder.path} is finished, but has lost {names}; without metrics and last checkpoint that cannot be made "
            "again\nfresh=true trains again, and removes what is left."
        )
    trained = "" if only_the_picture else _train(settings, folder)
    if only_the_picture:
        _draw(settings, folder)
    return f"already finished: {names} made again" if lost else trained


def _lost(settings: Settings, folder: RunFolder) -> list[Path]:
    """Return what a finished run should have and has not."""
    result = folder.weights_file if isinstance(settings.env, SupervisedStream) else folder.model_file
    return [file for file in (folder.metrics_file, result, folder.picture_file) if folder.lacks(file)]


def _train(settings: Settings, folder: RunFolder) -> str:
    write_settings(settings, folder)
    if isinstance(settings.env, SupervisedStream):
        from launch.supervision import train
    else:
        from launch.reinforcement import train
    return train(settings, folder)


def write_settings(settings: Settings, folder: RunFolder) -> None:
    """Write the settings of a run into its folder."""
    written = OmegaConf.to_yaml(OmegaConf.create(as_mapping(settings)))
    write_result(folder.config_file, lambda file: file.write(written.encode()))


def _draw(settings: Settings, folder: RunFolder) -> None:
    if isinstance(settings.env, SupervisedStream):
        from launch.supervision import draw
    else:
        from launch.reinforcement import draw
    draw(settings, folder)
