"""The probe of a policy: what its networks say of observations, apart for each, and fresh ones of the same make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor, nn

from plastic_rl.diagnostics.probing import Answer, ProbeResult, ProbeSettings, probe
from plastic_rl.sb3.example import inputs_of
from plastic_rl.sb3.policy_networks import joined, trained_networks
from plastic_rl.sb3.redrawing import redrawn
from plastic_rl.sb3.saved_model import expect_injection
from plastic_rl.seeding import seed_for_now


def probe_policy(
    aged: nn.Module, fresh: list[nn.Module], observations: Any, settings: ProbeSettings
) -> dict[str, ProbeResult]:
    """Probes each network that a policy trains: "actor" and "critic", "q_net".

    Args:
        aged: a copy of the policy, which is spoilt.
        fresh: fresh ones, as many as repeats; spoilt too.
        observations: a row for each sample, as the policy sees them.
        settings: of the probe.

    Raises:
        ValueError: a network's forward pass needs something that no network of SB3 and sb3-contrib does.
    """
    start = [_state(policy) for policy in (aged, *fresh)]
    found: dict[str, ProbeResult] = {}
    for name, network in list(trained_networks(aged)):
        others = [dict(trained_networks(policy))[name] for policy in fresh]
        for part, answer in answers(network, observations):
            for policy, state in zip((aged, *fresh), start, strict=True):
                policy.load_state_dict(state)
            found[joined(name, part)] = probe(network, others, answer, _count(observations), settings)
    return found


def answers(network: Any, observations: Any) -> Iterator[tuple[str, Answer]]:
    """The outputs of a network for observations, differentiable and before any distribution is made of it, by part."""
    if hasattr(network, "action_net") and hasattr(network, "value_net"):
        seen, _ = network.obs_to_tensor(observations)
        yield "actor", lambda net, rows: net.action_net(_latent(net, _at(seen, rows))[0])
        yield "critic", lambda net, rows: net.value_net(_latent(net, _at(seen, rows))[1])
    elif hasattr(network, "mu") and hasattr(network, "latent_pi"):
        seen, _ = network.obs_to_tensor(observations)
        yield "", lambda net, rows: net.mu(net.latent_pi(net.extract_features(_at(seen, rows), net.features_extractor)))
    else:
        with torch.random.fork_rng(devices=[]):
            seed_for_now(0)  # a critic's actions are drawn
            inputs = inputs_of(network, observations)
        yield "", lambda net, rows: _columns(net(*(_at(each, rows) for each in inputs)))


def twins(model: BaseAlgorithm, count: int, seed: int) -> list[Any]:
    """Fresh policies of the make of a model's, and drawn as it was; the global generators are not touched.

    Args:
        model: whose policy is meant.
        count: of policies.
        seed: of the first; each has another.
    """
    policy: Any = model.policy
    made: list[Any] = []
    with torch.random.fork_rng(devices=[]):
        for place in range(count):
            seed_for_now(seed + place)
            each = type(policy)(**policy._get_constructor_parameters())
            made.append(redrawn(each, getattr(model, "initialiser", None)).to(model.device))
    return made


def copy_of(model: BaseAlgorithm) -> Any:
    """A copy of a model's policy that no method watches.

    Raises:
        ValueError: a policy made by the same constructor does not take its parameters.
    """
    (twin,) = twins(model, 1, 0)
    state = model.policy.state_dict()
    try:
        expect_injection(twin, state)
        twin.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{type(model.policy).__name__} cannot be copied: {error}") from error
    return twin


def _latent(policy: Any, observations: Any) -> tuple[Tensor, Tensor]:
    features = policy.extract_features(observations)
    if policy.share_features_extractor:
        return policy.mlp_extractor(features)
    ours, theirs = features
    return policy.mlp_extractor.forward_actor(ours), policy.mlp_extractor.forward_critic(theirs)


def _columns(said: Any) -> Tensor:
    tensors = said if isinstance(said, tuple) else (said,)
    return torch.cat([each.flatten(1) for each in tensors], 1)


def _at(values: Any, rows: Tensor) -> Any:
    if isinstance(values, dict):
        return {name: _at(each, rows) for name, each in values.items()}
    return values[rows.to(values.device)] if isinstance(values, Tensor) else values


def _count(observations: Any) -> int:
    return len(next(iter(observations.values())) if isinstance(observations, dict) else observations)


def _state(policy: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in policy.state_dict().items()}
