"""The proof that units reach the output of a network through their readers and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.layers.hidden_layer import HiddenLayer


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


def tensors_in(output: Any) -> list[Tensor]:
    """All tensors in a nest of tuples, lists and dicts."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    return [tensor for part in output for tensor in tensors_in(part)] if isinstance(output, list | tuple) else []


def is_silent(network: nn.Module, layer: HiddenLayer, *example: Any) -> bool:
    """Whether the output stays put when units that no reader weighs are changed (all of the layer's units at once)."""
    before = {tensor: tensor.detach().clone() for tensor in layer.parameters()}
    with undisturbed(network), torch.no_grad():
        try:
            for port in layer.read_by:
                port.weight.index_fill_(1, port.index.to(port.weight.device).flatten(), 0.0)
            silent = _output(network, example)
            for port in layer.produced_by:
                rows = port.index.to(port.weight.device).flatten()
                port.weight.index_copy_(0, rows, torch.randn_like(port.weight[rows]))
                if port.bias is not None:
                    port.bias.index_copy_(0, rows, torch.randn_like(port.bias[rows]))
            perturbed = _output(network, example)
        finally:
            for tensor, value in before.items():
                tensor.copy_(value)
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(silent, perturbed, strict=True))


def _output(network: nn.Module, example: tuple[Any, ...]) -> list[Tensor]:
    torch.manual_seed(0)
    return tensors_in(network(*example))


def assert_function_preserving(network: nn.Module, layers: Iterable[HiddenLayer], *example: Any) -> None:
    """Proves by experiment that a newborn unit of any of the layers leaves the output of the network unchanged.

    For each layer the columns that its readers own are set to zero (as after a replacement), then all its units are
    redrawn: the output must not move. Parameters, modes and random generators are left as they were.

    Args:
        network: the module that the layers belong to.
        layers: hidden layers, found or written by hand.
        example: one example input, as ``network(*example)``.

    Raises:
        AssertionError: names the layers whose newborn units would be heard.
    """
    heard = [f"`{layer.name}`" for layer in layers if not is_silent(network, layer, *example)]
    if heard:
        raise AssertionError(f"newborn units of {', '.join(heard)} move the output of the network")
