"""The optimiser steps of several seeds: methods seed by seed, Adam for all at once where it can be."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch

from plastic_rl.optim import PlasticOptimizer, innermost, methods_in
from plastic_rl.sb3.lean.clearing import Clearing
from plastic_rl.sb3.lean.gradients import Gradients
from plastic_rl.sb3.lean.watched import watches
from plastic_rl.sb3.seeds.adam import StackedAdam
from plastic_rl.sb3.seeds.member import Member
from plastic_rl.sb3.seeds.stacked_policies import StackedPolicies


class SeedGradients(Gradients):
    """The gradients of one seed, parts of those of all.

    Args:
        stack: the policies.
        gradients: of the stacked weights.
        seed: the place of the seed.
    """

    def __init__(self, stack: StackedPolicies, gradients: Gradients, seed: int) -> None:
        self.parameters = stack.parameters[seed]
        parts = stack.parts([gradients.of[whole] for whole in stack.weights], seed)
        self.of = dict(zip(self.parameters, parts, strict=True))

    def are_shorter(self, longest: float) -> bool:
        return False  # the seeds' together have been looked at


class Steps:
    """The steps of policies that learn together.

    Args:
        members: of each seed.
        stack: their policies.
    """

    def __init__(self, members: Sequence[Member], stack: StackedPolicies) -> None:
        self.members, self.stack = list(members), stack
        self.gradients = Gradients(stack.weights)
        self.of_seeds = [SeedGradients(stack, self.gradients, seed) for seed in range(len(members))]
        self.optimizers = [member.model.policy.optimizer for member in members]
        self.clearings = [
            Clearing(optimizer, of_seed) for optimizer, of_seed in zip(self.optimizers, self.of_seeds, strict=True)
        ]
        self.methods = [list(methods_in(optimizer)) for optimizer in self.optimizers]
        self.adams: list[Any] = [innermost(optimizer) for optimizer in self.optimizers]
        self.adam = StackedAdam(self.adams, stack.parameters, self.gradients)
        self.adam.is_possible &= all(is_driven_by_moments(each) for methods in self.methods for each in methods)
        self.adam.is_left_alone = not any(self.methods)
        self.longest = members[0].model.max_grad_norm
        self.watches = [watches.get(member.model) for member in members]
        self.staying = set(range(len(members)))

    def clear(self) -> None:
        """Has methods add what depends on weights alone to no gradient at all."""
        for seed in self.staying:
            self.clearings[seed].clear()

    def take(self) -> None:
        """Takes a step with each, the gradients being written."""
        for seed in self.staying:
            self.of_seeds[seed].hand_over()
        watching = [watch for seed in self.staying if (watch := self.watches[seed]) is not None]
        for watch in watching:
            watch.before_clipping()
        if not self.gradients.are_shorter(self.longest):
            for seed in self.staying:
                self.of_seeds[seed].clip(self.longest)
        for watch in watching:
            watch.after_clipping()
        if self.adam.is_possible:
            self._step_by_moments()
        else:
            for seed in self.staying:
                with self.members[seed].generators.of_torch_in_force(), torch.enable_grad():
                    self.optimizers[seed].step()

    def _step_by_moments(self) -> None:
        for seed in self.staying:
            self._drive(seed, "before_step")
        if self.adam.is_ready():  # now, as methods may have made their Adam forget
            self.adam.step_all()
            self._run_hooks()
        else:
            self.adam.end()
            for seed in self.staying:
                self.adams[seed].step()
        for seed in self.staying:
            self._drive(seed, "after_step")

    def _drive(self, seed: int, moment: str) -> None:
        """Has the methods of a seed do what they do before the step, or after it."""
        outermost_first = self.methods[seed]
        if outermost_first:
            with self.members[seed].generators.of_torch_in_force():
                for method in outermost_first if moment == "before_step" else outermost_first[::-1]:
                    self.members[seed].attempt_as_it_is(getattr(method, moment))

    def _run_hooks(self) -> None:
        for adam in [self.adams[seed] for seed in self.staying]:
            for hook in list(adam._optimizer_step_post_hooks.values()):
                hook(adam, (), {})

    def let_go(self, seed: int) -> None:
        """Leaves a seed's optimiser and gradients as they would be had it learned alone."""
        if seed in self.staying:
            self.staying.remove(seed)
            self.adam.let_go(seed)
            self.of_seeds[seed].let_go()


def is_driven_by_moments(method: PlasticOptimizer) -> bool:
    """True if a method's step is nothing but what it does before and after the step that it wraps."""
    is_usual = inspect.unwrap(type(method).step) is inspect.unwrap(PlasticOptimizer.step)
    hooks = (method._optimizer_step_pre_hooks, method._optimizer_step_post_hooks)
    return is_usual and "step" not in vars(method) and not any(hooks)
