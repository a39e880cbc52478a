"""The proof that units reach the output of a network through their readers and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from plastic_rl.layers.hidden_layer import HiddenLayer
from plastic_rl.layers.tracing import handed_out, storage, tensors_in
from plastic_rl.seeding import seed_for_now

_is_examined = ContextVar("is_examined", default=False)


def is_examined() -> bool:
    """True while a network runs to find out how its layers are connected: hooks that add to what it computes rest."""
    return _is_examined.get()


@contextmanager
def examined() -> Iterator[None]:
    """A context in which networks run by their layers alone."""
    token = _is_examined.set(True)
    try:
        yield
    finally:
        _is_examined.reset(token)


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards the modes and the random-number streams as they were."""
    modes = {module: module.training for module in network.modules()}
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices):
        network.eval()
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode


def is_silent(network: nn.Module, layer: HiddenLayer, *example: Any) -> bool:
    """True if the output stays put when units that no reader weighs are changed.

    Tried on one half of the layer's units and on the other, so that a reader's columns that were taken for those of
    another unit come to light. The states that a recurrent layer hands out count as its units'.
    """
    chosen = torch.rand(layer.units, generator=torch.Generator().manual_seed(0)) < 0.5
    halves = [half.nonzero().flatten() for half in (chosen, ~chosen)]
    return all(_are_silent(network, layer, units, example) for units in halves if len(units))


def _are_silent(network: nn.Module, layer: HiddenLayer, units: Int[Tensor, " k"], example: tuple[Any, ...]) -> bool:
    before = {tensor: tensor.detach().clone() for tensor in layer.parameters()}
    with examined(), undisturbed(network), torch.no_grad():
        try:
            silent, perturbed = (_output(network, example, layer, units, seed) for seed in (1, 2))
        finally:
            for tensor, value in before.items():
                tensor.copy_(value)
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(silent, perturbed, strict=True))


def _output(
    network: nn.Module, example: tuple[Any, ...], layer: HiddenLayer, units: Int[Tensor, " k"], seed: int
) -> list[Tensor]:
    """The output once the units have been drawn with a seed and nobody reads them."""
    seed_for_now(seed)
    units = units.to(layer.produced_by[0].parameter.device)
    for port in layer.produced_by:
        rows, weight = port.positions(units), port.weight
        weight.index_copy_(0, rows, torch.randn_like(weight[rows]))
        if port.bias is not None:
            port.bias.index_copy_(0, rows, torch.randn_like(port.bias[rows]))
    for port in layer.read_by:
        port.silence(units)
    seed_for_now(0)
    with handed_out(network) as states:
        return [tensor for tensor in tensors_in(network(*example)) if storage(tensor) not in states]


def assert_function_preserving(network: nn.Module, layers: Iterable[HiddenLayer], *example: Any) -> None:
    """Proves by experiment that a newborn unit of any of the layers leaves the output of the network unchanged.

    For each half of each layer's units the columns that their readers own are set to zero (as after a replacement),
    then the units are redrawn: the output must not move. Parameters, modes and random generators are left as they were.

    Args:
        network: the module that the layers belong to.
        layers: hidden layers, found or written by hand.
        example: one example input, as ``network(*example)``.

    Raises:
        AssertionError: names the layers whose newborn units would be loud.
    """
    loud = [f"`{layer.name}`" for layer in layers if not is_silent(network, layer, *example)]
    if loud:
        raise AssertionError(f"newborn units of {', '.join(loud)} move the output of the network")
