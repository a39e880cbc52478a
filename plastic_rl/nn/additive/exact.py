"""A layer whose old tasks keep their weights exactly: absolute values where they differ from what they share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from plastic_rl.choices import Form
from plastic_rl.nn.additive.algebra import compose, followed, per_row
from plastic_rl.nn.additive.clusters import agreement, group
from plastic_rl.nn.additive.layer import DecomposedLayer
from plastic_rl.nn.additive.learning import Learning
from plastic_rl.nn.additive.settings import DecompositionSettings
from plastic_rl.nn.additive.sparse_values import SparseValues
from plastic_rl.nn.additive.task_names import TaskName

Weight = Float[Tensor, "rows *columns"]


@dataclass
class Entry:
    """The stored weights of one task in one layer.

    Args:
        mask: M, one number per row.
        weights: θ where it differs from σ ⊗ M (+ σ̃): values, not differences, which would miss it by a bit.
        group: whose σ̃ the task reads, None for nobody's.
        slack: by how much its weights may still move, for good.
    """

    mask: Float[Tensor, " rows"]
    weights: SparseValues
    group: int | None
    slack: float


class ExactLayer(DecomposedLayer):
    """A decomposed layer without gradients or optimiser state for old tasks.

    While a task learns, nothing here moves but its mask: σ is what the old tasks are stored against. What has been
    learnt is divided between σ and the task when it closes, and whoever read the σ that moved gets the weights it had.
    """

    def __init__(self, name: str, weight: nn.Parameter, settings: DecompositionSettings) -> None:
        super().__init__(name, weight, settings)
        self.shared: Weight = weight.detach() / settings.initial_mask
        self.entries: dict[TaskName, Entry] = {}
        self.groups: dict[int, SparseValues] = {}
        self.learner: TaskName | None = None
        # Prices go by the mask with which the learner began, so that they are the same after a restart.
        self.opening_mask: Float[Tensor, " rows"] | None = None
        self._learning: Learning | None = None

    # Tasks come, learn and go.

    @property
    def tasks(self) -> list[TaskName]:
        return list(self.entries)

    def add(self, task: TaskName, like: TaskName | None) -> None:
        if like is None:
            mask = torch.full_like(self.shared.flatten(1)[:, 0], self.settings.initial_mask)
            self.entries[task] = Entry(mask, SparseValues.none(self.shared), None, self.settings.tolerance)
        else:
            source = self.entries[like]
            self.entries[task] = replace(source, mask=source.mask.clone(), slack=self.settings.tolerance)
        self.open(task)

    def open(self, task: TaskName) -> None:
        # It leaves its group, so that σ ⊗ M alone is what it is measured against.
        self._leave_group(self.entries[task])
        self.learner, self.opening_mask, self._learning = task, self.entries[task].mask, None

    def close(self, live: Tensor) -> None:
        assert self.learner is not None
        entry, base = self.entries[self.learner], self._base(self.entries[self.learner])
        entry.slack = self.settings.tolerance
        if self.settings.form is Form.fixed and not self._learner_state().is_alone:
            step, is_kept = followed(live, base, entry.mask, self.settings.sparsity, self.settings.drift)
            self._move_shared(self.shared + step, but=self.learner)
            entry.weights = SparseValues.of(live, is_kept)
        else:
            wanted = live / per_row(entry.mask, live)
            moves = self._learner_state().is_free & (live != base)
            self._move_shared(torch.where(moves, wanted, self.shared), but=self.learner)
            entry.weights = self._differing(live, self._base(entry), entry)
        self.learner, self.opening_mask, self._learning = None, None, None

    def adopt(self, where: Bool[Tensor, "rows *columns"]) -> None:
        assert self.learner is not None
        entry, before = self.entries[self.learner], self._learner_state().before
        wanted = self.weight / per_row(entry.mask, self.weight)
        self._move_shared(torch.where(where, wanted, self.shared), but=self.learner)
        # σ ⊗ M may miss a weight by a bit, and what it missed would count as the task's own.
        self.weight.copy_(torch.where(where, self._base(entry), self.weight))
        self._learning = None
        renewed = self._learner_state().before
        if renewed is not None:  # the mask follows what the optimiser moved, not what was rewritten
            renewed.copy_(self.weight if before is None else torch.where(where, self.weight, before))

    def drop(self, task: TaskName) -> None:
        entry = self.entries.pop(task)
        self._disband(entry.group)
        if self.learner == task:
            self.learner, self.opening_mask = None, None
        self._learning = None

    # What the tasks are stored against.

    def _base(self, entry: Entry) -> Tensor:
        base = compose(self.shared, entry.mask)
        if entry.group is not None:
            part = self.groups[entry.group]
            base.put_(part.places(), part.values, accumulate=True)
        return base

    def theta(self, task: TaskName) -> Tensor:
        entry = self.entries[task]
        return entry.weights.write_to(self._base(entry))

    def starting_theta(self, task: TaskName) -> Tensor:
        return self.theta(task)

    def _differing(self, theta: Tensor, base: Tensor, entry: Entry) -> SparseValues:
        """The values that a task must keep to have the weights ``theta``; half of its slack may be spent on it."""
        is_kept = theta != base
        if entry.slack:
            distance = (theta - base).abs()
            is_given_up = is_kept & (distance <= entry.slack / 2)
            is_kept &= ~is_given_up
            entry.slack -= float(distance[is_given_up].amax()) if is_given_up.any() else 0.0
        return SparseValues.of(theta, is_kept)

    def _move_shared(self, shared: Tensor, but: TaskName) -> None:
        """Moves σ; the others keep their weights, or in the fixed form what they have beside σ."""
        others = [entry for task, entry in self.entries.items() if task != but]
        if self.settings.form is Form.fixed:
            for entry in others:
                step = compose(shared - self.shared, entry.mask).flatten()[entry.weights.places()]
                entry.weights = SparseValues(entry.weights.gaps, entry.weights.values + step)
            self.shared = shared
            return
        thetas = [entry.weights.write_to(self._base(entry)) for entry in others]
        self.shared = shared
        for entry, theta in zip(others, thetas, strict=True):
            entry.weights = self._differing(theta, self._base(entry), entry)

    # One step.

    def before_step(self) -> None:
        self._learner_state().before_step(self.weight)

    def after_step(self, rate: float) -> None:
        assert self.learner is not None
        entry = self.entries[self.learner]
        entry.mask = self._learner_state().after_step(self.weight, self.shared, entry.mask, rate)

    def _learner_state(self) -> Learning:
        if self._learning is None:
            assert self.opening_mask is not None
            others = [(entry.mask, entry.weights) for task, entry in self.entries.items() if task != self.learner]
            self._learning = Learning(self.shared, self.opening_mask, others, self.settings)
        return self._learning

    # Groups of tasks.

    def consolidate(self, count: int) -> None:
        entries = list(self.entries.values())
        thetas = [self.theta(task) for task in self.entries]
        residuals = [theta - compose(self.shared, entry.mask) for theta, entry in zip(thetas, entries, strict=True)]
        points = torch.stack(residuals).flatten(1)
        labels = group(points, [entry.group for entry in entries], count)
        self.groups = {}
        for entry in entries:
            entry.group = None
        for label in labels.unique().tolist():
            members = (labels == label).nonzero().flatten().tolist()
            if len(members) > 1:
                self._share(label, points[members], [(entries[place], thetas[place]) for place in members])

    def _share(self, label: int, points: Tensor, members: list[tuple[Entry, Tensor]]) -> None:
        centre, agrees = agreement(points, self.settings.spread, self.settings.centre)
        self.groups[label] = SparseValues.of(centre, agrees & (centre != 0))
        for entry, theta in members:
            entry.group = label
            base = self._base(entry)
            is_kept = theta != base
            if self.settings.spread:  # without, what they share must give each member its own weight, to the bit
                is_kept &= ~agrees.view(theta.shape)
            entry.weights = SparseValues.of(theta, is_kept)

    def _leave_group(self, entry: Entry) -> None:
        left, theta = entry.group, entry.weights.write_to(self._base(entry))
        entry.group = None
        entry.weights = SparseValues.of(theta, theta != self._base(entry))
        self._disband(left)

    def _disband(self, label: int | None) -> None:
        """Dissolves a group that has a single member left, who keeps its weights."""
        members = [entry for entry in self.entries.values() if entry.group == label]
        if label is not None and len(members) < 2:
            for entry in members:
                theta = entry.weights.write_to(self._base(entry))
                entry.group = None
                entry.weights = SparseValues.of(theta, theta != self._base(entry))
            self.groups.pop(label, None)

    # Size and state.

    def counts(self, live: Tensor | None) -> dict[str, int]:
        kept = sum(len(entry.weights) for task, entry in self.entries.items() if task != self.learner)
        if live is not None and self.learner is not None:
            kept += int(self._is_kept_by_learner(live, self.entries[self.learner]).sum())
        masks = sum(entry.mask.numel() for entry in self.entries.values())
        groups = sum(len(part) for part in self.groups.values())
        return {"shared": self.shared.numel(), "masks": masks, "own": kept, "groups": groups}

    def _is_kept_by_learner(self, live: Tensor, entry: Entry) -> Bool[Tensor, "rows *columns"]:
        """A mask of the weights that the learning task would keep if it closed now; σ would take the others along."""
        base, state = self._base(entry), self._learner_state()
        if self.settings.form is Form.fixed and not state.is_alone:
            return followed(live, base, entry.mask, self.settings.sparsity, self.settings.drift)[1]
        return (live != base) & ~state.is_free

    def nbytes(self, task: TaskName) -> int:
        entry = self.entries[task]
        return entry.mask.nbytes + entry.weights.nbytes

    def shared_nbytes(self) -> int:
        return self.shared.nbytes + sum(part.nbytes for part in self.groups.values())

    def state_dict(self) -> dict[str, Any]:
        tasks = [
            {"mask": entry.mask, "own": entry.weights.state_dict(), "group": entry.group, "slack": entry.slack}
            for entry in self.entries.values()
        ]
        groups = [[label, part.state_dict()] for label, part in self.groups.items()]
        return {
            "shared": self.shared,
            "names": list(self.entries),
            "tasks": tasks,
            "groups": groups,
            "learner": self.learner,
            "opening_mask": self.opening_mask,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.shared = state["shared"].to(self.weight)
        self.entries = {
            name: Entry(
                saved["mask"].to(self.weight),
                SparseValues.from_state_dict(saved["own"], self.weight),
                saved["group"],
                float(saved["slack"]),
            )
            for name, saved in zip(state["names"], state["tasks"], strict=True)
        }
        self.groups = {label: SparseValues.from_state_dict(saved, self.weight) for label, saved in state["groups"]}
        self.learner, self._learning = state["learner"], None
        opening = state["opening_mask"]
        self.opening_mask = None if opening is None else opening.to(self.weight)
