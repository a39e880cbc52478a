"""A rollout buffer that says what is about to be learned from."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from torch import Tensor

# Takes a minibatch, and the observation that followed each of its own.
Listener = Callable[[RolloutBufferSamples, Tensor], None]


class LabelledRolloutBuffer(RolloutBuffer):
    """SB3's rollout buffer, which shows each minibatch to a listener before the algorithm's `train` gets it.

    ::

        model = PPO("MlpPolicy", env, rollout_buffer_class=LabelledRolloutBuffer)
        model.rollout_buffer.listener = lambda samples, next_observations: ...

    With no listener it is SB3's. The listener is shown returns and advantages as the algorithm is; what followed the
    last observation of an episode or of the rollout is not kept by SB3, and the observation itself stands for it.

    Raises:
        ValueError: observations are dictionaries.
    """

    listener: Listener | None = None

    def __init__(self, buffer_size: int, observation_space: spaces.Space[Any], *args: Any, **kwargs: Any) -> None:
        if isinstance(observation_space, spaces.Dict):
            raise ValueError("observations that are dictionaries are not supported; flatten them (FlattenObservation)")
        super().__init__(buffer_size, observation_space, *args, **kwargs)

    def get(self, batch_size: int | None = None) -> Generator[RolloutBufferSamples, None, None]:
        if self.listener is not None and not self.generator_ready:
            following = next_observations(self.observations, self.episode_starts)
            self.next_observations = self.swap_and_flatten(following)
        yield from super().get(batch_size)

    def _get_samples(self, batch_inds: np.ndarray, env: Any = None) -> RolloutBufferSamples:
        samples = super()._get_samples(batch_inds, env)
        if self.listener is not None:
            self.listener(samples, self.to_torch(self.next_observations[batch_inds]))
        return samples


def next_observations(observations: np.ndarray, episode_starts: np.ndarray) -> np.ndarray:
    """The observation that followed each, of shape (steps, environments, ...); itself where that is not known.

    Args:
        observations: of a rollout.
        episode_starts: whether each of them began an episode, of shape (steps, environments).
    """
    following = observations.copy()
    went_on = episode_starts[1:] == 0
    following[:-1][went_on] = observations[1:][went_on]
    return following
