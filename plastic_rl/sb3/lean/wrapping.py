"""The wrappers around one copy of a world, taken apart, so that a step need not pass through them."""

from __future__ import annotations

from typing import Any

from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit, TransformReward
from stable_baselines3.common.monitor import Monitor

from plastic_rl.nonstationary import Nonstationary
from plastic_rl.nonstationary.changes import copy_of, overridden

_KNOWN = (TimeLimit, OrderEnforcing, PassiveEnvChecker, Nonstationary)


class Wrapping:
    """A copy whose wrappers are all known: what each does to a step, without the calls from one to the next.

    Whatever a wrapper counts or remembers it counts and remembers as ever. Resets go through them.

    Args:
        copy: with its wrappers.
    """

    def __init__(self, copy: Any) -> None:
        self.copy, self.base, wrappers = copy, copy.unwrapped, _wrappers(copy)
        self.payments = [wrapper for wrapper in wrappers if type(wrapper) is TransformReward][::-1]
        monitors = [wrapper for wrapper in wrappers if type(wrapper) is Monitor]
        self.monitor: Any = monitors[0] if monitors else None
        outside, within = wrappers[: len(self.payments)], wrappers[len(self.payments) + len(monitors) :]
        self.limits: list[Any] = [wrapper for wrapper in within if type(wrapper) is TimeLimit]
        worlds = [wrapper for wrapper in within if type(wrapper) is Nonstationary]
        self.world: Any = worlds[0] if worlds else None
        self.orders = [wrapper for wrapper in within if type(wrapper) is OrderEnforcing]
        self.checkers = [wrapper for wrapper in within if type(wrapper) is PassiveEnvChecker]
        self.is_known = len(monitors) < 2 and len(worlds) < 2 and all(type(wrapper) in _KNOWN for wrapper in within)
        self.is_known &= all(type(wrapper) is TransformReward for wrapper in outside)
        self.is_known &= not any("step" in vars(wrapper) for wrapper in wrappers)
        self.hooks = overridden(self.world.changes) if worlds else set[str]()
        self.begins_steps = bool(worlds) and (self.world.schedule.at == "step" or "before_step" in self.hooks)

    def is_ready(self) -> bool:
        """True if the wrappers have looked at what they look at once, and let steps pass from now on."""
        return all(each._has_reset for each in self.orders) and all(
            each.checked_step and each.checked_data_reuse for each in self.checkers
        )

    def action(self, action: Any) -> Any:
        """The action that the innermost environment gets; the step begins."""
        if self.begins_steps:
            self.world.begin_step()
        return self.world.transformed_action(action) if "action" in self.hooks else action

    def outcome(self, observation: Any, reward: Any, terminated: bool, truncated: bool, info: dict[str, Any]) -> Any:
        """The outcome that the copy returns for a step of the innermost environment."""
        world = self.world
        if world is not None:
            world.run_clock.tick()
            reward = float(reward)
            if "reward" in self.hooks:
                reward = world.transformed_reward(reward, info)
            if "observation" in self.hooks:
                observation = world.transformed(observation)
            info = {**info, "task": copy_of(world.task)}
        for limit in self.limits:
            limit._elapsed_steps += 1
            truncated = truncated or limit._elapsed_steps >= limit._max_episode_steps
        self._note(observation, reward, terminated, truncated, info)
        for payment in self.payments:
            reward = payment.func(reward)
        return observation, reward, terminated, truncated, info

    def _note(self, *outcome: Any) -> None:
        """Has the monitor take note of a step, by its own code where an episode ends."""
        monitor = self.monitor
        if monitor is None:
            return
        _, reward, terminated, truncated, _ = outcome
        if not (terminated or truncated or monitor.needs_reset):
            monitor.rewards.append(float(reward))
            monitor.total_steps += 1
            return
        within = monitor.env
        monitor.env = _Told(outcome)
        try:
            monitor.step(None)
        finally:
            monitor.env = within


class _Told:
    """An environment whose step has been taken already."""

    def __init__(self, outcome: tuple[Any, ...]) -> None:
        self.outcome = outcome

    def step(self, action: object) -> tuple[Any, ...]:
        """The outcome of the step."""
        return self.outcome


def _wrappers(copy: Any) -> list[Any]:
    """The wrappers from the outermost on."""
    wrappers = list[Any]()
    while copy is not copy.unwrapped:
        wrappers.append(copy)
        copy = copy.env
    return wrappers
