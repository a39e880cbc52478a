"""All but a replay buffer that an SB3 algorithm needs to go on, between two rollouts, as if it had never stopped."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.runs import restore_random_state
from plastic_rl.runs.attributes import restore_space_generators, space_generators
from plastic_rl.runs.encoding import decode, encode
from plastic_rl.sb3.grown import fit_model
from plastic_rl.sb3.rollout_state import rollout_state
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
    "_episode_num",
    "_last_original_obs",
    "_n_calls",  # of DQN and its kin, as is the next
    "exploration_rate",
    "_last_reset",  # of plastic_rl.sb3.resets
)


def algorithm_state(model: BaseAlgorithm) -> dict[str, Any]:
    """Parameters, optimiser and method state, counters, memory, environments and random generators.

    Valid between two rollouts only: the rollout buffer, which the next rollout empties, is not in it; nor is a replay
    buffer, which :class:`plastic_rl.sb3.replay.ReplayLog` keeps.

    Raises:
        UserError: the environments, or the action noise, cannot be saved; the message names what cannot.
    """
    assert model.env is not None
    return {
        "parameters": model.get_parameters(),
        "variables": {name: tensor.detach() for name, tensor in _variables(model).items()},
        "attributes": {name: encode(getattr(model, name)) for name in ATTRIBUTES if hasattr(model, name)},
        "memory": _memory(model),
        "spaces": space_generators(model),
        "environment": vec_env_state(model.env),
        **rollout_state(model),
    }


def restore_algorithm_state(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Puts a model, built with the same settings, exactly where the saved one was; layers that have grown grow here.

    What SB3 does on its way into the loop undoes a part of it, for which
    :func:`plastic_rl.sb3.rollout_state.restore_rollout_state` is called again there. Checkpoints from before lack what
    only other algorithms than theirs have.
    """
    assert model.env is not None
    fit_model(model, state["parameters"])
    model.set_parameters(state["parameters"], exact_match=True, device=model.device)
    _restore_variables(model, state.get("variables", {}))
    for name, code in state["attributes"].items():
        setattr(model, name, decode(code))
    _restore_memory(model, state.get("memory"))
    restore_vec_env_state(model.env, state["environment"])
    restore_space_generators(model, state.get("spaces", {}))
    restore_random_state(state["random"])


def _variables(model: Any) -> dict[str, torch.Tensor]:
    """The tensors that an algorithm learns outside of its policy: SAC's entropy coefficient."""
    return {name: getattr(model, name) for name in model._get_torch_save_params()[1]}


@torch.no_grad()
def _restore_variables(model: Any, saved: dict[str, torch.Tensor]) -> None:
    for name, tensor in _variables(model).items():
        if name in saved:
            tensor.copy_(saved[name])  # in place: an optimiser has it


def _memory(model: Any) -> Any:
    """The states of a recurrent policy's LSTMs; None for other policies."""
    states = getattr(model, "_last_lstm_states", None)
    return None if states is None else [list(state) for state in states]


def _restore_memory(model: Any, saved: Any) -> None:
    if saved is not None:
        states = [tuple(tensor.to(model.device) for tensor in state) for state in saved]
        model._last_lstm_states = type(model._last_lstm_states)(*states)
