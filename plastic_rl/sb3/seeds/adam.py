"""One Adam step for several seeds: the arithmetic of each alone, on the moments of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from plastic_rl.sb3.lean.adam_steps import is_plain
from plastic_rl.sb3.lean.flat_adam import MOMENTS, FlatAdam
from plastic_rl.sb3.lean.gradients import Gradients

OPTIONS = ("lr", "betas", "eps", "weight_decay", "decoupled_weight_decay")
KEPT = (*MOMENTS, "step")


class StackedAdam(FlatAdam):
    """The steps of several Adams as one, where their settings are the same and they have taken as many steps.

    From the first step to the end, moments and clocks in each optimiser's state are parts of those here.

    Args:
        adams: the optimiser of each seed, inside of its methods.
        parameters: of each seed, in the order of the stack.
        gradients: of the stacked parameters.
    """

    def __init__(self, adams: Sequence[Any], parameters: Sequence[Sequence[Tensor]], gradients: Gradients) -> None:
        super().__init__(adams[0], gradients)
        self.adams, self.parameters = list(adams), [list(each) for each in parameters]
        self.clocks = torch.zeros(len(self.adams), len(self.parameters[0]))
        pairs = zip(self.adams, self.parameters, strict=True)
        self.is_possible = all(is_plain(adam) and _is_whole(adam, own) for adam, own in pairs)
        self.parts_of: list[dict[Tensor, dict[str, Tensor]]] = [{} for _ in adams]
        self.kept_of: list[dict[Tensor, dict[str, Tensor]]] = [{} for _ in adams]
        self.gone: set[int] = set()
        self.is_left_alone = False  # by methods, which may look at moments, and change them
        self.is_settled = False

    def is_ready(self) -> bool:
        """True if nothing keeps the seeds from taking the next step together."""
        if self.is_left_alone and self.is_settled:
            return True
        if not self.is_possible or not self._are_alike() or not all(map(self._is_in, self._staying())):
            return False
        least, most = torch.aminmax(self.clocks[self._staying()])
        self.is_settled = least.item() == most.item()
        return self.is_settled

    def step_all(self) -> None:
        """Takes the step of all."""
        self.clocks += 1
        self._step(self.adam.param_groups[0], self.clocks[self._staying()[0], 0].item())

    def _staying(self) -> list[int]:
        return [seed for seed in range(len(self.adams)) if seed not in self.gone]

    def _are_alike(self) -> bool:
        first, *others = [[self.adams[seed].param_groups[0].get(each) for each in OPTIONS] for seed in self._staying()]
        return all(each == first for each in others)

    def _is_in(self, seed: int) -> bool:
        """True if a seed's moments are parts of those here; they are taken in where they are not."""
        states, parts = self.adams[seed].state, self.parts_of[seed]
        for place, parameter in enumerate(self.parameters[seed]):
            state = states.get(parameter)
            if not state:
                return False
            if parameter not in parts or any(state[name] is not parts[parameter][name] for name in KEPT):
                self._take_in(seed, place, state)
        return True

    def _take_in(self, seed: int, place: int, state: dict[str, Any]) -> None:
        parameter = self.parameters[seed][place]
        wholes = (self.parts[0][place][seed], self.parts[1][place][seed], self.clocks[seed, place])
        self.kept_of[seed][parameter] = {name: state[name] for name in KEPT}
        self.parts_of[seed][parameter] = dict(zip(KEPT, wholes, strict=True))
        for name, part in self.parts_of[seed][parameter].items():
            state[name] = part.copy_(state[name])

    def let_go(self, seed: int) -> None:
        """Gives the optimiser of a seed that has learned its own moments back."""
        self.gone.add(seed)
        self._take_out(seed)

    def end(self) -> None:
        """Gives all optimisers their own moments back, to be taken in again later."""
        self.is_settled = False
        for seed in self._staying():
            self._take_out(seed)

    def _take_out(self, seed: int) -> None:
        for parameter, parts in self.parts_of[seed].items():
            state, kept = self.adams[seed].state.get(parameter, {}), self.kept_of[seed][parameter]
            for name, part in parts.items():
                if state.get(name) is part:
                    state[name] = kept[name].copy_(part)
        self.parts_of[seed], self.kept_of[seed] = {}, {}


def _is_whole(adam: Any, parameters: Sequence[Tensor]) -> bool:
    group, *others = adam.param_groups
    return not others and len(group["params"]) == len(parameters)
