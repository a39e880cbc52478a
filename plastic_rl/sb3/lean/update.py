"""PPO's update on a rollout: `PPO.train`, without distribution objects and without autograd's graph."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from stable_baselines3 import PPO
from torch import Tensor
from torch.nn import functional

from plastic_rl.optim import methods_in
from plastic_rl.sb3.lean.adam_steps import stepping
from plastic_rl.sb3.lean.clearing import Clearing
from plastic_rl.sb3.lean.flat_adam import FlatAdam
from plastic_rl.sb3.lean.fused_adam import FusedAdam
from plastic_rl.sb3.lean.gradients import Gradients
from plastic_rl.sb3.lean.loss_log import Losses, log_losses
from plastic_rl.sb3.lean.losses import Surrogate, row_means, value_gradient
from plastic_rl.sb3.lean.minibatches import Minibatch, Minibatches
from plastic_rl.sb3.lean.networks import Networks
from plastic_rl.sb3.lean.watched import watches


class Update:
    """All epochs on one rollout.

    Args:
        model: a PPO that `why_not` has found nothing against.
        is_exact: in the arithmetic of SB3's own update, bit for bit.
    """

    def __init__(self, model: PPO, *, is_exact: bool) -> None:
        model.policy.set_training_mode(True)
        model._update_learning_rate(model.policy.optimizer)
        self.model: Any = model
        self.optimizer, self.is_exact = model.policy.optimizer, is_exact
        self.grows = any(method.resized_layers for method in methods_in(self.optimizer))
        self._set_out()
        self.watch = watches.get(model)
        progress = model._current_progress_remaining
        self.clip_range = self.model.clip_range(progress)
        self.value_clip_range = None if model.clip_range_vf is None else self.model.clip_range_vf(progress)
        self.value_coefficient = torch.tensor(float(model.vf_coef))
        self.surrogates: list[Surrogate] = []
        self.value_errors: list[Tensor] = []
        self.entropies: list[Tensor] = []
        self.divergences: list[float] = []

    def _set_out(self) -> None:
        """Puts up what is of the shapes of the policy's parameters."""
        model, is_exact = self.model, self.is_exact
        self.networks = Networks(model.policy, model.batch_size, is_exact=is_exact)
        self.gradients = Gradients(model.policy.parameters())
        for network in (self.networks.actor, self.networks.critic):
            network.write_into(self.gradients)
        self.clearing = Clearing(self.optimizer, self.gradients)
        model.policy.zero_grad()
        self.steps = stepping(self.optimizer, partial(FlatAdam, gradients=self.gradients) if is_exact else FusedAdam)

    def run(self) -> None:
        """Takes all steps, or as many as the target of the KL divergence allows, and logs what SB3 logs."""
        model = self.model
        batches = Minibatches(model.rollout_buffer, model.batch_size, is_discrete=not hasattr(model.policy, "log_std"))
        with torch.no_grad(), ExitStack() as self.stepping:
            self.stepping.enter_context(self.steps)
            for epoch in range(model.n_epochs):
                goes_on = self._epoch(batches, epoch)
                model._n_updates += 1
                if not goes_on:
                    break
        self._log()

    def _epoch(self, batches: Minibatches, epoch: int) -> bool:
        self.divergences = []
        target, is_last = self.model.target_kl, epoch == self.model.n_epochs - 1
        for batch in batches.epoch():
            of_log_probs, of_values = self._look(batch)
            if target is not None or is_last:  # else nobody ever asks
                self.divergences.append(self.surrogates[-1].divergence.item())
            if target is not None and self.divergences[-1] > 1.5 * target:
                if self.model.verbose >= 1:
                    print(f"Early stopping at step {epoch} due to reaching max kl: {self.divergences[-1]:.2f}")
                return False
            self._step(of_log_probs, of_values, batch.returns.shape[0])
        return True

    def _look(self, batch: Minibatch) -> tuple[Tensor, Tensor]:
        """The gradients of the loss by log-probabilities and by values."""
        networks, model = self.networks, self.model
        networks.enter(batch.observations)
        outputs = networks.actor.learning_outputs(batch.observations)
        log_probs, entropies = networks.head.evaluate(outputs, batch.actions)
        networks.check(outputs, log_probs)
        surrogate = Surrogate(batch, log_probs, self.clip_range, normalizes=model.normalize_advantage)
        self.surrogates.append(surrogate)
        self.entropies.append(entropies)
        return surrogate.gradient(), self._value_gradient(batch)

    def _value_gradient(self, batch: Minibatch) -> Tensor:
        values = self.networks.critic.learning_outputs(batch.observations)[:, 0]
        if self.value_clip_range is None:
            predicted, is_clipped = values, None
        else:
            change = values - batch.old_values
            predicted = batch.old_values + change.clamp(-self.value_clip_range, self.value_clip_range)
            is_clipped = change.abs() > self.value_clip_range
        self.value_errors.append(functional.mse_loss(batch.returns, predicted, reduction="none"))
        gradient = value_gradient(predicted, batch.returns, self.value_coefficient)
        return gradient if is_clipped is None else gradient.masked_fill_(is_clipped, 0)

    def _step(self, of_log_probs: Tensor, of_values: Tensor, count: int) -> None:
        networks = self.networks
        self.clearing.clear()
        of_entropy = -(torch.tensor(float(self.model.ent_coef)) / count).item()
        networks.actor.send_back(networks.head.send_back(of_log_probs, of_entropy, self.gradients.of))
        networks.critic.send_back(of_values[:, None])
        self.gradients.hand_over()
        if self.watch is not None:
            self.watch.before_clipping()
        self.gradients.clip(self.model.max_grad_norm)
        if self.watch is not None:
            self.watch.after_clipping()
        with torch.enable_grad():
            self.optimizer.step()
        if self.grows and self.gradients.are_outgrown():
            self.stepping.close()
            self._set_out()
            self.stepping.enter_context(self.steps)

    def _log(self) -> None:
        surrogates = self.surrogates
        losses = Losses(
            [-each for each in row_means([surrogate.terms() for surrogate in surrogates])],
            [-each for each in row_means(self.entropies)],
            row_means(self.value_errors),
            row_means([(torch.abs(each.ratio - 1) > self.clip_range).float() for each in surrogates]),
            self.divergences,
        )
        log_losses(self.model, losses, self.clip_range, self.value_clip_range)
