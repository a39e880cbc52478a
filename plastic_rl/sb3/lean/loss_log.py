"""The numbers that PPO logs of an update."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from stable_baselines3.common.utils import explained_variance

from plastic_rl.sb3.lean.losses import mean


class Losses(NamedTuple):
    """The means over each minibatch of an update, in order; of the divergence those of its last epoch."""

    policy: list[float]
    entropy: list[float]
    value: list[float]
    clipped: list[float]
    divergences: list[float]


def log_losses(model: Any, losses: Losses, clip_range: float, value_clip_range: float | None) -> None:
    """Logs what `PPO.train` logs, under the same names.

    Args:
        model: the PPO that has learned.
        losses: of its update.
        clip_range: ε.
        value_clip_range: that of the value; None where it is not clipped.
    """
    record, buffer = model.logger.record, model.rollout_buffer
    last = torch.tensor([losses.policy[-1], losses.entropy[-1], losses.value[-1]])
    loss = last[0] + model.ent_coef * last[1] + model.vf_coef * last[2]  # in single precision, as SB3
    record("train/entropy_loss", mean(losses.entropy))
    record("train/policy_gradient_loss", mean(losses.policy))
    record("train/value_loss", mean(losses.value))
    record("train/approx_kl", np.mean(np.array(losses.divergences, dtype=np.float32)))
    record("train/clip_fraction", mean(losses.clipped))
    record("train/loss", loss.item())
    record("train/explained_variance", explained_variance(buffer.values.flatten(), buffer.returns.flatten()))
    if hasattr(model.policy, "log_std"):
        record("train/std", torch.exp(model.policy.log_std).mean().item())
    record("train/n_updates", model._n_updates, exclude="tensorboard")
    record("train/clip_range", clip_range)
    if value_clip_range is not None:
        record("train/clip_range_vf", value_clip_range)
