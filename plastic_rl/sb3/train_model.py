"""Trains an SB3 model in a run folder, from where the folder stands to the end."""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any, cast

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger, make_output_format
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from plastic_rl.errors import UserError
from plastic_rl.pictures import draw_learning_curve
from plastic_rl.runs import RunFolder, Track, open_session, write_result
from plastic_rl.sb3.change_announcements import ChangeAnnouncements
from plastic_rl.sb3.chronicle import Chronicle
from plastic_rl.sb3.faults import OF_NUMBERS, LinAlgError
from plastic_rl.sb3.forecast import forecast_model
from plastic_rl.sb3.instruments import Memory, trained_weights
from plastic_rl.sb3.interval import LOOK, interval_of
from plastic_rl.sb3.judged import Judged
from plastic_rl.sb3.keeper import ModelKeeper
from plastic_rl.sb3.replay import ReplayLog, check_space, in_words
from plastic_rl.sb3.rollout_clock import RolloutClock
from plastic_rl.sb3.save_observations import has_collected, save_observations
from plastic_rl.sb3.shared_clock import wrong_pace
from plastic_rl.sb3.task_log import TaskLog
from plastic_rl.sb3.task_switch import TaskSwitch
from plastic_rl.sb3.tasks import tasks_of
from plastic_rl.sb3.writer import MetricsWriter

logger = logging.getLogger(__name__)

# So many rollouts, or episodes, that SB3 never logs: the chronicle does.
NEVER = 2**62


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
    callbacks: Sequence[BaseCallback] = (),
    settings: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    name: str = "run",
    group: str = "runs",
    title: str | None = None,
    judged: Judged | None = None,
    replay_on_disk: bool = True,
) -> ModelSummary:
    """Trains a model and writes the run's folder; goes on exactly from the folder's last checkpoint if it has one.

    The model must be built with the settings that the checkpoint was. A folder that is not prepared is prepared, and
    released in the end.

    Args:
        model: a fresh one of Stable-Baselines3 or sb3-contrib.
        total_steps: environment steps at which training ends (SB3 finishes the rollout in which they are reached).
        folder: where the run lives.
        track: where it is tracked.
        checkpoint_seconds: between two checkpoints.
        callbacks: what else is to be called, before the run may be saved; they remember nothing from one rollout to
            the next, or lose it where the run is resumed.
        formats: further output formats of SB3's logger ("csv", "tensorboard").
        settings: what makes the result, the seed included: a checkpoint of other settings is refused. None for what
            is known of them here.
        config: all settings, for the tracker.
        name: of the run, for the tracker.
        group: of runs that differ in their seed only, for the tracker.
        title: what stands above the picture of the run; None for its name.
        judged: how the model is probed and played beside its training; None for not at all.
        replay_on_disk: keep a replay buffer beside the checkpoints; without it, a run that is stopped goes on with an
            empty buffer, and not exactly.

    Raises:
        UserError: the request cannot be met.
        RunError: the run could not go on.
        RunInterruptedError: it was asked to stop; it has saved a checkpoint.
    """
    if judged is not None:
        judged.check()
    keeper, began = keeper_of(model, total_steps, folder, replay_on_disk=replay_on_disk), time.monotonic()
    tracked: dict[str, Any] = {"track": track, "settings": settings, "config": config, "name": name, "group": group}
    with open_session(folder, keeper, total_steps, checkpoint_seconds=checkpoint_seconds, **tracked) as keeper.session:
        beside = judging(judged, keeper, folder)
        callback = prepared(keeper, total_steps, folder, formats, [*beside, *callbacks])
        has_learned = _learn(keeper, total_steps, callback)
        leave_results(keeper, folder, has_learned=has_learned)
    draw_learning_curve(folder.metrics_file, folder.picture_file, title or name, total_steps)
    seconds = time.monotonic() - began
    return ModelSummary(model.num_timesteps, seconds, recent_return(model), keeper.memory.share)


def keeper_of(model: BaseAlgorithm, total_steps: int, folder: RunFolder, *, replay_on_disk: bool = True) -> ModelKeeper:
    """The keeper of a model that can be saved and resumed.

    Raises:
        UserError: it cannot be.
    """
    if not isinstance(model, OnPolicyAlgorithm | OffPolicyAlgorithm):
        raise UserError(
            f"{type(model).__name__} has neither rollouts nor a replay buffer, and `train_model` cannot save it: "
            "expected an on-policy or off-policy algorithm, such as PPO or SAC"
        )
    if model.env is not None and (fault := wrong_pace(model.env)):
        raise UserError(fault)
    memory = Memory(first=trained_weights(model))  # before a checkpoint is loaded
    replay = _replay(model, total_steps, folder, on_disk=replay_on_disk)
    return ModelKeeper(model, TaskLog(), total_steps, replay, memory=memory)


def judging(judged: Judged | None, keeper: ModelKeeper, folder: RunFolder) -> list[BaseCallback]:
    """The callbacks that judge a model, put where its last checkpoint was, in its folder."""
    return [] if judged is None else judged.callbacks(keeper.memory, folder.best_model_file)


def _replay(model: Any, total_steps: int, folder: RunFolder, *, on_disk: bool) -> ReplayLog | None:
    """The keeper of a model's replay buffer; None where it has none, or none is to be kept, which is said."""
    if getattr(model, "replay_buffer", None) is None:
        return None
    if not on_disk:
        logger.warning("replay_on_disk=false: a run that is stopped goes on with an empty replay buffer, not exactly.")
        return None
    replay = ReplayLog(model, folder.replay_folder, total_steps)
    check_space(folder.replay_folder, replay.bytes)
    logger.info("The replay buffer takes up to %s in %s.", in_words(replay.bytes), folder.replay_folder)
    return replay


def prepared(
    keeper: ModelKeeper, total_steps: int, folder: RunFolder, formats: Sequence[str], others: Sequence[BaseCallback]
) -> CallbackList:
    """Has a model, put where its last checkpoint was, log into its folder; the callbacks with which it is to learn."""
    model, session = keeper.trained, keeper.session
    if not (expected := forecast_model(model, run_length=total_steps)).is_empty:
        logger.info("%s", expected.line)
    writer = MetricsWriter(session.metrics, session.tracker)
    _set_logger(model, folder, writer, formats)
    chronicle = Chronicle(writer, session.progress, folder.tasks_file, keeper.tasks, memory=keeper.memory)
    # The keeper is last: what it saves is what the rollout then begins with.
    switch = [] if tasks_of(model) is None else [TaskSwitch()]
    on_policy = isinstance(model, OnPolicyAlgorithm)
    clock = [RolloutClock()] if on_policy else []  # off-policy no update has a rollout of its own
    callbacks: list[BaseCallback] = [chronicle, *switch, ChangeAnnouncements(keeper.tasks), *clock, *others, keeper]
    return CallbackList(callbacks)


def _learn(keeper: ModelKeeper, total_steps: int, callback: BaseCallback) -> bool:
    """Has a model learn up to a step; False where it is there already."""
    model = keeper.trained
    remaining = total_steps - model.num_timesteps
    interval = 1 if interval_of(model, LOOK) == 1 else NEVER
    with explained(keeper):
        if remaining > 0:
            model.learn(remaining, callback=callback, reset_num_timesteps=False, log_interval=interval)
    return remaining > 0


@contextmanager
def explained(keeper: ModelKeeper) -> Iterator[None]:
    """Says what was at fault where SB3, torch or the world refuses to go on, and closes the logs.

    Raises:
        RunError: they did.
    """
    try:
        yield
    except (ValueError, RuntimeError) as error:  # torch refuses bad numbers before anybody else sees them
        if not (isinstance(error, ValueError | LinAlgError) or str(error).startswith(OF_NUMBERS)):
            raise
        keeper.session.keeper.refuse(keeper.fault_behind(error))
    finally:
        keeper.trained.logger.close()


def leave_results(keeper: ModelKeeper, folder: RunFolder, *, has_learned: bool) -> None:
    """Saves a trained model, and its last checkpoint first where this process has trained it."""
    model = keeper.trained
    if has_learned:
        keeper.session.keeper.save()
    write_result(folder.model_file, lambda file: model.save(cast(BufferedIOBase, file)))
    if (normalization := model.get_vec_normalize_env()) is not None:  # the model is of no use without
        write_result(folder.normalization_file, lambda file: pickle.dump(normalization, file))
    if has_collected(model):  # not where there was nothing left to train
        write_result(folder.observations_file, lambda file: save_observations(model, file))


def _set_logger(model: BaseAlgorithm, folder: RunFolder, writer: MetricsWriter, formats: Sequence[str]) -> None:
    # SB3 opens its files anew: a resumed run writes beside the ones that it had before.
    suffix = f"-from-{model.num_timesteps}" if model.num_timesteps else ""
    if not suffix:
        folder.clear_logs()
    extra = [make_output_format(form, str(folder.path), suffix) for form in formats]
    model.set_logger(Logger(str(folder.path), [writer, *extra]))


def recent_return(model: BaseAlgorithm) -> float | None:
    """The mean return of the last episodes, up to 100; None where none has ended."""
    episodes = model.ep_info_buffer or ()
    return sum(episode["r"] for episode in episodes) / len(episodes) if episodes else None
