"""Trains an SB3 model in a run folder, from where the folder stands to the end."""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any, cast

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger, make_output_format
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from plastic_rl.errors import UserError
from plastic_rl.pictures import draw_learning_curve
from plastic_rl.runs import RunFolder, Track, open_session, write_result
from plastic_rl.sb3.change_announcements import ChangeAnnouncements
from plastic_rl.sb3.chronicle import Chronicle
from plastic_rl.sb3.faults import OF_NUMBERS, LinAlgError
from plastic_rl.sb3.forecast import forecast_model
from plastic_rl.sb3.instruments import Memory, trained_weights
from plastic_rl.sb3.judged import Judged
from plastic_rl.sb3.keeper import ModelKeeper
from plastic_rl.sb3.rollout_clock import RolloutClock
from plastic_rl.sb3.save_observations import save_observations
from plastic_rl.sb3.shared_clock import wrong_pace
from plastic_rl.sb3.task_log import TaskLog
from plastic_rl.sb3.task_switch import TaskSwitch
from plastic_rl.sb3.tasks import tasks_of
from plastic_rl.sb3.writer import MetricsWriter

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelSummary:
    """The end of the training of a model.

    Args:
        steps: environment steps in all.
        seconds: of this process, without those before a resume.
        recent_return: mean return of the last episodes (up to 100), or None if none ended.
        instruments: the share of the training's time that the instruments took; None where nothing was left to train.
    """

    steps: int
    seconds: float
    recent_return: float | None
    instruments: float | None = None


def train_model(
    model: BaseAlgorithm,
    total_steps: int,
    folder: RunFolder,
    *,
    track: Track = Track.off,
    checkpoint_seconds: float = 300.0,
    formats: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    name: str = "run",
    group: str = "runs",
    title: str | None = None,
    judged: Judged | None = None,
) -> ModelSummary:
    """Trains a model and writes the run's folder; goes on exactly from the folder's last checkpoint if it has one.

    The model must be built with the settings that the checkpoint was. A folder that is not prepared is prepared, and
    released in the end.

    Args:
        model: a fresh on-policy model.
        total_steps: environment steps at which training ends (SB3 finishes the rollout in which they are reached).
        folder: where the run lives.
        track: where it is tracked.
        checkpoint_seconds: between two checkpoints.
        formats: further output formats of SB3's logger ("csv", "tensorboard").
        settings: what makes the result, the seed included: a checkpoint of other settings is refused. None for what
            is known of them here.
        config: all settings, for the tracker.
        name: of the run, for the tracker.
        group: of runs that differ in their seed only, for the tracker.
        title: what stands above the picture of the run; None for its name.
        judged: how the model is probed and played beside its training; None for not at all.

    Raises:
        UserError: the request cannot be met.
        RunError: the run could not go on.
        RunInterruptedError: it was asked to stop; it has saved a checkpoint.
    """
    model, began = _resumable(model), time.monotonic()
    if model.env is not None and (fault := wrong_pace(model.env)):
        raise UserError(fault)
    if judged is not None:
        judged.check()
    keeper = ModelKeeper(model, TaskLog(), Memory(first=trained_weights(model)))  # before a checkpoint is loaded
    tracked: dict[str, Any] = {"track": track, "settings": settings, "config": config, "name": name, "group": group}
    with open_session(folder, keeper, total_steps, checkpoint_seconds=checkpoint_seconds, **tracked) as keeper.session:
        if not (expected := forecast_model(model, run_length=total_steps)).is_empty:
            logger.info("%s", expected.line)
        beside = [] if judged is None else judged.callbacks(keeper.memory, folder.best_model_file)
        _train(keeper, total_steps, folder, formats, beside)
        write_result(folder.model_file, lambda file: model.save(cast(BufferedIOBase, file)))
        if (normalization := model.get_vec_normalize_env()) is not None:  # the model is of no use without
            write_result(folder.normalization_file, lambda file: pickle.dump(normalization, file))
        if model.rollout_buffer.full:  # not where there was nothing left to train
            write_result(folder.observations_file, lambda file: save_observations(model, file))
    draw_learning_curve(folder.metrics_file, folder.picture_file, title or name, total_steps)
    seconds = time.monotonic() - began
    return ModelSummary(model.num_timesteps, seconds, _recent_return(model), keeper.memory.share)


def _resumable(model: BaseAlgorithm) -> OnPolicyAlgorithm:
    if isinstance(model, OnPolicyAlgorithm) and not hasattr(model, "_last_lstm_states"):
        return model
    kind = type(model).__name__
    raise UserError(
        f"{kind} cannot be resumed exactly (a replay buffer or a memory is not saved); `train_model` takes on-policy "
        f"algorithms without memory, such as PPO and A2C. Call {kind}.learn and {kind}.save themselves"
    )


def _train(
    keeper: ModelKeeper, total_steps: int, folder: RunFolder, formats: Sequence[str], beside: Sequence[BaseCallback]
) -> None:
    model, session = keeper.trained, keeper.session
    writer = MetricsWriter(session.metrics, session.tracker)
    _set_logger(model, folder, writer, formats)
    chronicle = Chronicle(writer, session.progress, folder.tasks_file, keeper.tasks, memory=keeper.memory)
    # The keeper is last: what it saves is what the rollout then begins with.
    switch = [] if tasks_of(model) is None else [TaskSwitch()]
    callbacks: list[BaseCallback] = [
        chronicle,
        *beside,
        *switch,
        ChangeAnnouncements(keeper.tasks),
        RolloutClock(),
        keeper,
    ]
    remaining = total_steps - model.num_timesteps
    try:
        if remaining > 0:
            model.learn(remaining, callback=CallbackList(callbacks), reset_num_timesteps=False, log_interval=1)
    except (ValueError, RuntimeError) as error:  # torch refuses bad numbers before anybody else sees them
        if not (isinstance(error, ValueError | LinAlgError) or str(error).startswith(OF_NUMBERS)):
            raise
        session.keeper.refuse(keeper.fault_behind(error))
    finally:
        model.logger.close()
    session.keeper.save()


def _set_logger(model: OnPolicyAlgorithm, folder: RunFolder, writer: MetricsWriter, formats: Sequence[str]) -> None:
    # SB3 opens its files anew: a resumed run writes beside the ones that it had before.
    suffix = f"-from-{model.num_timesteps}" if model.num_timesteps else ""
    if not suffix:
        folder.clear_logs()
    extra = [make_output_format(form, str(folder.path), suffix) for form in formats]
    model.set_logger(Logger(str(folder.path), [writer, *extra]))


def _recent_return(model: OnPolicyAlgorithm) -> float | None:
    episodes = model.ep_info_buffer or ()
    return sum(episode["r"] for episode in episodes) / len(episodes) if episodes else None
