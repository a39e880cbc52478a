"""PPO's updates on the rollouts of several seeds, with one gradient for all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from plastic_rl.sb3.lean.loss_log import Losses, log_losses
from plastic_rl.sb3.lean.losses import Surrogate
from plastic_rl.sb3.lean.minibatches import Minibatch
from plastic_rl.sb3.seeds.member import Member
from plastic_rl.sb3.seeds.minibatches import StackedMinibatches, of_seeds
from plastic_rl.sb3.seeds.networks import NetworksOfSeeds
from plastic_rl.sb3.seeds.stacked_policies import StackedPolicies
from plastic_rl.sb3.seeds.steps import Steps


class Updates:
    """All epochs on one rollout of each seed.

    Args:
        members: with models in the lean loop, alike in all but their weights, and full rollouts.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        for member in members:
            member.model.policy.set_training_mode(True)
            member.model._update_learning_rate(member.model.policy.optimizer)
        self.model: Any = members[0].model
        self.members, self.losses = list(members), {member: Losses([], [], [], [], []) for member in members}
        progress = self.model._current_progress_remaining
        self.clip_range = self.model.clip_range(progress)
        self.value_clip_range = None if self.model.clip_range_vf is None else self.model.clip_range_vf(progress)
        self.value_coefficient = torch.tensor(float(self.model.vf_coef))
        self.noted: list[tuple[list[Member], Tensor]] = []

    @torch.no_grad()
    def run(self) -> None:
        """Takes all steps, each seed as many as its target of the KL divergence allows, and logs what SB3 logs."""
        batches = StackedMinibatches(self.members)
        self._stack()
        for epoch in range(self.model.n_epochs):
            for member in self.members:
                member.model._n_updates += 1
                self.losses[member].divergences.clear()
            self._epoch(batches.epoch(self.members), is_last=epoch == self.model.n_epochs - 1)
            if not self.members:
                break
        self._let_go(self.members)
        self._log()

    def _stack(self) -> None:
        for member in self.members:
            member.model.policy.zero_grad()  # what is left of older steps is no part of the next
        self.stack = StackedPolicies([member.model.policy for member in self.members])
        self.networks = NetworksOfSeeds(self.stack, [each.generators for each in self.members], self.model.batch_size)
        self.steps = Steps(self.members, self.stack)
        for network in (self.networks.actor, self.networks.critic):
            network.write_into(self.steps.gradients)

    def _epoch(self, batches: list[Minibatch], *, is_last: bool) -> None:
        target = self.model.target_kl
        while batches and self.members:
            batch = batches.pop(0)
            surrogate, of_values = self._look(batch)
            if target is not None or is_last:  # else nobody ever asks
                for member, divergence in zip(self.members, surrogate.divergence.tolist(), strict=True):
                    self.losses[member].divergences.append(divergence)
            leaving = [member for member in self.members if member.error or self._has_gone_far(member, target)]
            self._let_go(leaving)
            if len(leaving) < len(self.members):
                self._step(surrogate.gradient(), of_values, batch.returns.shape[1])
            leaving += [member for member in self.members if member.error and member not in leaving]  # by its methods
            if leaving:
                batches = self._without(leaving, batches)

    def _has_gone_far(self, member: Member, target: float | None) -> bool:
        if target is None or self.losses[member].divergences[-1] <= 1.5 * target:
            return False
        if member.model.verbose >= 1:
            print(f"Early stopping due to reaching max kl: {self.losses[member].divergences[-1]:.2f}")
        return True

    def _let_go(self, members: Sequence[Member]) -> None:
        """Gives some seeds their weights, moments and gradients back."""
        for seed, member in enumerate(self.members):
            if member in members:
                self.steps.let_go(seed)
                self.stack.let_go(seed)

    def _without(self, leaving: Sequence[Member], batches: Sequence[Minibatch]) -> list[Minibatch]:
        """Goes on without some seeds; returns what the others have still to learn from."""
        staying = [seed for seed, member in enumerate(self.members) if member not in leaving]
        self._let_go(self.members)
        self.members = [self.members[seed] for seed in staying]
        if self.members:
            self._stack()
        return [of_seeds(batch, staying) for batch in batches] if staying else []

    def _look(self, batch: Minibatch) -> tuple[Surrogate, Tensor]:
        """The surrogate objectives, and the gradients of the loss by values."""
        networks = self.networks
        for seed, of_seed in enumerate(networks.each):
            of_seed.enter(batch.observations[seed])
        outputs = networks.actor.learning_outputs(batch.observations)
        log_probs, entropies = networks.head.evaluate(outputs.flatten(0, 1), batch.actions.flatten(0, 1))
        log_probs = log_probs.view(outputs.shape[:2])
        for seed, error in networks.refused(outputs, log_probs).items():
            self.members[seed].error = error
        surrogate = Surrogate(batch, log_probs, self.clip_range, normalizes=self.model.normalize_advantage)
        errors, of_values = self._value_errors(batch)
        clipped = (torch.abs(surrogate.ratio - 1) > self.clip_range).float()
        means = [each.mean(1) for each in (surrogate.terms(), entropies.view_as(errors), errors, clipped)]
        self.noted.append((self.members, torch.stack(means)))
        return surrogate, of_values

    def _value_errors(self, batch: Minibatch) -> tuple[Tensor, Tensor]:
        """The squared errors of the values, and the gradients of the loss by them."""
        values = self.networks.critic.learning_outputs(batch.observations)[..., 0]
        predicted = values
        if self.value_clip_range is not None:
            change = values - batch.old_values
            predicted = batch.old_values + change.clamp(-self.value_clip_range, self.value_clip_range)
        gaps = predicted - batch.returns
        gradient = (gaps * (2 / gaps.shape[1])).mul_(self.value_coefficient)  # in the order in which torch multiplies
        if self.value_clip_range is not None:
            gradient.masked_fill_((values - batch.old_values).abs() > self.value_clip_range, 0)
        return gaps * gaps, gradient

    def _step(self, of_log_probs: Tensor, of_values: Tensor, count: int) -> None:
        networks = self.networks
        self.steps.clear()
        of_entropy = -(torch.tensor(float(self.model.ent_coef)) / count).item()
        of_outputs = networks.head.send_back(of_log_probs.flatten(), of_entropy, self.steps.gradients.of)
        networks.actor.send_back(of_outputs.view(*of_log_probs.shape, -1))
        networks.critic.send_back(of_values[..., None])
        self.steps.take()

    def _log(self) -> None:
        for members, means in self.noted:
            for member, values in zip(members, means.T.tolist(), strict=True):
                for name, value in zip(("policy", "entropy", "value", "clipped"), values, strict=True):
                    getattr(self.losses[member], name).append(-value if name in ("policy", "entropy") else value)
        for member, losses in self.losses.items():
            if member.error is None:
                log = partial(log_losses, member.model, losses, self.clip_range, self.value_clip_range)
                member.attempt_as_it_is(log)
