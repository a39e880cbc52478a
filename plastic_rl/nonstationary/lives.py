"""Lives under one stream of random actions, to be compared step by step."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import gymnasium

from plastic_rl.nonstationary.differences import is_finite, largest_difference


@dataclass(frozen=True)
class Life:
    """A life in a world.

    Args:
        observations: All that was seen, in order.
        rewards: The reward that came with each; 0 with the first of an episode.
        change: The place in both where a change fell.
    """

    observations: list[Any]
    rewards: list[float]
    change: int

    @property
    def is_finite(self) -> bool:
        """Tells whether every number seen and every reward is finite."""
        return all(map(is_finite, (*self.observations, self.rewards)))

    def difference(self, other: Life, place: int) -> float:
        """The largest difference of a number between two lives at one place; infinite where they saw other numbers."""
        seen = largest_difference(self.observations[place], other.observations[place])
        return max(seen, abs(self.rewards[place] - other.rewards[place]))

    def is_that_of(self, other: Life) -> bool:
        """Tells whether two lives are the same from beginning to end."""
        if self.rewards != other.rewards:
            return False
        return not any(map(largest_difference, self.observations, other.observations))


def live(env: gymnasium.Env[Any, Any], steps: int, seed: int, *, reset_at_change: bool) -> Life:
    """Lives in a world for two times ``steps`` steps; where an episode ends, the next begins with a seed of its own.

    Args:
        env: The world.
        steps: Environment steps before the change, and after it.
        seed: The seed of the actions and the resets.
        reset_at_change: Whether the change comes with a reset.
    """
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
    return Life(observations, rewards, change)
