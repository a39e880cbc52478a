"""Several copies of a network as one: the weights of all seeds in one tensor each."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.optim.replacement import innermost
from plastic_rl.optim.youth import positions_along


class Stacked:
    """Networks that share their storage with one batched network.

    The tensors of each network in `networks` are views of `parameters` and `buffers`, which have a first axis of seeds:
    what is written to one is written to the other.

    Args:
        networks: alike in all but their weights; their tensors are replaced by views.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.networks = list(networks)
        everyone = [dict(network.named_parameters()) for network in self.networks]
        self.parameters = {
            name: nn.Parameter(torch.stack([own[name].detach() for own in everyone])) for name in everyone[0]
        }
        kept = [dict(network.named_buffers()) for network in self.networks]
        self.buffers = {name: torch.stack([own[name] for own in kept]) for name in kept[0]}
        for seed, network in enumerate(self.networks):
            for name, parameter in network.named_parameters():
                parameter.data = self.parameters[name].data[seed]
            for name, buffers in self.buffers.items():
                owner, _, last = name.rpartition(".")
                network.get_submodule(owner)._buffers[last] = buffers[seed]

    @property
    def tensors(self) -> list[Tensor]:
        """All stacked tensors: parameters, then buffers."""
        return [*self.parameters.values(), *self.buffers.values()]

    def views(self, seed: int) -> Iterator[tuple[nn.Parameter, nn.Parameter]]:
        """The parameters of one seed's network, each with the stacked one that it is a part of."""
        for name, parameter in self.networks[seed].named_parameters():
            yield parameter, self.parameters[name]


class Template:
    """A network whose tensors are given to it anew for each call, so that `torch.vmap` can run it for all seeds.

    `torch.func.functional_call` does the same for any module, in several times the time of a small network.

    Args:
        network: a copy that nobody else uses; from now on it has no parameters of its own.
        stacked: the networks that it stands for.
    """

    def __init__(self, network: nn.Module, stacked: Stacked) -> None:
        self.network = network
        self._places = [
            (network.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2])
            for name in (*stacked.parameters, *stacked.buffers)
        ]
        for module, name in self._places:
            module._parameters.pop(name, None)
            module._buffers.pop(name, None)

    def __len__(self) -> int:
        return len(self._places)

    def hold(self, tensors: Sequence[Tensor | None]) -> None:
        """Takes these for its parameters and buffers, in the order of :attr:`Stacked.tensors`."""
        for (module, name), tensor in zip(self._places, tensors, strict=True):
            module.__dict__[name] = tensor

    def let_go(self) -> None:
        """Forgets the tensors: they are only valid inside `torch.vmap`."""
        self.hold([None] * len(self))


class OneSeed(Optimizer):
    """What a method sees of an optimiser of stacked parameters: the part of one seed.

    Its parameters are views, its state the seed's slices of whatever state tensors have the shape of a stacked
    parameter. It never steps: the stacked optimiser has moved all seeds already.

    Args:
        optimizer: of the stacked parameters.
        stacked: the networks.
        seed: the place of the seed.
    """

    def __init__(self, optimizer: Optimizer, stacked: Stacked, seed: int) -> None:
        self.__setstate__({"optimizer": optimizer, "seed": seed, "whole": dict(stacked.views(seed))})

    optimizer: Optimizer
    seed: int
    whole: dict[Tensor, Tensor]

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """One group of the seed's parameters, with the settings of the stacked one."""
        settings = {key: value for key, value in self.optimizer.param_groups[0].items() if key != "params"}
        return [{**settings, "params": list(self.whole)}]

    @property
    def state(self) -> MutableMapping[Tensor, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The seed's slices of the optimiser's state, by the seed's parameters."""
        return {
            own: {name: self._slice(value, whole) for name, value in self.optimizer.state[whole].items()}
            for own, whole in self.whole.items()
            if whole in self.optimizer.state
        }

    @property
    def defaults(self) -> dict[str, Any]:
        """The defaults of the stacked optimiser."""
        return self.optimizer.defaults

    def step(self, closure: Any = None) -> Any:
        """Nothing: the stacked optimiser steps for all seeds."""

    def restart_clock(self, parameter: Tensor, axis: int | None, index: Int[Tensor, " k"]) -> None:
        """Lets entries of one seed's parameter count from now on, where the stacked optimiser keeps such clocks."""
        restart = getattr(innermost(self.optimizer), "restart_clock", None)
        if restart is not None:
            places = index if axis is None else positions_along(axis, index, parameter.shape)
            restart(self.whole[parameter], None, places + self.seed * parameter.numel())

    def _slice(self, value: Any, whole: Tensor) -> Any:
        return value[self.seed] if isinstance(value, Tensor) and value.shape == whole.shape else value
