"""Advantages that are normalised over a whole rollout."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from plastic_rl.sb3 import NormalizedRolloutBuffer


def test_advantages_over_steps_and_copies_by_hand():
    """With γ = λ = 0 the advantages are reward less value: 1, 2, 3, 6, of mean 3 and deviation √(14 / 3)."""
    buffer = NormalizedRolloutBuffer(
        2, spaces.Box(-1, 1, (1,)), spaces.Discrete(2), gamma=0.0, gae_lambda=0.0, n_envs=2
    )
    for rewards in ([2.0, 3.0], [4.0, 7.0]):
        numbers = torch.ones(2)
        buffer.add(np.zeros((2, 1)), np.zeros((2, 1)), np.array(rewards), np.zeros(2), numbers, numbers)
    buffer.compute_returns_and_advantage(torch.zeros(2), np.zeros(2))
    expected = (np.array([[1.0, 2.0], [3.0, 6.0]]) - 3) / np.sqrt(14 / 3)
    assert buffer.advantages == pytest.approx(expected, abs=1e-6)
    assert buffer.returns.tolist() == [[2.0, 3.0], [4.0, 7.0]]
