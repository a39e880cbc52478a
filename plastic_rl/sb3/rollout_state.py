"""The state that SB3 draws or begins anew on its way into its loop: put back when a resumed run's rollouts begin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.noise import ActionNoise, VectorizedActionNoise

from plastic_rl.runs import random_state, restore_random_state
from plastic_rl.runs.attributes import plain_attributes, restore_attributes
from plastic_rl.runs.encoding import LEAVES, decode, encode

EXPLORATION = ("exploration_mat", "exploration_matrices")
RECORDED = ("name_to_value", "name_to_count", "name_to_excluded")


def rollout_state(model: Any) -> dict[str, Any]:
    """Random generators, action noise, gSDE's exploration, and what was recorded and not yet logged.

    Raises:
        UserError: the action noise keeps what is no plain data.
    """
    return {
        "random": random_state(),
        "noise": [plain_attributes(noise, of="the action noise") for noise in _noises(model)],
        "exploration": [_exploration(distribution) for distribution in _distributions(model)],
        "recorded": _recorded(model),
    }


def restore_rollout_state(model: Any, state: dict[str, Any], *, has_begun: bool) -> None:
    """Puts back what :func:`rollout_state` found, in the objects that the loop already holds.

    Args:
        model: in its first rollout.
        state: of older checkpoints, generators alone.
        has_begun: the rollout had begun where the state was found, its exploration drawn; else it was still to begin.
    """
    if has_begun:
        restore_random_state(state["random"])
        _restore_exploration(model, state.get("exploration", []))
    for noise, codes in zip(_noises(model) if "noise" in state else [], state.get("noise", []), strict=True):
        restore_attributes(noise, codes)
    for name, code in state.get("recorded", {}).items():
        vars(model.logger)[name].update(decode(code))


def _noises(model: Any) -> list[ActionNoise]:
    noise = getattr(model, "action_noise", None)
    if isinstance(noise, VectorizedActionNoise):
        return noise.noises
    return [] if noise is None else [noise]


def _distributions(model: Any) -> Iterator[StateDependentNoiseDistribution]:
    for module in model.policy.modules():
        distribution = vars(module).get("action_dist")
        if isinstance(distribution, StateDependentNoiseDistribution):
            yield distribution


def _exploration(distribution: StateDependentNoiseDistribution) -> dict[str, torch.Tensor]:
    matrices = {name: getattr(distribution, name, None) for name in EXPLORATION}
    return {name: matrix.detach().clone() for name, matrix in matrices.items() if matrix is not None}


def _restore_exploration(model: Any, saved: list[dict[str, torch.Tensor]]) -> None:
    for distribution, matrices in zip(_distributions(model), saved, strict=False):  # older checkpoints have none
        for name, matrix in matrices.items():
            setattr(distribution, name, matrix.to(model.device))


def _recorded(model: Any) -> dict[str, Any]:
    """The numbers and words that SB3's logger is to write next, with their counts; what else there is cannot be."""
    parts = {name: vars(model.logger)[name] for name in RECORDED}
    plain = {key for key, value in parts["name_to_value"].items() if isinstance(value, (*LEAVES, np.number))}
    return {name: encode({key: value for key, value in part.items() if key in plain}) for name, part in parts.items()}
