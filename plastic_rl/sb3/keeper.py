"""The callback that lets a run be saved and stopped between two rollouts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.runs import Fault, Session
from plastic_rl.sb3.algorithm_state import algorithm_state, restore_algorithm_state
from plastic_rl.sb3.faults import (
    OF_NUMBERS,
    LinAlgError,
    fault_of_outputs,
    fault_of_parameters,
    fault_of_statistics,
    fault_of_world,
    largest_of,
)
from plastic_rl.sb3.instruments import Memory
from plastic_rl.sb3.interval import Interval, interval_of
from plastic_rl.sb3.optimizer_slots import optimizer_slots
from plastic_rl.sb3.replay import ReplayLog, restore_replay
from plastic_rl.sb3.rollout_state import restore_rollout_state
from plastic_rl.sb3.task_log import TaskLog

# What SB3's algorithms call the settings that make a result.
SETTINGS = (
    *("seed", "n_envs", "n_steps", "batch_size", "n_epochs", "learning_rate", "gamma", "gae_lambda", "ent_coef"),
    *("vf_coef", "max_grad_norm", "normalize_advantage", "use_sde", "tau", "buffer_size", "learning_starts"),
    *("gradient_steps", "policy_delay", "target_update_interval", "target_policy_noise", "exploration_fraction"),
)

# Environment steps after which a run may be stopped and saved, where rollouts are shorter.
PAUSE = 20


class ModelKeeper(BaseCallback):
    """A model as a run's session keeps it: a rollout and its update are never split.

    Args:
        model: of Stable-Baselines3.
        tasks: which the run has met so far.
        memory: of the run's instruments; None for a new one.
        total_steps: environment steps of the run.
        replay: keeps its replay buffer; None where it has none, or none that is kept.
    """

    session: Session  # once it is open

    def __init__(
        self,
        model: Any,
        tasks: TaskLog,
        total_steps: int,
        replay: ReplayLog | None = None,
        *,
        memory: Memory | None = None,
    ) -> None:
        super().__init__()
        self.memory = Memory() if memory is None else memory
        self.trained, self.tasks, self.total_steps, self.replay = model, tasks, total_steps, replay
        self._resumed: dict[str, Any] | None = None  # the state that was gone on from, until the first rollout
        self._in_rollout = False
        self.largest: dict[str, float] = {}  # observation and reward of the rollout, in absolute value

    @property
    def step(self) -> int:
        """Environment steps so far."""
        return self.trained.num_timesteps

    def settings(self) -> dict[str, Any]:
        """The algorithm, and those of its settings that are plain; no schedules."""
        values = {name: getattr(self.trained, name, None) for name in SETTINGS}
        optimizer = optimizer_slots(self.trained.policy, self.trained)[0].optimizer
        values |= {name: value for name, value in optimizer.param_groups[0].items() if name != "lr"}
        kinds = {"algorithm": self.trained, "policy": self.trained.policy, "optimizer": optimizer}
        plain = {name: value for name, value in values.items() if isinstance(value, bool | int | float | tuple)}
        return {**plain, **{name: type(thing).__name__ for name, thing in kinds.items()}}

    def state_dict(self) -> dict[str, Any]:
        """All that the run needs to go on exactly from between two rollouts."""
        of_copies = dict(self.tasks.of_copies)
        tasks = {"task": self.tasks.task, "tasks_of_copies": of_copies, "task_told": self.tasks.told}
        replay = {} if self.replay is None else {"replay": self.replay.state()}
        where = {"step": self.step, "in_rollout": self._in_rollout}
        state = {**where, "algorithm": algorithm_state(self.trained), **replay, **tasks}
        return {**state, "instruments": self.memory.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts the model where a saved one was."""
        self._resumed = state
        restore_algorithm_state(self.trained, state["algorithm"])
        self.memory.load_state_dict(state.get("instruments", {}))
        if self.step < self.total_steps:  # else nobody learns from it any more, and it may be gone
            restore_replay(self.trained, self.replay, state.get("replay"))
        self.tasks.take(state["task"])
        self.tasks.told = state.get("task_told", state["task"].get("index"))  # checkpoints from before do not say it
        met = state.get("tasks_of_copies")
        self.tasks.of_copies = tasks_in_force(self.trained) if met is None else dict(met)

    def damage_beside(self, state: dict[str, Any]) -> str | None:
        """The damage to the replay buffer's rows."""
        if self.replay is None or "replay" not in state or state["step"] >= self.total_steps:
            return None
        return self.replay.damage(state["replay"])

    def fault(self) -> Fault | None:
        """The fault in what the model sees now, and in its weights."""
        seen = fault_of_world(self.trained._last_obs, np.zeros(0), self.tasks.task)
        weights = {"policy": dict(self.trained.policy.named_parameters())}
        return seen or fault_of_parameters(weights, self.largest)

    def fault_in(self, state: dict[str, Any]) -> Fault | None:
        """The fault in what is about to be saved."""
        algorithm = state["algorithm"]
        statistics = fault_of_statistics(algorithm["environment"])
        return statistics or fault_of_parameters({**algorithm["parameters"], **algorithm["variables"]}, self.largest)

    def fault_behind(self, error: Exception) -> Fault:
        """The fault where SB3, torch or the world itself refused to go on."""
        known = self.fault() or fault_of_parameters(self.trained.get_parameters(), self.largest)
        refused = str(error).splitlines()[0]
        of_numbers = isinstance(error, LinAlgError) or refused.startswith(OF_NUMBERS)
        if known is None and of_numbers:  # a decomposition, or one of torch's distributions, cannot take them
            known = fault_of_outputs(self.trained, self.largest)
        return known or Fault(refused.removesuffix("."), "the same command goes on from there")

    def _on_training_start(self) -> None:
        self.interval = Interval(interval_of(self.trained, PAUSE))

    def _on_rollout_start(self) -> None:
        if self._resumed is not None:
            has_begun = self._resumed.get("in_rollout", True)
            restore_rollout_state(self.trained, self._resumed["algorithm"], has_begun=has_begun)
            self._resumed = None
        if self.interval.is_over(self.num_timesteps):
            self._in_rollout = True
            self._pause()
            self.largest, self._in_rollout = {}, False

    def _pause(self) -> None:
        keeper, replay = self.session.keeper, self.replay
        if replay is not None:
            replay.append()
        keeper.pause(is_due=replay is not None and replay.is_far_ahead)
        if replay is not None:
            replay.forget(keeper.checkpoints.steps())

    def _on_step(self) -> bool:
        observations, rewards = self.locals["new_obs"], self.locals["rewards"]
        seen, paid = largest_of(observations), largest_of(rewards)
        if not math.isfinite(seen + paid):  # at once: a learner that has been shown such a number is lost
            self.session.keeper.refuse(fault_of_world(observations, rewards, self.tasks.task))
        self.largest["observation"] = max(seen, self.largest.get("observation", 0.0))
        self.largest["reward"] = max(paid, self.largest.get("reward", 0.0))
        return True


def tasks_in_force(model: BaseAlgorithm) -> dict[int, int | None]:
    """The task that each copy of a model's world last announced, for checkpoints that do not say it.

    A copy that has just been reset may have entered another task that it is still to announce, and is left out.
    """
    assert model.env is not None
    announces = model.env.has_attr("task")
    tasks: list[dict[str, Any]] = model.env.get_attr("task") if announces else []
    begins = np.zeros(len(tasks)) if model._last_episode_starts is None else model._last_episode_starts
    return {copy: task.get("index") for copy, task in enumerate(tasks) if not begins[copy]}
