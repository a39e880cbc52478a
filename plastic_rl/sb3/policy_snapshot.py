"""The answers of an actor-critic policy to some observations, and how far an update moves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from stable_baselines3.common.distributions import CategoricalDistribution, DiagGaussianDistribution
from torch import Tensor

from plastic_rl.diagnostics import (
    activations,
    categorical_kl,
    changed_share,
    clip_share,
    feature_change,
    feature_shift,
    gaussian_kl,
    logit_range,
    probability_churn,
    ratios,
    value_churn,
)
from plastic_rl.layers import HiddenLayer


@dataclass(frozen=True)
class Rows:
    """Some observations of a rollout, and the actions that were taken there, where the policy is."""

    observations: Any
    actions: Tensor


@dataclass(frozen=True)
class Snapshot:
    """The answers of a policy to some rows.

    Args:
        parameters: of its distributions: logits, or means and standard deviations; none of a kind not known here.
        log_probs: of the actions that were taken.
        entropy: the mean over rows, in nats; None where the distribution has no closed form.
        values: of the critic.
        features: the activations of each hidden layer.
    """

    parameters: tuple[Tensor, ...]
    log_probs: Tensor
    entropy: float | None
    values: Tensor
    features: dict[str, Tensor]

    def numbers(self) -> dict[str, float]:
        """The state of the policy: entropy, and the size of its logits or of its means and spreads."""
        found: dict[str, float] = {} if self.entropy is None else {"policy/entropy": self.entropy}
        if len(self.parameters) == 1:
            found["policy/logits"] = logit_range(self.parameters[0]).item()
        elif self.parameters:
            means, spreads = self.parameters
            found |= {"policy/mean_action": means.abs().mean().item(), "policy/std": spreads.mean().item()}
        return found


@torch.no_grad()
def snapshot(policy: Any, layers: Sequence[HiddenLayer], rows: Rows) -> Snapshot:
    """Asks a policy, in evaluation mode; nothing is drawn.

    Args:
        policy: an actor-critic policy of Stable-Baselines3.
        layers: its hidden layers.
        rows: the observations to ask it about.
    """
    was_training = policy.training
    policy.set_training_mode(False)
    answers: list[Any] = []
    features = activations(layers, lambda: answers.extend(_ask(policy, rows.observations)))
    policy.set_training_mode(was_training)
    distribution, values = answers
    entropy = distribution.entropy()
    return Snapshot(
        parameters=_parameters(distribution),
        log_probs=distribution.log_prob(rows.actions),
        entropy=None if entropy is None else entropy.mean().item(),
        values=values.flatten(),
        features=features,
    )


def moved(before: Snapshot, after: Snapshot, clip_range: float | None) -> dict[str, float]:
    """The way of a policy and its critic between two snapshots of the same rows.

    Args:
        before: an update.
        after: it.
        clip_range: ε of PPO's clipping; None for an algorithm that does not clip.
    """
    ratio = ratios(after.log_probs, before.log_probs)
    numbers = {
        **_of_distributions(before.parameters, after.parameters, ratio),
        "policy/ratio_max": ratio.max().item(),
        "value/churn": value_churn(before.values, after.values).item(),
    }
    if clip_range is not None:
        numbers["policy/clip_share"] = clip_share(ratio, clip_range).item()
    pairs = {layer: (seen, after.features.get(layer)) for layer, seen in before.features.items()}
    for name, of in (("features/turned", feature_change), ("features/shift", feature_shift)):
        # A layer that has grown in between has other features.
        found = {
            layer: of(old, new).item()
            for layer, (old, new) in pairs.items()
            if new is not None and new.shape == old.shape
        }
        numbers |= {f"{name}/{layer}": value for layer, value in found.items()}
        numbers |= {name: sum(found.values()) / len(found)} if found else {}
    return numbers


def _ask(policy: Any, observations: Any) -> tuple[Any, Tensor]:
    return policy.get_distribution(observations), policy.predict_values(observations)


def _parameters(distribution: Any) -> tuple[Tensor, ...]:
    if isinstance(distribution, CategoricalDistribution):
        return (distribution.distribution.logits,)
    if type(distribution) is DiagGaussianDistribution:
        return (distribution.distribution.mean, distribution.distribution.stddev)
    return ()


def _of_distributions(before: tuple[Tensor, ...], after: tuple[Tensor, ...], ratio: Tensor) -> dict[str, float]:
    """The divergence, and the churn: of a kind of distribution that is not known here an estimate, and none."""
    if len(before) == 1:
        (old,), (new,) = before, after
        return {
            "policy/kl": categorical_kl(old, new).item(),
            "policy/churn": probability_churn(old, new).item(),
            "policy/changed": changed_share(old, new).item(),
        }
    if before:
        (mean, std), (new_mean, _) = before, after
        churn = ((new_mean - mean).abs() / std).mean().item()  # in standard deviations
        return {"policy/kl": gaussian_kl((mean, std), (after[0], after[1])).item(), "policy/churn": churn}
    return {"policy/kl": ((ratio - 1) - torch.log(ratio)).mean().item()}
