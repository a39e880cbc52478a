"""Adam in one pass over all parameters, by the kernel that torch has for it: the same steps to rounding."""

from __future__ import annotations

from typing import Any

from torch import (
    Tensor,
    _foreach_add_,  # pyright: ignore[reportPrivateImportUsage]
    _fused_adam_,  # pyright: ignore[reportPrivateImportUsage]
    _fused_adamw_,  # pyright: ignore[reportPrivateImportUsage]
)


class FusedAdam:
    """The steps of an Adam.

    Args:
        adam: the optimiser.
    """

    def __init__(self, adam: Any) -> None:
        self.adam = adam

    def take(self) -> bool:
        """Takes a step; False where a parameter has no state yet."""
        groups = [self._parts(group) for group in self.adam.param_groups]
        if not all(groups):
            return False
        for group, parts in zip(self.adam.param_groups, groups, strict=True):
            _step(group, parts)
        return True

    def end(self) -> None:
        """Has nothing to put back."""

    def _parts(self, group: dict[str, Any]) -> list[list[Tensor]]:
        """Parameters, gradients, both moments and clocks; nothing where some are missing."""
        moved = [parameter for parameter in group["params"] if parameter.grad is not None]
        states = [self.adam.state.get(parameter) for parameter in moved]
        if not all(states):
            return []
        kept = [[state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step")]
        return [moved, [each.grad for each in moved], *kept]


def _step(group: dict[str, Any], parts: list[list[Tensor]]) -> None:
    parameters, gradients, first, second, clocks = parts
    _foreach_add_(clocks, 1)
    step = _fused_adamw_ if group.get("decoupled_weight_decay") else _fused_adam_
    step(
        parameters,
        gradients,
        first,
        second,
        [],
        clocks,
        lr=group["lr"],
        beta1=group["betas"][0],
        beta2=group["betas"][1],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        amsgrad=False,
        maximize=False,
    )
