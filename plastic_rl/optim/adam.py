"""Adam that can restart its clock for single units.

Adam divides its moments by 1 - β^t to make up for their start at zero. torch keeps one t per parameter, so a newborn
unit whose moments are forgotten under an old clock takes steps up to 6.6 times too large (β = 0.9, 0.999: 3.2 times at
its first step, most at its twelfth). Here the step that torch has taken is corrected, for the entries of young units
alone, to the one that a fresh Adam would have taken. After twenty steps a unit comes of age
(:mod:`plastic_rl.optim.young_units`): its moments are scaled once so that the parameter's clock fits them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import Along
from plastic_rl.optim.base import methods_in
from plastic_rl.optim.unit_clock import UnitClock
from plastic_rl.optim.young_together import YoungTogether
from plastic_rl.optim.young_units import Young


class ClockedAdam(UnitClock, Optimizer):
    """Mixed into an Adam of torch: bit for bit that Adam until :meth:`restart_clock` is called."""

    young: dict[Tensor, Young]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._start_clock({})

    @torch.no_grad()
    def restart_clock(self, parameter: Tensor, axis: int | None, index: Int[Tensor, " k"]) -> None:
        """Lets the entries ``index`` along ``axis`` of a parameter (None: of the flattened one) count from now on.

        Whoever calls it has set the entries' moments to zero. Nothing happens for a parameter that never had a step.
        """
        state = self.state.get(parameter)
        if state:
            group = next(group for group in self.param_groups if any(each is parameter for each in group["params"]))
            young = self.young.setdefault(parameter, Young(parameter))
            young.add(axis, index, state["step"], group["betas"])

    def forget_clocks(self, parameters: Iterable[Tensor] | None = None) -> None:
        for parameter in list(self.young) if parameters is None else parameters:
            self.young.pop(parameter, None)

    @torch.no_grad()
    def resize_clock(self, parameter: Tensor, along: Along) -> None:
        if parameter in self.young:
            self.young[parameter].resize(along)

    @torch.no_grad()
    def restart_parameters(self) -> None:
        for young in self.young.values():
            young.corrections[2:] = 0

    @property
    def has_young_units(self) -> bool:
        return bool(self.young)

    def state_dict(self) -> dict[str, Any]:
        places = {parameter: place for place, parameter in enumerate(self._parameters())}
        young = {places[parameter]: each.state_dict() for parameter, each in self.young.items()}
        return {**super().state_dict(), "young": young}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        parameters, saved = list(self._parameters()), state_dict.get("young", {})
        self.young = {parameters[place]: Young(parameters[place], **young) for place, young in saved.items()}

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "young": self.young}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._start_clock(self.__dict__.get("young", {}))

    def together(self, place: int, moved: Sequence[Young]) -> YoungTogether:
        """The young entries of one group side by side, those of the step before if they are the same.

        Args:
            place: of the group.
            moved: the young entries of each parameter that has just been moved.
        """
        together = self._together.get(place)
        if together is None or not together.is_of(moved):
            together = self._together[place] = YoungTogether(moved)
        return together

    def _start_clock(self, young: dict[Tensor, Young]) -> None:
        self.young = young
        self._together: dict[int, YoungTogether] = {}
        # A hook, because torch runs the hooks of `step` twice where a subclass of its Adam overrides it.
        if correct_young_steps not in self._optimizer_step_post_hooks.values():
            self.register_step_post_hook(correct_young_steps)

    def _parameters(self) -> Iterator[Tensor]:
        return (parameter for group in self.param_groups for parameter in group["params"])


@torch.no_grad()
def correct_young_steps(optimizer: Optimizer, *_: Any) -> None:
    """Replaces the steps that torch's Adam has just taken with young entries by those of a fresh Adam."""
    # A plain Adam that was given a clock shares its hooks with the clocked one.
    if not isinstance(optimizer, ClockedAdam) or not optimizer.young:
        return
    young_of = optimizer.young
    for place, group in enumerate(optimizer.param_groups):
        moved = [young_of[each] for each in group["params"] if each in young_of and each.grad is not None]
        if moved:
            states = [optimizer.state[each.parameter] for each in moved]
            name = "max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"
            first, second = ([state[which] for state in states] for which in ("exp_avg", name))
            together = optimizer.together(place, moved)
            together.follow(first, second, group, getattr(optimizer, "found_inf", None))
            together.come_of_age(states)
    for parameter in [parameter for parameter, young in young_of.items() if not young.cohorts]:
        del young_of[parameter]


class Adam(ClockedAdam, torch.optim.Adam):
    """torch's Adam, all its options included, with a clock that can be restarted for single units."""


class AdamW(ClockedAdam, torch.optim.AdamW):
    """torch's AdamW, all its options included, with a clock that can be restarted for single units."""


CLOCKED: dict[type[Optimizer], type[ClockedAdam]] = {torch.optim.Adam: Adam, torch.optim.AdamW: AdamW}


def with_unit_clock(optimizer: Optimizer) -> Optimizer:
    """The same optimiser (the same groups, state and hooks), with a unit clock if it is torch's Adam or AdamW.

    Of a stack of methods it is the optimiser at the bottom that gets the clock.
    """
    wrappers = list(methods_in(optimizer))
    if wrappers:
        wrappers[-1].optimizer = with_unit_clock(wrappers[-1].optimizer)
        return optimizer
    kind = CLOCKED.get(type(optimizer))
    if kind is None:
        return optimizer
    clocked = kind.__new__(kind)
    clocked.__setstate__({name: value for name, value in optimizer.__dict__.items() if name != "step"})
    return clocked
