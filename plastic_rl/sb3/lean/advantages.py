"""Generalised advantage estimation (Schulman et al. 2016), over a whole rollout at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.buffers import RolloutBuffer

from plastic_rl.sb3.normalized_rollouts import NormalizedRolloutBuffer


def estimate_advantages(buffer: RolloutBuffer, last_values: np.ndarray, dones: np.ndarray) -> None:
    """Fills in advantages and returns as `RolloutBuffer.compute_returns_and_advantage` does, in the same arithmetic.

    Args:
        buffer: a full rollout.
        last_values: the critic's, of what follows the rollout.
        dones: whether the last step of each copy ended its episode.
    """
    goes_on = 1.0 - np.concatenate([buffer.episode_starts[1:], dones.astype(np.float32)[None]])
    following = np.concatenate([buffer.values[1:], last_values[None]])
    surprises = buffer.rewards + buffer.gamma * following * goes_on - buffer.values
    shares = buffer.gamma * buffer.gae_lambda * goes_on
    buffer.advantages[:] = discounted(surprises, shares)
    buffer.returns = buffer.advantages + buffer.values
    if isinstance(buffer, NormalizedRolloutBuffer):
        buffer.normalize_advantages()


def discounted(terms: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The sums x_t = terms_t + shares_t x_{t+1} from the end, along the first axis.

    Args:
        terms: of shape (steps, copies).
        shares: of the same shape.
    """
    if terms.shape[1] == 1:  # numbers by themselves: an array of one takes ten times as long
        return np.array(_sums(list(terms[:, 0]), list(shares[:, 0])), dtype=terms.dtype)[:, None]
    sums = np.empty_like(terms)
    sums[-1] = terms[-1]
    for step in range(len(terms) - 2, -1, -1):
        np.multiply(shares[step], sums[step + 1], out=sums[step])
        sums[step] += terms[step]
    return sums


def _sums(terms: list[Any], shares: list[Any]) -> list[Any]:
    last, sums = terms[-1] * 0, list[Any]()
    for term, share in zip(reversed(terms), reversed(shares), strict=True):
        last = term + share * last
        sums.append(last)
    return sums[::-1]
