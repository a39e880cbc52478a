"""The state of a policy, and how far an update moved it, from its distributions on the same observations."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Logits = Float[Tensor, "samples actions"]
PerSample = Float[Tensor, " samples"]
Scalar = Float[Tensor, ""]


def logit_range(logits: Logits) -> Scalar:
    """The mean over samples of the largest logit less the smallest; a shift of all of them changes nothing.

    From about 20 on the less likely action is never drawn, and hardly any gradient passes the softmax.
    """
    return (logits.amax(1) - logits.amin(1)).mean()


def categorical_entropy(logits: Logits) -> Scalar:
    """The mean over samples of -Σ p log p, in nats."""
    return torch.special.entr(torch.softmax(logits, 1)).sum(1).mean()


def categorical_kl(before: Logits, after: Logits) -> Scalar:
    """The mean over samples of KL(before ‖ after) = Σ p (log p - log q), in nats."""
    old, new = torch.log_softmax(before, 1), torch.log_softmax(after, 1)
    return (old.exp() * (old - new)).sum(1).mean()


def gaussian_kl(
    before: tuple[Logits, Logits],
    after: tuple[Logits, Logits],
) -> Scalar:
    """The mean over samples of KL(before ‖ after) of independent normal distributions, in nats.

    Args:
        before: means and standard deviations, of shape (samples, actions).
        after: the same after the update.
    """
    (mean, std), (new_mean, new_std) = before, after
    each = torch.log(new_std / std) + (std**2 + (mean - new_mean) ** 2) / (2 * new_std**2) - 0.5
    return each.sum(1).mean()


def ratios(log_probs: PerSample, old_log_probs: PerSample) -> PerSample:
    """π'(a|s) / π(a|s) of the actions that were taken."""
    return torch.exp(log_probs - old_log_probs)


def clip_share(ratio: PerSample, clip_range: float) -> Scalar:
    """The share of samples whose ratio is further than ε from 1."""
    return ((ratio - 1).abs() > clip_range).to(ratio.dtype).mean()


def probability_churn(before: Logits, after: Logits) -> Scalar:
    """The mean over samples of the total variation ½ Σ |π'(a|s) - π(a|s)|."""
    return (torch.softmax(after, 1) - torch.softmax(before, 1)).abs().sum(1).mean() / 2


def changed_share(before: Float[Tensor, "samples actions"], after: Float[Tensor, "samples actions"]) -> Scalar:
    """The share of samples whose best action is another one."""
    changed: Bool[Tensor, " samples"] = before.argmax(1) != after.argmax(1)
    return changed.float().mean()


def value_churn(before: PerSample, after: PerSample) -> Scalar:
    """The mean |V'(s) - V(s)|."""
    return (after - before).abs().mean()


def feature_change(before: Float[Tensor, "samples units"], after: Float[Tensor, "samples units"]) -> Scalar:
    """The mean over samples of 1 - cos(φ(s), φ'(s)); samples without any activation before and after count 0."""
    sizes = torch.linalg.vector_norm(before, dim=1) * torch.linalg.vector_norm(after, dim=1)
    silent = (before == 0).all(1) & (after == 0).all(1)
    cosines = (before * after).sum(1) / sizes.clamp(min=torch.finfo(before.dtype).tiny)
    return torch.where(silent, torch.zeros_like(cosines), 1 - cosines).mean()


def feature_shift(before: Float[Tensor, "samples units"], after: Float[Tensor, "samples units"]) -> Scalar:
    """‖Φ' - Φ‖² / ‖Φ‖² over the whole batch: how far the features moved beside their size."""
    tiny = torch.finfo(before.dtype).tiny
    return (after - before).square().sum() / before.square().sum().clamp(min=tiny)
