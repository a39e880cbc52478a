"""A layer that learns as the released code of APD does, for comparison: every factor of every task, by Adam.

The released code (github.com/jaehong31/APD at 6b6b67d) has no licence; this follows its description, step by step:
σ, all τ and all v are trained together, L1 by its subgradient, gradients ten times too large (which only Adam's ε
notices), and |τ| ≤ λ1 counts as zero when a task is tested or counted, never while it learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from plastic_rl.nn.additive.algebra import compose, route
from plastic_rl.nn.additive.clusters import agreement, group
from plastic_rl.nn.additive.layer import DecomposedLayer
from plastic_rl.nn.additive.settings import DecompositionSettings
from plastic_rl.nn.additive.task_names import TaskName

Weight = Float[Tensor, "rows *columns"]
GRADIENT_SCALE = 10.0


@dataclass
class Factors:
    """The factors of one task in one layer.

    Args:
        logit: v, one number per row.
        tau: τ.
        group: whose σ̃ it reads, None for nobody's.
        target: θ*, what the task's weights were when the task that learns now began.
    """

    logit: Float[Tensor, " rows"]
    tau: Weight
    group: int | None = None
    target: Weight | None = None


class ReferenceLayer(DecomposedLayer):
    """A decomposed layer after the released code; old tasks are recalled approximately."""

    def __init__(self, name: str, weight: nn.Parameter, settings: DecompositionSettings) -> None:
        super().__init__(name, weight, settings)
        self.shared: Weight = weight.detach().clone()
        self.factors: dict[TaskName, Factors] = {}
        self.groups: dict[int, Weight] = {}
        self.learner: TaskName | None = None
        self.adam: torch.optim.Adam | None = None

    # Tasks come, learn and go.

    @property
    def tasks(self) -> list[TaskName]:
        return list(self.factors)

    def add(self, task: TaskName, like: TaskName | None) -> None:
        if like is None:
            self.factors[task] = Factors(self._drawn_logit(), self.shared.clone())
        else:
            source = self.factors[like]
            self.factors[task] = Factors(source.logit.clone(), source.tau.clone(), source.group)
        self.open(task)

    def _drawn_logit(self) -> Float[Tensor, " rows"]:
        """A truncated normal of variance 1 / rows, so that masks start around one half."""
        rows = len(self.shared)
        source = torch.Generator().manual_seed(self.settings.seed + len(self.factors))
        drawn = nn.init.trunc_normal_(torch.empty(rows), std=rows**-0.5 / 0.87962566, a=-2, b=2, generator=source)
        return drawn.to(self.shared)

    def open(self, task: TaskName) -> None:
        for factors in self.factors.values():
            factors.target = self._theta(factors)
        self.learner, self.adam = task, None

    def close(self, live: Tensor) -> None:
        self.learner, self.adam = None, None

    def adopt(self, where: Bool[Tensor, "rows *columns"]) -> None:
        raise ValueError("with reference=True shared units cannot be replaced: use reference=False")

    def drop(self, task: TaskName) -> None:
        left = self.factors.pop(task).group
        if left is not None and all(factors.group != left for factors in self.factors.values()):
            del self.groups[left]
        if self.learner == task:
            self.learner = None
        self.adam = None

    # One step.

    def before_step(self) -> None:
        """Does nothing: the wrapped optimiser never sees these weights."""

    @torch.no_grad()
    def after_step(self, rate: float) -> None:
        assert self.learner is not None
        parameters = [self.shared, *(part for one in self.factors.values() for part in (one.tau, one.logit))]
        if self.adam is None:
            self.adam = torch.optim.Adam(parameters, lr=rate)
        self.adam.param_groups[0]["lr"] = rate
        for parameter, gradient in zip(parameters, self.gradients(), strict=True):
            parameter.grad = gradient.mul_(GRADIENT_SCALE)
        self.adam.step()
        for parameter in parameters:
            parameter.grad = None
        self.weight.copy_(self._theta(self.factors[self.learner]))

    def gradients(self) -> list[Tensor]:
        """The gradients of the whole loss with respect to σ, then τ and v of each task, from that of θ."""
        assert self.weight.grad is not None
        of_shared, parts = torch.zeros_like(self.shared), []
        for task, factors in self.factors.items():
            pull = self._pull(task, factors)
            of_theta = self.weight.grad if task == self.learner else pull
            shared, tau, logit = route(of_theta, self.shared, factors.logit.sigmoid())
            of_shared += shared
            decay = self.settings.weight_decay if task == self.learner else 0.0
            parts += [tau + self.settings.sparsity * factors.tau.sign() + decay * factors.tau]
            parts += [logit + decay * factors.logit]
        if len(self.factors) == 1:
            of_shared += self.settings.weight_decay * self.shared
        return [of_shared, *parts]

    def _pull(self, task: TaskName, factors: Factors) -> Weight:
        """The gradient of λ2 · ½ ‖θ* - θ‖² for an old task; in the fixed form nothing is held but σ."""
        if task == self.learner or factors.target is None:
            return torch.zeros_like(self.shared)
        return self.settings.drift * (self._theta(factors) - factors.target)

    # Weights.

    def _theta(self, factors: Factors, threshold: float = 0.0) -> Weight:
        parts = [factors.tau] if factors.group is None else [factors.tau, self.groups[factors.group]]
        theta = compose(self.shared, factors.logit.sigmoid())
        for part in parts:
            theta += torch.where(part.abs() > threshold, part, 0.0)
        return theta

    def theta(self, task: TaskName) -> Tensor:
        return self._theta(self.factors[task], self.settings.sparsity)

    def starting_theta(self, task: TaskName) -> Tensor:
        return self._theta(self.factors[task])

    # Groups of tasks.

    def consolidate(self, count: int) -> None:
        factors = list(self.factors.values())
        whole = [one.tau if one.group is None else one.tau + self.groups[one.group] for one in factors]
        points = torch.stack(whole).flatten(1)
        labels = group(points, [one.group for one in factors], count)
        self.groups = {}
        for label in labels.unique().tolist():
            members = (labels == label).nonzero().flatten().tolist()
            if len(members) == 1:
                factors[members[0]].tau, factors[members[0]].group = whole[members[0]], None
                continue
            centre, agrees = agreement(points[members], self.settings.spread, self.settings.centre)
            agrees = agrees.view_as(self.shared)
            self.groups[label] = torch.where(agrees, centre.view_as(self.shared), 0.0)
            for place in members:
                factors[place].tau, factors[place].group = torch.where(agrees, 0.0, whole[place]), label

    # Size and state.

    def counts(self, live: Tensor | None) -> dict[str, int]:
        def kept(part: Tensor) -> int:
            return int((part.abs() > self.settings.sparsity).sum())

        return {
            "shared": self.shared.numel(),
            "masks": sum(one.logit.numel() for one in self.factors.values()),
            "own": sum(kept(one.tau) for one in self.factors.values()),
            "groups": sum(kept(part) for part in self.groups.values()),
        }

    def nbytes(self, task: TaskName) -> int:
        return self.factors[task].tau.nbytes + self.factors[task].logit.nbytes

    def shared_nbytes(self) -> int:
        return self.shared.nbytes + sum(part.nbytes for part in self.groups.values())

    def state_dict(self) -> dict[str, Any]:
        tasks = [
            {"logit": one.logit, "own": one.tau, "group": one.group, "target": one.target}
            for one in self.factors.values()
        ]
        return {
            "shared": self.shared,
            "names": list(self.factors),
            "tasks": tasks,
            "groups": [[label, part] for label, part in self.groups.items()],
            "learner": self.learner,
            "adam": None if self.adam is None else self.adam.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.shared = self._copy(state["shared"])
        self.factors = {
            name: Factors(
                self._copy(saved["logit"]),
                self._copy(saved["own"]),
                saved["group"],
                None if saved["target"] is None else self._copy(saved["target"]),
            )
            for name, saved in zip(state["names"], state["tasks"], strict=True)
        }
        self.groups = {label: self._copy(part) for label, part in state["groups"]}
        self.learner, self.adam = state["learner"], None
        if state["adam"] is not None:
            parameters = [self.shared, *(part for one in self.factors.values() for part in (one.tau, one.logit))]
            self.adam = torch.optim.Adam(parameters)
            self.adam.load_state_dict(state["adam"])

    def _copy(self, saved: Tensor) -> Tensor:
        """A copy where the weight is: checkpoints are read on the CPU, and Adam writes into what it is given."""
        return saved.to(self.weight, copy=True)
