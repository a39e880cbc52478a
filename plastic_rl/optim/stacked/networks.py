"""Several copies of a network as one: the weights of all seeds in one tensor each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn


class StackedNetworks:
    """Networks that share their storage with one batched network.

    The tensors of each network in `networks` are views of `parameters` and `buffers`, which have a first axis of seeds:
    what is written to one is written to the other.

    Args:
        networks: alike in all but their weights; their tensors are replaced by views.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.networks = list(networks)
        parameters = [dict(network.named_parameters()) for network in self.networks]
        self.parameters = {
            name: nn.Parameter(torch.stack([each[name].detach() for each in parameters]), first.requires_grad)
            for name, first in parameters[0].items()
        }
        buffers = [dict(network.named_buffers()) for network in self.networks]
        self.buffers = {name: torch.stack([each[name] for each in buffers]) for name in buffers[0]}
        for seed, network in enumerate(self.networks):
            for name, parameter in network.named_parameters():
                parameter.data = self.parameters[name].data[seed]
            for name, stacked in self.buffers.items():
                owner, _, last = name.rpartition(".")
                network.get_submodule(owner)._buffers[last] = stacked[seed]

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

    def __init__(self, network: nn.Module, stacked: StackedNetworks) -> None:
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
        """Takes these for its parameters and buffers, in the order of :attr:`StackedNetworks.tensors`."""
        for (module, name), tensor in zip(self._places, tensors, strict=True):
            module.__dict__[name] = tensor

    def let_go(self) -> None:
        """Forgets the tensors: they are only valid inside `torch.vmap`."""
        self.hold([None] * len(self))
