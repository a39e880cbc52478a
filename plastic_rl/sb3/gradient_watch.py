"""The gradients of a few steps of an update, seen before and after they are clipped; the update goes on as without."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor

from plastic_rl.diagnostics import cosine, gradient_norm, zero_share
from plastic_rl.sb3.lean.loop import LeanLoop
from plastic_rl.sb3.lean.watched import watches
from plastic_rl.sb3.optimizer_slots import optimizer_slots
from plastic_rl.sb3.sides import Part, by_side, parts_of

STEPS = 2  # successive ones, at the beginning of an update


class GradientWatch:
    """Takes note of the gradients of the first two steps of the next update.

    In the lean loop the update itself shows them; in Stable-Baselines3's own hooks do, which are taken off again.

    Args:
        model: set up.
    """

    def __init__(self, model: BaseAlgorithm) -> None:
        self.model = model
        self.slots = optimizer_slots(model.policy, model)
        trained: set[int] = set().union(*(slot.trained for slot in self.slots))
        self.parts = parts_of(model.policy, trained)
        self.left = 0
        self.before: dict[Tensor, list[Tensor]] = {}
        self.after: dict[Tensor, list[Tensor]] = {}
        self._handles: list[Any] = []

    @property
    def parameters(self) -> list[Tensor]:
        """All that is trained, in the policy's order."""
        return [each for part in self.parts for each in part.parameters]

    def sides(self) -> Iterator[tuple[str, list[Tensor]]]:
        """All that is trained, and that of each side, with the ends of the names of its numbers."""
        if self.parts:
            yield "", self.parameters
        for side, parts in by_side(self.parts):
            yield f"/{side}", [each for part in parts for each in part.parameters]

    def arm(self) -> None:
        """Watches the update that comes next."""
        self.disarm()
        self.before, self.after, self.left = {}, {}, STEPS
        if isinstance(self.model, LeanLoop) and self.model.is_lean():
            watches[self.model] = self
            return
        for slot in self.slots:
            mine = [each for part in self.parts for each in part.parameters if id(each) in slot.trained]
            self._handles += [each.register_post_accumulate_grad_hook(self._accumulated) for each in mine]
            optimizer: Any = slot.optimizer
            self._handles.append(optimizer.register_step_pre_hook(partial(self._stepping, mine)))

    def disarm(self) -> None:
        """Watches no more."""
        watches.pop(self.model, None)
        for handle in self._handles:
            handle.remove()
        self.left, self._handles = 0, []

    def before_clipping(self) -> None:
        """Takes note of all gradients as the loss and the methods made them."""
        for part in self.parts if self.left else ():
            for parameter in part.parameters:
                if parameter.grad is not None:
                    self.before.setdefault(parameter, []).append(parameter.grad.clone())

    def after_clipping(self) -> None:
        """Takes note of all gradients as the optimiser is given them."""
        if not self.left:
            return
        self._take(self.parameters)
        self.left -= 1

    def numbers(self) -> dict[str, float]:
        """The gradients that were seen, on average over the steps: in all, by side and by layer; empty if none was."""
        found = self._of(self.parts, "")
        for side, parts in by_side(self.parts):
            found |= self._of(parts, f"/{side}")
        for part in self.parts:
            found |= self._of([part], f"/{part.name}")
        return found

    def _of(self, parts: list[Part], label: str) -> dict[str, float]:
        steps, clipped = (self._steps(parts, seen) for seen in (self.before, self.after))
        if not steps or not clipped:
            return {}
        numbers = {
            f"gradient/norm{label}": _mean([gradient_norm(step).item() for step in steps]),
            f"gradient/norm_clipped{label}": _mean([gradient_norm(step).item() for step in clipped]),
            f"gradient/zeros{label}": _mean([zero_share(step) for step in steps]),
        }
        shapes = [[each.shape for each in step] for step in steps]
        if len(steps) == STEPS and shapes[0] == shapes[1]:  # a layer may have grown in between
            numbers[f"gradient/cosine{label}"] = cosine(*steps).item()
        return numbers

    def _steps(self, parts: list[Part], seen: dict[Tensor, list[Tensor]]) -> list[list[Tensor]]:
        """The gradients of some layers, step by step; of parameters that every step gave one."""
        present = [seen[each] for part in parts for each in part.parameters if each in seen]
        count = max((len(each) for each in present), default=0)
        return [[each[step] for each in present if len(each) == count] for step in range(count)]

    def _take(self, parameters: list[Tensor]) -> None:
        for parameter in parameters:
            if parameter.grad is not None:
                self.after.setdefault(parameter, []).append(parameter.grad.clone())

    def _accumulated(self, parameter: Tensor) -> None:
        steps, taken = self.before.setdefault(parameter, []), len(self.after.get(parameter, []))
        if taken < STEPS and parameter.grad is not None:
            del steps[taken:]  # of another network's loss, which nobody steps along
            steps.append(parameter.grad.clone())

    def _stepping(self, mine: list[Tensor], *_: Any) -> None:
        if all(len(self.after.get(each, [])) < STEPS for each in mine):
            self._take(mine)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
