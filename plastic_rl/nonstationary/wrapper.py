"""The wrapper that brings together what changes and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from plastic_rl.nonstationary.changes import Change, Parameters, copy_of, refuse_shared_fields
from plastic_rl.nonstationary.changing_world import ChangingWorld, refuse_changing
from plastic_rl.nonstationary.clock import RunClock
from plastic_rl.nonstationary.descriptions import Description, changes_of, description, schedule_of
from plastic_rl.nonstationary.schedules import Schedule
from plastic_rl.nonstationary.task_sequence import TaskSequence


class Nonstationary(ChangingWorld, gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """An environment that changes, on the clock of the run.

    The clock counts the environment steps of the whole run: this copy's own steps times ``copies``, so that all
    copies of a vector environment agree on the task that is due without sharing memory. Which task is due is a
    function of the clock, and a task's parameters are one of the seed and the task's index, so the sequence of tasks
    depends on nothing that the agent does. ``info["task"]`` names the task on every reset and step, as
    ``{"index": 3, "friction": 0.31}``; the observation says nothing.

    Args:
        env: The environment to change.
        change: What changes: one change or several, the first nearest to the environment. Changes and schedule may be
            descriptions, as ``spec`` holds them, so that a spec that went through JSON makes this world again.
        schedule: When it changes.
        seed: The seed of the task sequence; ``reset(seed=...)`` has no part in it.
        copies: How many copies of this environment step together.
        resets_take_a_step: Whether the reset after an episode takes the place of a step, as in Gymnasium's vector
            environments with ``AutoresetMode.NEXT_STEP``, their default (SB3's reset within the step that ended the
            episode). A reset that names a seed or options is none of these.
        tasks: Tasks to go through instead of drawing them (``read_tasks`` reads them from a file).

    Raises:
        ValueError: A change cannot work on this environment, or is none; two of them write the same thing; or the
            environment changes already.

    Example:
        >>> env = gymnasium.make("Ant-v5")
        >>> env = Nonstationary(env, Friction(0.02, 2.0), Every(2_000_000))
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        change: Change | Sequence[Change] | Description | Sequence[Description],
        schedule: Schedule | Description,
        *,
        seed: int = 0,
        copies: int = 1,
        resets_take_a_step: bool = False,
        tasks: Sequence[Parameters] | None = None,
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            change=description(change),
            schedule=description(schedule),
            seed=seed,
            copies=copies,
            resets_take_a_step=resets_take_a_step,
            tasks=tasks,
        )
        gymnasium.Wrapper.__init__(self, env)
        refuse_changing(env)
        self.changes = changes_of(change)
        self.schedule = schedule_of(schedule)
        self.task = {}
        self.run_clock = RunClock(copies, resets_take_a_step)
        self._resets_rewrite = False
        self._bind()
        self.tasks = TaskSequence(self.changes, seed, tasks)

    @property
    def tasks_given(self) -> int | None:
        return self.tasks.given

    def parameters(self, index: int) -> Parameters:
        return self.tasks[index]

    def follow(self, tasks: Sequence[Parameters]) -> None:
        """Goes through given tasks from the next change on, instead of drawing them."""
        self.tasks.follow(tasks)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode, of the task that is due by now."""
        self.run_clock.begin_episode(seed, options)
        self._refuse_what_moved()
        self._move_to(self.schedule.task(self.clock))
        observation, info = self._reset_changed(seed, options)
        for change in self.changes:
            change.begin_episode(seed)
        return self.transformed(observation), self._announced(info)

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Takes one step of the task in force, or of the one due where the schedule changes at once."""
        self.begin_step()
        observation, reward, terminated, truncated, info = self.env.step(self.transformed_action(action))
        self.run_clock.tick()
        reward = self.transformed_reward(float(reward), info)
        return self.transformed(observation), reward, terminated, truncated, self._announced(info)

    def begin_step(self) -> None:
        """Does what is due just before the environment steps."""
        if self.schedule.at == "step":
            self._move_to(self.schedule.task(self.clock))
        for change in self.changes:
            change.before_step(self.env)

    def transformed(self, observation: Any) -> Any:
        """The agent's view of an observation of the environment's."""
        for change in self.changes:
            observation = change.observation(observation)
        return observation

    def transformed_action(self, action: Any) -> Any:
        """The action that the environment gets when the agent chooses ``action``."""
        for change in reversed(self.changes):
            action = change.action(action)
        return action

    def transformed_reward(self, reward: float, info: dict[str, Any]) -> float:
        """The agent's reward on a step that ``info`` describes."""
        for change in self.changes:
            reward = change.reward(reward, info)
        return reward

    def undo(self) -> None:
        """Puts the environment back, bit for bit, to what it was before it was wrapped."""
        for change in reversed(self.changes):
            change.undo(self.env)
        self.task = {}

    def state_dict(self) -> dict[str, Any]:
        """The clock, the task in force, and what the changes remember."""
        return {
            "clock": self.run_clock.state_dict(),
            "task": copy_of(self.task),
            "resets_rewrite": self._resets_rewrite,
            "changes": [change.state_dict() for change in self.changes],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the environment that gave ``state`` was, changed as that one was."""
        self.run_clock.load_state_dict(state["clock"])
        self._resets_rewrite = state.get("resets_rewrite", False)  # older checkpoints do not say
        for change, memory in zip(self.changes, state["changes"], strict=True):
            change.load_state_dict(memory)
        self._enter(copy_of(state["task"]))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickles: MuJoCo environments come back new, so the task in force is applied again."""
        self.__dict__.update(state)
        self._enter(self.task)

    def _bind(self) -> None:
        refuse_shared_fields(self.changes)
        observations, actions = self.env.observation_space, self.env.action_space
        for change in self.changes:
            change.bind(self.env)
            observations, actions = change.observation_space(observations), change.action_space(actions)
        self.observation_space, self.action_space = observations, actions

    def _refuse_what_moved(self) -> None:
        """Refuses an environment that has written, since its last reset, what a change had written."""
        for change in self.changes if self.task else []:
            if not change.is_in_force(self.env):
                fields, name = ", ".join(change.touches), type(change).__name__
                raise RuntimeError(f"{self.unwrapped} writes {fields} while it steps: {name} cannot hold there")

    def _reset_changed(self, seed: int | None, options: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
        """Resets the environment, which is then the one that the task in force describes."""
        if not self._resets_rewrite:
            beginning = self.env.reset(seed=seed, options=options)
            if all(change.is_in_force(self.env) for change in self.changes):
                return beginning
        # Its resets build the model anew, or draw its physics. From now on each begins from what is the environment's
        # own, in case it draws around that, and what it has written is then changed.
        self._resets_rewrite, task = True, self.task
        self.undo()
        beginning = self.env.reset(seed=seed, options=options)
        for change in self.changes:
            change.bind(self.env)
        self._enter(task)
        return beginning

    def _move_to(self, index: int) -> None:
        if self.task.get("index") != index:
            self._enter(self.parameters(index))

    def _enter(self, task: Parameters) -> None:
        self.task = task
        if task:
            for change in self.changes:
                change.apply(self.env, task)

    def _announced(self, info: dict[str, Any]) -> dict[str, Any]:
        return {**info, "task": copy_of(self.task)}
