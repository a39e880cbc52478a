"""All that an SB3 algorithm needs to go on, between two rollouts, as if it had never stopped."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.runs import random_state, restore_random_state
from plastic_rl.runs.encoding import decode, encode
from plastic_rl.sb3.grown import fit_model
from plastic_rl.sb3.vec_env_state import restore_vec_env_state, vec_env_state

# What a rollout or an update reads and the constructor does not determine.
ATTRIBUTES = (
    "num_timesteps",
    "_n_updates",
    "_current_progress_remaining",
    "_last_obs",
    "_last_episode_starts",
    "ep_info_buffer",
    "ep_success_buffer",
)


def algorithm_state(model: BaseAlgorithm) -> dict[str, Any]:
    """Parameters, optimiser and method state, counters, environments and random generators.

    Valid between two rollouts only: the rollout buffer, which the next rollout empties, is not in it; nor is what
    :func:`plastic_rl.sb3.exactness.not_saved` names.

    Raises:
        UserError: the environments cannot be saved; the message names the one that cannot.
    """
    assert model.env is not None
    return {
        "parameters": model.get_parameters(),
        "attributes": {name: encode(getattr(model, name)) for name in ATTRIBUTES},
        "environment": vec_env_state(model.env),
        "random": random_state(),
    }


def restore_algorithm_state(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Puts a model, built with the same settings, exactly where the saved one was; layers that have grown grow here."""
    assert model.env is not None
    fit_model(model, state["parameters"])
    model.set_parameters(state["parameters"], exact_match=True, device=model.device)
    for name, code in state["attributes"].items():
        setattr(model, name, decode(code))
    restore_vec_env_state(model.env, state["environment"])
    restore_random_state(state["random"])
