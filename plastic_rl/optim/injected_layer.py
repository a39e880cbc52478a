"""A layer of a head that computes with three sets of weights: those that learn, and two that do not move."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.layers import is_examined

BEFORE, DRAWN = "injected_before_", "injected_drawn_"
"""The names of the buffers of a layer with θ, and with θ'_2, begin so; those of its parameters follow."""


def is_injected(module: nn.Module) -> bool:
    """True if a layer keeps weights beside those that learn."""
    return any(name.startswith(BEFORE) for name in module._buffers)


def injected_in(state: Mapping[str, Any]) -> list[str]:
    """The names of the layers that are injected in the saved state of a network."""
    owners = [name.rpartition(".") for name in state]
    return list(dict.fromkeys(owner for owner, _, name in owners if name.startswith(BEFORE)))


def keep(module: nn.Module, kind: str, values: Mapping[str, Tensor]) -> None:
    """Keeps values of a layer's own parameters, by name, in buffers beside them."""
    for name, value in values.items():
        module.register_buffer(f"{kind}{name}", value.detach().clone())


def drop(module: nn.Module) -> None:
    """Lets go of all that is kept beside a layer's parameters."""
    for name in [name for name in module._buffers if name.startswith((BEFORE, DRAWN))]:
        delattr(module, name)


def own_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that a layer itself holds, by name."""
    return dict(module.named_parameters(recurse=False))


def computed_with(module: nn.Module, kind: str, input: Tensor) -> Tensor:
    """The output of a layer with the weights of one kind in place of its parameters, hooks left out."""
    stand_in = copy.copy(module)
    stand_in.__dict__["_parameters"] = {name: getattr(module, f"{kind}{name}", None) for name in module._parameters}
    return type(module).forward(stand_in, input)


class InjectedLayer:
    """Lets a layer or norm of a head compute h_θ'1, h_θ and h_θ'2 at once, as soon as it is injected.

    The first layers of the head make three parts of a batch, one behind the other; whatever lies between treats each
    sample alone; the last layers make one of them again, h_θ'1 - h_θ'2 + h_θ. The module itself sees the first part
    only, and so do hooks on it. A saved state with the weights that do not move brings them with it, one without takes
    them away.

    Args:
        module: the layer.
        is_first: no layer of the head comes before it.
        is_last: it makes outputs.
    """

    def __init__(self, module: nn.Module, *, is_first: bool, is_last: bool) -> None:
        self.is_first, self.is_last = is_first, is_last
        self._others: tuple[Tensor, ...] = ()
        module.register_forward_pre_hook(self.divide, prepend=True)
        module.register_forward_hook(self.unite)
        module.register_load_state_dict_pre_hook(self.expect)

    @classmethod
    def of(cls, module: nn.Module, *, is_first: bool, is_last: bool) -> InjectedLayer:
        """The hooks of a layer, which has them once, however often an optimiser of it is wrapped.

        Raises:
            ValueError: it has those of another place in another head.
        """
        hooks = [getattr(hook, "__self__", None) for hook in module._forward_hooks.values()]
        known = next((each for each in hooks if isinstance(each, cls)), None)
        if known is not None and (known.is_first, known.is_last) != (is_first, is_last):
            raise ValueError(f"a {type(module).__name__} is injected as part of another head already (last=…)")
        return known or cls(module, is_first=is_first, is_last=is_last)

    def divide(self, module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Hands the first part of the samples to the layer."""
        self._others = ()
        if is_examined() or not is_injected(module):
            return None
        parts = (inputs[0],) * 3 if self.is_first else inputs[0].chunk(3)
        self._others = parts[1:]
        return (parts[0], *inputs[1:])

    def unite(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor | None:
        """Puts the parts together, or behind each other for the next layer."""
        if not self._others:
            return None
        before, drawn = (computed_with(module, *each) for each in zip((BEFORE, DRAWN), self._others, strict=True))
        self._others = ()
        # In this order the difference is exactly zero at the moment of injection.
        return (output - drawn) + before if self.is_last else torch.cat([output, before, drawn])

    def expect(self, module: nn.Module, state: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """Makes room for the weights of a saved state, or takes away what it does not have."""
        drop(module)
        if any(name.startswith(f"{prefix}{BEFORE}") for name in state):
            for kind in (BEFORE, DRAWN):
                keep(module, kind, own_parameters(module))
