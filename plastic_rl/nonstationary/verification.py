"""Proof that a world changes: not before its time, and really then."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import gymnasium

from plastic_rl.nonstationary.changes import Parameters
from plastic_rl.nonstationary.changing_world import changing_world
from plastic_rl.nonstationary.clock import Clock
from plastic_rl.nonstationary.differences import is_finite, largest_difference
from plastic_rl.nonstationary.schedules import Never, Schedule
from plastic_rl.nonstationary.wrapper import Nonstationary


class NotVerified(Exception):
    """A world that does not change as it says; the message names what was found."""


@dataclass(frozen=True)
class Verification:
    """What :func:`verify` found.

    Args:
        before: The task before the change.
        after: The task after it.
        first_difference: How many steps after the change the two lives first differed; 0 is its first observation.
        largest_difference: The largest difference of a number in an observation or a reward, as long as both lives
            lasted; infinite where one observation has other numbers than the other (another length of a text).
    """

    before: Parameters
    after: Parameters
    first_difference: int
    largest_difference: float


@dataclass(frozen=True)
class _Jump(Schedule):
    """Task 0, and from one step on another."""

    step: int
    task_after: int

    def task(self, clock: Clock) -> int:
        return self.task_after if clock.step >= self.step else 0


@dataclass(frozen=True)
class _Life:
    """Observations and rewards in two rows of equal length, and where the change fell."""

    observations: list[Any]
    rewards: list[float]
    change: int


def verify(
    env: str | gymnasium.Env[Any, Any] | Callable[[], gymnasium.Env[Any, Any]], *, steps: int = 100, seed: int = 0
) -> Verification:
    """Lives through a change of ``env`` and shows that it is one.

    Two copies get one stream of random actions. In one of them the first task that differs from task 0 follows it after
    ``steps`` steps, whatever the schedule, at a reset or at once as it says; in the other task 0 goes on. Then the
    change is undone, and the environment is compared with one that was never changed.

    Args:
        env: An id, a function that makes the environment, or an environment whose ``spec`` can make it again.
        steps: Environment steps before the change, and after it.
        seed: Seed of the actions and the resets.

    Raises:
        NotVerified: The lives differ before the change, or do not differ after it; an observation or a reward is not
            finite; or the change cannot be undone bit for bit.
    """
    make = _maker(env)
    changing, steady = make(), make()
    layer = changing_world(changing)
    at, later = layer.schedule.at, _first_different_task(layer)
    layer.schedule = _Jump(steps * layer.run_clock.copies, later, at=at)
    changing_world(steady).schedule = Never(at=at)
    changed, unchanged = _live(changing, steps, seed, at == "reset"), _live(steady, steps, seed, at == "reset")
    _check_finite(changed)
    _check_equal_before(changed, unchanged)
    first, largest = _difference_after(changed, unchanged, _short(layer.parameters(later)))
    if isinstance(layer, Nonstationary):
        _check_undone(layer, changing_world(make()), steps, seed)
    return Verification(layer.parameters(0), layer.parameters(later), first, largest)


def _maker(
    env: str | gymnasium.Env[Any, Any] | Callable[[], gymnasium.Env[Any, Any]],
) -> Callable[[], gymnasium.Env[Any, Any]]:
    if isinstance(env, str):
        return lambda: gymnasium.make(env)
    if not isinstance(env, gymnasium.Env):
        return env
    spec = env.spec
    if spec is None:
        raise ValueError(f"{env} has no spec to make copies from: give verify a function that makes it")
    return lambda: gymnasium.make(spec)


def _first_different_task(layer: Any, tasks: int = 20) -> int:
    first = layer.parameters(0)
    for index in range(1, tasks):
        if layer.parameters(index) != first | {"index": index}:
            return index
    raise NotVerified(f"nothing changes: the first {tasks} tasks are all {_short(first)}")


def _live(env: gymnasium.Env[Any, Any], steps: int, seed: int, reset_at_change: bool) -> _Life:
    """Two times ``steps`` steps; where an episode ends, the next begins with a seed of its own."""
    env.action_space.seed(seed)
    # Copies: an environment may use one array for all its observations.
    observations, rewards, change = [deepcopy(env.reset(seed=seed)[0])], [0.0], 0
    for step in range(2 * steps):
        if step == steps:
            change = len(observations)
            if reset_at_change:
                observations.append(deepcopy(env.reset(seed=seed + 1)[0]))
                rewards.append(0.0)
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        observations.append(deepcopy(observation))
        rewards.append(float(reward))
        if (terminated or truncated) and not (reset_at_change and step == steps - 1):
            observations.append(deepcopy(env.reset(seed=seed + 2 + step)[0]))
            rewards.append(0.0)
    return _Life(observations, rewards, change)


def _check_finite(life: _Life) -> None:
    if not all(map(is_finite, (*life.observations, life.rewards))):
        raise NotVerified("an observation or a reward is not finite")


def _check_equal_before(changed: _Life, unchanged: _Life) -> None:
    if changed.change != unchanged.change:
        raise NotVerified("the two lives differ before the change: their episodes end on different steps")
    for step in range(changed.change):
        if _difference(changed, unchanged, step) != 0:
            raise NotVerified(
                f"the two lives differ already at step {step}, before the change at {changed.change}: "
                "something else than the task is random, and no reset seeds it"
            )


def _difference_after(changed: _Life, unchanged: _Life, after: str) -> tuple[int, float]:
    end = min(len(changed.rewards), len(unchanged.rewards))
    differences = [_difference(changed, unchanged, step) for step in range(changed.change, end)]
    if not any(differences):
        raise NotVerified(
            f"nothing changes: the lives in task 0 and in {after} are identical over {len(differences)} steps. "
            "Does the simulator read what the change writes?"
        )
    return next(step for step, difference in enumerate(differences) if difference), max(differences)


def _difference(one: _Life, other: _Life, step: int) -> float:
    seen = largest_difference(one.observations[step], other.observations[step])
    return max(seen, abs(one.rewards[step] - other.rewards[step]))


def _short(task: Parameters) -> str:
    text = str(task)
    return text if len(text) <= 80 else text[:77] + "..."


def _check_undone(used: Nonstationary, new: Nonstationary, steps: int, seed: int) -> None:
    used.undo()
    mine, original = (_live(env.env, steps // 2, seed, reset_at_change=True) for env in (used, new))
    same = len(mine.rewards) == len(original.rewards) and mine.rewards == original.rewards
    if not same or any(map(largest_difference, mine.observations, original.observations)):
        raise NotVerified("undo() leaves something behind: the environment differs from one that was never changed")
    seen = original.observations[-1]
    action = used.action_space.sample()
    if largest_difference(used.transformed(seen), seen) or largest_difference(used.transformed_action(action), action):
        raise NotVerified("undo() leaves something behind: observations or actions are still transformed")
