"""Passages through networks: where an update's inputs go in, and how to run a network on them once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from plastic_rl.layers import HiddenLayer, Tracking
from plastic_rl.layers.tracing import tensors_in
from plastic_rl.optim.unit_replacer import NothingToReplaceError
from plastic_rl.optim.watching import WatchingHook, are_hooks_paused, paused_hooks, uncompiled


@singledispatch
def check_end_to_end(network: nn.Module) -> None:
    """Refuses a network no loss of which sends its gradient through all of it; a room that has such ones says so.

    Raises:
        ValueError: its parts are trained one by one.
    """


@dataclass(frozen=True)
class Passage:
    """The way through a network that a training loop takes.

    Args:
        entry: the module that the loop calls with an update's inputs.
        run: runs all of the network on the inputs of the entry, and draws no random numbers.
        answer: runs as much as what the network is there for takes: a policy's actions, and not its values.
        categories: how many classes each distribution has whose logits the answer consists of; none for numbers.
    """

    entry: nn.Module
    run: Callable[..., Any]
    answer: Callable[..., Any]
    categories: Sequence[int] = ()


@singledispatch
def passage(network: nn.Module) -> Passage:
    """The way through a network: a call of the module itself, unless the room of its kind has registered another.

    Raises:
        ValueError: the network cannot be run again on an update's inputs.
    """
    return Passage(network, network, network)


def network_of(layers: Sequence[HiddenLayer], method: str) -> nn.Module:
    """The one network that hidden layers were found in, trained from end to end.

    Raises:
        ValueError: there are no layers, they were written by hand, are of several networks, or of one that is trained
            part by part.
    """
    if not layers:
        raise NothingToReplaceError(
            f"{method} was given no hidden layers, by which it knows the network: find them with "
            "plastic_rl.layers.hidden_layers(network, example); a network with one layer alone has none"
        )
    networks = list(dict.fromkeys(layer.network for layer in layers))
    network = networks[0]
    if network is None or len(networks) > 1:
        raise ValueError(
            f"{method} runs the network again, and must know it: give layers of one network, as "
            "plastic_rl.layers.hidden_layers(network, example) finds them, or say HiddenLayer(…, network=network)"
        )
    check_end_to_end(network)
    return network


Inputs = dict[str, Any]
"""The arguments of a call: a list of those without a name, and a dict of the others; and how exactly it was made."""


class Gate(WatchingHook):
    """A hook on the entry of a passage, which keeps the latest inputs of passes that build a graph in training mode.

    Args:
        module: the entry.
    """

    def __init__(self, module: nn.Module) -> None:
        self.inputs: Inputs | None = None
        self._handle = module.register_forward_pre_hook(self, with_kwargs=True)

    @uncompiled
    def __call__(self, module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        if torch.is_grad_enabled() and module.training and not are_hooks_paused():
            self.inputs = {"args": detached(list(args)), "named": detached(named), "precision": _precision()}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "inputs": None}

    def remove(self) -> None:
        """Takes the hook off."""
        self._handle.remove()


def _precision() -> list[str]:
    """The devices on which operations run in fewer bits now, each with the numbers (`torch.autocast`)."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    active = [device for device in devices if torch.is_autocast_enabled(device)]
    return [f"{device} {str(torch.get_autocast_dtype(device)).removeprefix('torch.')}" for device in active]


@contextmanager
def _as_precise(precision: Sequence[str]) -> Iterator[None]:
    with ExitStack() as stack:
        for device, dtype in (each.split() for each in precision):
            stack.enter_context(torch.autocast(device, getattr(torch, dtype)))
        yield


def detached(inputs: Any) -> Any:
    """The same nest of tensors, without their history.

    Raises:
        ValueError: it holds something else than tensors, numbers, strings, lists, tuples and dicts.
    """
    if isinstance(inputs, Tensor):
        return inputs.detach()
    if isinstance(inputs, dict):
        return {name: detached(each) for name, each in inputs.items()}
    if type(inputs) in (list, tuple):
        return type(inputs)(detached(each) for each in inputs)
    if inputs is None or isinstance(inputs, bool | int | float | str):
        return inputs
    raise ValueError(f"a network's inputs are kept as tensors, numbers and dicts of these; got {type(inputs).__name__}")


def cloned(inputs: Any) -> Any:
    """The same nest with tensors of its own."""
    if isinstance(inputs, Tensor):
        return inputs.clone()
    if isinstance(inputs, dict):
        return {name: cloned(each) for name, each in inputs.items()}
    return type(inputs)(cloned(each) for each in inputs) if isinstance(inputs, list | tuple) else inputs


def rerun(
    network: nn.Module, function: Callable[..., Any], inputs: Inputs, weights: Sequence[Tensor] = ()
) -> list[Tensor]:
    """The outputs of a network that is run once more; nobody notices.

    No hook of a method hears it, nothing is dropped out, running statistics and random-number streams stay as they are;
    inputs are normalised by the running averages that there are.

    Args:
        network: the module.
        function: runs it, or a part of it.
        inputs: what it is run on.
        weights: tensors that take the places of its parameters meanwhile, in their order; none leaves them.
    """
    taken = [(buffer, buffer.clone()) for buffer in network.buffers()]
    taken += list(zip(network.parameters(), weights, strict=True)) if weights else []
    others = {id(own): other for own, other in taken}
    with paused_hooks(), _steady(network), _replaced(network, others), _as_precise(inputs.get("precision", ())):
        return tensors_in(function(*inputs["args"], **inputs["named"]))


@contextmanager
def _replaced(network: nn.Module, others: Mapping[int, Tensor]) -> Iterator[None]:
    # torch.func.functional_call does not put back what stands in a module of two names, as SB3's policies have them.
    places: list[tuple[dict[str, Any], str, Tensor]] = [
        (kept, name, own)
        for module in (network.modules() if others else ())
        for kept in (module._parameters, module._buffers)
        for name, own in kept.items()
        if own is not None and id(own) in others
    ]
    for kept, name, own in places:
        kept[name] = others[id(own)]
    try:
        yield
    finally:
        for kept, name, own in places:
            kept[name] = own


@contextmanager
def _steady(network: nn.Module) -> Iterator[None]:
    # An input that was taken in by a running average already would be taken in twice, and come out another.
    kinds = (_DropoutNd, Tracking)
    modules = [module for module in network.modules() if isinstance(module, kinds) and module.training]
    devices = {each.device.index for each in network.parameters() if each.is_cuda}
    with torch.random.fork_rng(devices):
        for module in modules:
            module.training = False
        try:
            yield
        finally:
            for module in modules:
                module.training = True
