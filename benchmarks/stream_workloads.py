"""The streams and networks on which learners are timed: the papers' sizes, data made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from plastic_rl.streams import Examples, Plan, Stream
from plastic_rl.streams.bit_flipping import BitFlipping
from plastic_rl.streams.class_pairs import ClassPairs
from plastic_rl.streams.data.images import ImageSet
from plastic_rl.streams.permuted import PixelPermutations


@dataclass(frozen=True)
class Workload:
    """A stream, the network that learns it, and how many seeds side by side are timed.

    Args:
        name: what the table calls it.
        stream: makes one task of the examples of a block, for a seed and a device.
        network: settings of an agent that say which network.
        seeds: numbers of seeds to be trained as one.
        rounds: how many blocks of each kind are timed.
    """

    name: str
    stream: Callable[[int, str], Stream]
    network: Mapping[str, object]
    seeds: tuple[int, ...]
    rounds: int


def bits(examples: int) -> Callable[[int, str], Stream]:
    """Slowly-changing regression, an example at a time."""
    plan = Plan(1, shuffles=False)
    return lambda seed, device: BitFlipping(plan, seed, examples=examples, device=device)


def permuted(examples: int, batch_size: int) -> Callable[[int, str], Stream]:
    """Online permuted MNIST."""
    plan = Plan(1, batch_size=batch_size)
    return lambda seed, device: PixelPermutations(noise((1, 28, 28), 10, examples, device), plan, seed)


def pairs(examples: int) -> Callable[[int, str], Stream]:
    """Continual ImageNet: two classes in minibatches of 100."""
    plan = Plan(1, epochs=250, batch_size=100, zeroes_head=True)
    return lambda seed, device: ClassPairs(noise((3, 32, 32), 2, examples, device), plan, seed)


def noise(shape: tuple[int, int, int], classes: int, count: int, device: str) -> ImageSet:
    """Images of noise, with classes in turn."""
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, *shape), generator=draws, dtype=torch.uint8)
    examples = Examples(images.to(device), (torch.arange(count) % classes).to(device))
    return ImageSet(examples, examples, classes)


SMALL = {"network": "mlp", "hidden_layers": 3, "hidden_units": 100}
WORKLOADS = [
    Workload("bit flipping", bits(512), {"network": "mlp", "hidden_layers": 1, "hidden_units": 5}, (8, 24), 15),
    Workload("permuted MNIST 3x100, batch 1", permuted(256, 1), SMALL, (8,), 15),
    Workload("permuted MNIST 3x100, batch 16", permuted(1600, 16), SMALL, (8,), 15),
    Workload("permuted MNIST 3x2000, batch 1", permuted(8, 1), {**SMALL, "hidden_units": 2000}, (), 15),
    Workload("ConvNet, batch 100", pairs(300), {"network": "convnet"}, (8,), 9),
]
