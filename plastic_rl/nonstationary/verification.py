"""Proof that a world changes: not before its time, and really then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium

from plastic_rl.nonstationary.changes import Parameters
from plastic_rl.nonstationary.changing_world import changing_layer
from plastic_rl.nonstationary.clock import Clock
from plastic_rl.nonstationary.differences import largest_difference
from plastic_rl.nonstationary.lives import Life, live
from plastic_rl.nonstationary.schedules import Never, Schedule
from plastic_rl.nonstationary.wrapper import Nonstationary


class NotVerified(Exception):
    """A world that does not change as it says; the message names what was found."""


@dataclass(frozen=True)
class Verification:
    """The findings of :func:`verify`.

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
    world = changing_layer(changing)
    at, later = world.schedule.at, _first_different_task(world)
    world.schedule = _Jump(steps * world.run_clock.copies, later, at=at)
    changing_layer(steady).schedule = Never(at=at)
    changed, unchanged = (live(copy, steps, seed, reset_at_change=at == "reset") for copy in (changing, steady))
    if not changed.is_finite:
        raise NotVerified("an observation or a reward is not finite")
    _check_equal_before(changed, unchanged)
    first, largest = _difference_after(changed, unchanged, _short(world.parameters(later)))
    if isinstance(world, Nonstationary):
        _check_undone(world, changing_layer(make()), steps, seed)
    return Verification(world.parameters(0), world.parameters(later), first, largest)


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


def _first_different_task(world: Any, tasks: int = 20) -> int:
    first = world.parameters(0)
    for index in range(1, tasks):
        if world.parameters(index) != first | {"index": index}:
            return index
    raise NotVerified(f"nothing changes: the first {tasks} tasks are all {_short(first)}")


def _check_equal_before(changed: Life, unchanged: Life) -> None:
    if changed.change != unchanged.change:
        raise NotVerified("the two lives differ before the change: their episodes end on different steps")
    for place in range(changed.change):
        if changed.difference(unchanged, place) != 0:
            raise NotVerified(
                f"the two lives differ already at step {place}, before the change at {changed.change}: "
                "something else than the task is random, and no reset seeds it"
            )


def _difference_after(changed: Life, unchanged: Life, after: str) -> tuple[int, float]:
    end = min(len(changed.rewards), len(unchanged.rewards))
    differences = [changed.difference(unchanged, place) for place in range(changed.change, end)]
    if not any(differences):
        raise NotVerified(
            f"nothing changes: the lives in task 0 and in {after} are identical over {len(differences)} steps. "
            "Does the simulator read what the change writes?"
        )
    return next(step for step, difference in enumerate(differences) if difference), max(differences)


def _short(task: Parameters) -> str:
    text = str(task)
    return text if len(text) <= 80 else text[:77] + "..."


def _check_undone(used: Nonstationary, new: Nonstationary, steps: int, seed: int) -> None:
    used.undo()
    undone, original = (live(world.env, steps // 2, seed, reset_at_change=True) for world in (used, new))
    if not undone.is_that_of(original):
        raise NotVerified("undo() leaves something behind: the environment differs from one that was never changed")
    observation, action = original.observations[-1], used.action_space.sample()
    shown, acted = used.transformed(observation), used.transformed_action(action)
    if largest_difference(shown, observation) or largest_difference(acted, action):
        raise NotVerified("undo() leaves something behind: observations or actions are still transformed")
