"""Trains an SB3 model in a run folder, from where the folder stands to the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger, make_output_format
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from plastic_rl.doctor import doctor
from plastic_rl.errors import UserError
from plastic_rl.runs import (
    Interruption,
    MetricsFile,
    Progress,
    RunFolder,
    RunRecord,
    Track,
    open_tracker_undrawn,
    outcome_recorded,
)
from plastic_rl.sb3.algorithm_state import algorithm_state, restore_algorithm_state
from plastic_rl.sb3.attachment import plastic_optimizers
from plastic_rl.sb3.chronicle import Chronicle
from plastic_rl.sb3.keeper import Keeper
from plastic_rl.sb3.task_switch import TaskSwitch
from plastic_rl.sb3.tasks import tasks_of
from plastic_rl.sb3.writer import MetricsWriter

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Summary:
    """How a run ended.

    Args:
        steps: environment steps in all.
        seconds: of this process, without those before a resume.
        recent_return: mean return of the last episodes (up to 100), or None if none ended.
    """

    steps: int
    seconds: float
    recent_return: float | None


def learn(
    model: BaseAlgorithm,
    total_steps: int,
    folder: RunFolder,
    *,
    track: Track = Track.off,
    checkpoint_seconds: float = 300.0,
    formats: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
    name: str = "run",
    group: str = "runs",
) -> Summary:
    """Trains a model and writes the run's folder; goes on exactly from the folder's last checkpoint if it has one.

    The model must be built with the settings that the checkpoint was, and the folder prepared.

    Args:
        model: a fresh on-policy model.
        total_steps: environment steps at which training ends (SB3 finishes the rollout in which they are reached).
        folder: where the run lives.
        track: where it is tracked.
        checkpoint_seconds: between two checkpoints.
        formats: further output formats of SB3's logger ("csv", "tensorboard").
        config: the settings, for the tracker.
        name: of the run, for the tracker.
        group: of runs that differ in their seed only, for the tracker.

    Raises:
        UserError: the request cannot be met.
        RunError: the run could not go on.
        RunInterruptedError: it was asked to stop; it has saved a checkpoint.
    """
    model = _resumable(model)
    began, saved = time.monotonic(), _resume(model, folder)
    if plastic_optimizers(model.policy):
        logger.info("%s", doctor(model, run_length=total_steps).line)
    record = RunRecord(folder.record_file)
    record.start(model.num_timesteps)
    with ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        tracker = open_tracker_undrawn(
            track, folder.path, run_id=saved.get("tracker"), name=name, group=group, config=config or {}
        )
        stack.enter_context(outcome_recorded(record, tracker, lambda: model.num_timesteps))
        metrics = stack.enter_context(MetricsFile(folder.metrics_file, saved.get("metrics")))
        progress = stack.enter_context(Progress(total_steps, model.num_timesteps))
        chronicle = Chronicle(MetricsWriter(metrics, tracker), progress, folder.tasks_file, saved.get("task", {}))

        def snapshot() -> dict[str, Any]:
            record.update(model.num_timesteps)
            own = {"metrics": metrics.position, "tracker": tracker.run_id, "task": chronicle.task}
            return {"step": model.num_timesteps, "algorithm": algorithm_state(model), **own}

        _set_logger(model, folder, chronicle.writer, formats)
        _train(model, total_steps, chronicle, Keeper(folder.checkpoints, snapshot, checkpoint_seconds, interruption))
        model.save(folder.model_file)
    return Summary(model.num_timesteps, time.monotonic() - began, _recent_return(model))


def _resumable(model: BaseAlgorithm) -> OnPolicyAlgorithm:
    if isinstance(model, OnPolicyAlgorithm) and not hasattr(model, "_last_lstm_states"):
        return model
    kind = type(model).__name__
    raise UserError(
        f"{kind} cannot be resumed exactly (a replay buffer or a memory is not saved); `learn` takes on-policy "
        f"algorithms without memory, such as PPO and A2C. Call {kind}.learn and {kind}.save themselves"
    )


def _resume(model: OnPolicyAlgorithm, folder: RunFolder) -> dict[str, Any]:
    """Puts the model where the folder's last checkpoint was, and returns the rest of what that holds."""
    found = folder.checkpoints.latest()
    if found is None:
        return {}
    restore_algorithm_state(model, found[1]["algorithm"])
    logger.info("Going on from step %d of %s.", found[0], folder.path)
    return found[1]


def _set_logger(model: OnPolicyAlgorithm, folder: RunFolder, writer: MetricsWriter, formats: Sequence[str]) -> None:
    # SB3 opens its files anew: a resumed run writes beside the ones that it had before.
    suffix = f"-from-{model.num_timesteps}" if model.num_timesteps else ""
    extra = [make_output_format(form, str(folder.path), suffix) for form in formats]
    model.set_logger(Logger(str(folder.path), [writer, *extra]))


def _train(model: OnPolicyAlgorithm, total_steps: int, chronicle: Chronicle, keeper: Keeper) -> None:
    remaining = total_steps - model.num_timesteps
    # The keeper is last: what it saves is what the rollout then begins with.
    callbacks: list[BaseCallback] = [chronicle, *([] if tasks_of(model) is None else [TaskSwitch()]), keeper]
    try:
        if remaining > 0:
            model.learn(remaining, callback=CallbackList(callbacks), reset_num_timesteps=False, log_interval=1)
    except ValueError as error:  # torch's distributions refuse what is no finite number before anybody else sees it
        keeper.check_health(model)
        raise keeper.illness(model, str(error).splitlines()[0]) from error
    finally:
        model.logger.close()
    keeper.check_health(model)
    keeper.save()


def _recent_return(model: OnPolicyAlgorithm) -> float | None:
    episodes = model.ep_info_buffer or ()
    return sum(episode["r"] for episode in episodes) / len(episodes) if episodes else None
