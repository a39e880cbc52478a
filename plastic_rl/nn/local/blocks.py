"""The blocks of a network that are trained one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import nn

from plastic_rl.nn.local.plausible import DivisiveNorm


def find_blocks(network: nn.Module | Iterable[nn.Module]) -> list[nn.Module]:
    """The blocks of a sequence of layers: each is a layer with weights, and what follows it up to the next.

    A module with an inside of its own, such as a residual block, is one layer; sequences within the sequence are taken
    apart. What stands before the first layer with weights belongs to the first block.

    Args:
        network: an `nn.Sequential`; or the blocks themselves, in order, which are returned as they are.

    Raises:
        ValueError: for a network that is not a sequence, or a block that has nothing to train.
    """
    if isinstance(network, nn.Sequential):
        blocks = [layers[0] if len(layers) == 1 else nn.Sequential(*layers) for layers in _cut(_flattened(network))]
    elif isinstance(network, nn.ModuleList) or not isinstance(network, nn.Module):
        blocks = list(network)
    else:
        raise ValueError(
            f"{type(network).__name__} is no nn.Sequential; give its blocks as a list, in the order they are called in"
        )
    _check(blocks)
    return blocks


def _check(blocks: list[nn.Module]) -> None:
    idle = [place for place, block in enumerate(blocks) if not any(p.requires_grad for p in block.parameters())]
    if idle or not blocks:
        raise ValueError(f"blocks without anything to train: {idle if blocks else 'there are no blocks at all'}")


def _flattened(network: nn.Sequential) -> Iterator[nn.Module]:
    for module in network:
        yield from _flattened(module) if isinstance(module, nn.Sequential) else [module]


def _cut(layers: Iterable[nn.Module]) -> list[list[nn.Module]]:
    blocks: list[list[nn.Module]] = [[]]
    for layer in layers:
        begins = _has_weights(layer) or isinstance(layer, DivisiveNorm)
        if begins and any(_has_weights(before) for before in blocks[-1]):
            blocks.append([])
        blocks[-1].append(layer)
    return blocks


def _has_weights(layer: nn.Module) -> bool:
    """True for a layer that connects units; norms have parameters, too, but of one dimension."""
    return any(parameter.ndim > 1 for parameter in layer.parameters())
