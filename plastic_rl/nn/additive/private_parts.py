"""The split of a network into weights that are decomposed and parts that belong to each task alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn

# Layers whose rows are outputs. All other parameters and buffers are kept whole for each task.
DECOMPOSED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def decomposed_weights(network: nn.Module, heads: Collection[str] | None) -> dict[str, nn.Parameter]:
    """The weights of linear and convolutional layers, heads excepted, by their names in the network.

    Args:
        network: any module.
        heads: names of modules or parameters whose weights belong to a task alone, with all that is inside them; None
            for the linear or convolutional layer that was registered last.

    Raises:
        ValueError: for a name that the network does not have, or when no weight is left.
    """
    candidates = dict(_candidates(network))
    if heads is None:
        heads = [list(candidates)[-1].removesuffix(".weight")] if len(candidates) > 1 else []
    _check_names(network, heads)
    inside = tuple(f"{head}." for head in heads)
    chosen = {name: weight for name, weight in candidates.items() if not f"{name}.".startswith(inside)}
    if not chosen:
        raise ValueError(f"no linear or convolutional weight is left to decompose; heads were {list(heads)}")
    return chosen


def _candidates(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    seen: set[int] = set()
    for name, module in network.named_modules():
        weight = module._parameters.get("weight")
        if isinstance(module, DECOMPOSED) and weight is not None and id(weight) not in seen:
            seen.add(id(weight))
            yield f"{name}.weight" if name else "weight", weight


def _check_names(network: nn.Module, heads: Collection[str]) -> None:
    if isinstance(heads, str):
        raise TypeError(f"heads must be a list of names, got the string {heads!r}")
    known = {name for name, _ in network.named_modules() if name} | {name for name, _ in network.named_parameters()}
    unknown = [head for head in heads if head not in known]
    if unknown:
        raise ValueError(f"the network has no module or parameter called {unknown}; it has {sorted(known)}")


class PrivateParts:
    """The parameters and buffers of a network other than the decomposed weights: each task has its own.

    Args:
        network: the network.
        decomposed: the weights that are not private.
    """

    def __init__(self, network: nn.Module, decomposed: Collection[nn.Parameter]) -> None:
        shared = {id(weight) for weight in decomposed}
        everything = [*network.named_parameters(), *network.named_buffers()]
        self.tensors: dict[str, Tensor] = {name: tensor for name, tensor in everything if id(tensor) not in shared}

    def capture(self) -> dict[str, Tensor]:
        """A copy of what the network has now."""
        return {name: tensor.detach().clone() for name, tensor in self.tensors.items()}

    def placed(self, saved: dict[str, Tensor]) -> dict[str, Tensor]:
        """Saved tensors where those of the network are: checkpoints are read on the CPU."""
        return {name: saved[name].to(tensor.device) for name, tensor in self.tensors.items()}

    @torch.no_grad()
    def show(self, saved: dict[str, Tensor]) -> None:
        """Writes a copy back into the network."""
        for name, tensor in self.tensors.items():
            tensor.copy_(saved[name])
