"""The settings of a run as its checkpoints hold them, typed again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra import compose, initialize
from omegaconf import OmegaConf

from launch.request import check_request
from launch.settings import CONFIG_NAME, Settings, from_hydra, register
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder


def last_checkpoint(path: Path) -> dict[str, Any]:
    """Return the state in the newest checkpoint of a run.

    Args:
        path: Of the run's folder.

    Raises:
        UserError: There is no run, or none of its checkpoints.
        RunError: None of its checkpoints can be read.
    """
    if not (path / "run.json").is_file():
        raise UserError(f"{path} is no run: expected its folder, such as runs/<env>/<agent>/<settings>-s0")
    found = RunFolder(path).checkpoints.latest()
    if found is None:
        raise UserError(f"{path} has no checkpoint: the same command that began the run goes on, and leaves one")
    return found[1]


def settings_from(state: Mapping[str, Any]) -> Settings:
    """Return the settings of the run that left a checkpoint.

    Args:
        state: From :func:`last_checkpoint`.

    Raises:
        UserError: The checkpoint is from before they were kept, or names what there is no more.
    """
    flat = dict(state.get("settings", {}))
    flat.pop("start_from", None)  # the model itself may be gone, and the checkpoint has what became of it
    flat.pop("reset", None)
    if not {"agent_name", "env_name"} <= set(flat):
        raise UserError("this run's checkpoint does not say with which settings it was made")
    words = [f"{group}={flat.pop(f'{group}_name')}" for group in ("agent", "env")]
    register()
    check_request(words)
    with initialize(version_base="1.3", config_path=None):
        config = compose(CONFIG_NAME, words)
    for name, value in flat.items():
        OmegaConf.update(config, name, value, force_add=True)
    return from_hydra(config)
