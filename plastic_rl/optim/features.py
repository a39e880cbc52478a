"""Hidden units where output layers read them, and a way to add to the gradient that comes back to them."""

from __future__ import annotations

import math
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.watching import WatchingHook, are_hooks_paused, uncompiled

Term = Callable[[], Float[Tensor, "..."]]
"""The gradient of a term of the loss with respect to what a layer heard, worked out when it is asked for."""


def output_ports(layers: Sequence[HiddenLayer]) -> dict[HiddenLayer, list[Port]]:
    """The hidden layers that output layers read, each with the ports at which they do.

    An output layer is one that reads hidden units and produces none of those given.
    """
    producers = {port.layer for layer in layers for port in layer.produced_by}
    found = {layer: [port for port in layer.read_by if port.layer not in producers] for layer in layers}
    return {layer: ports for layer, ports in found.items() if ports}


def samples(heard: Float[Tensor, "..."], axis: int) -> int:
    """The number of samples in what has columns along a (negative) axis: all places before it count."""
    return math.prod(heard.shape[: heard.ndim + axis])


def of_units(port: Port, values: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The values at a port, with zeros in the columns that belong to others (raw inputs, concatenated)."""
    columns = values.shape[port.axis]
    if port.index.numel() == columns:
        return values
    mask = values.new_zeros(columns).index_fill_(0, port.index_on(values.device).flatten(), 1.0)
    return values * mask.view(-1, *[1] * (-1 - port.axis))


class Window:
    """The time in which backward passes count: from ``zero_grad`` to the step; and what passed by uncounted.

    Another loss may send gradients through the same layers at other times, as that of SAC's actor does through the
    critic.
    """

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Lets backward passes count from now on."""
        self.is_open, self.was_missed, self.was_evaluating, self.has_counted = True, False, False, False

    def close(self) -> None:
        """Ends the time in which they count.

        Raises:
            RuntimeError: gradients came back that should have counted, and could not.
        """
        was_open, self.is_open = self.is_open, False
        if not was_open and self.was_missed:
            raise RuntimeError(
                "gradients came back since the last step, and no zero_grad of the optimiser, so that they are without "
                "the term that the method adds to the loss: clear gradients with optimizer.zero_grad()"
            )
        if was_open and self.was_evaluating and not self.has_counted:
            raise RuntimeError(
                "gradients came back through a network in evaluation mode, in which no term is added to the loss: "
                "train it in training mode, network.train()"
            )

    def note(self, *, is_training: bool) -> None:
        """Takes note of a gradient that came back to the method's layers."""
        self.was_missed |= not self.is_open
        self.was_evaluating |= not is_training
        self.has_counted |= self.is_open and is_training


class Ear(WatchingHook, ABC):
    """A hook on a layer, which passes on what goes by.

    Args:
        port: where a hidden layer meets the layer.
        listener: what it is passed on to.
    """

    def __init__(self, port: Port, listener: Features) -> None:
        self.port, self.listener = port, listener
        self._handle = self.attach()

    @uncompiled
    def __call__(self, module: nn.Module, *seen: Any) -> None:
        if self.listener.caught is not None:
            self.listener.catch(self.port, self.heard(*seen))
        elif not are_hooks_paused():
            self.listener.pass_on(self.port, self.heard(*seen))

    @abstractmethod
    def attach(self) -> Any:
        """Puts the hook on the layer."""

    @abstractmethod
    def heard(self, *seen: Any) -> Tensor:
        """The tensor that is passed on, of what the hook was called with."""

    def remove(self) -> None:
        """Takes the hook off."""
        self._handle.remove()


class InputEar(Ear):
    """Passes on what a layer takes in."""

    def attach(self) -> Any:
        return self.port.attach(self)

    def heard(self, *seen: Any) -> Tensor:
        return self.port.heard(*seen)


class OutputEar(Ear):
    """Passes on what a layer makes, before any non-linearity."""

    def attach(self) -> Any:
        return self.port.layer.register_forward_hook(self, prepend=True)  # before what else is made of the output

    def heard(self, *seen: Any) -> Tensor:
        return seen[1]


class Features(ABC):
    """The units of one hidden layer; adds the gradient of a term of the loss to what comes back to them.

    As good as the term in the loss, for all that lies before the units, as long as something does come back. What
    several layers take in alike (a policy's output and a value's, behind a shared trunk) counts once.

    Args:
        layer: the hidden layer.
        ports: where its units are heard.
        window: when backward passes count.
    """

    ear: type[Ear] = InputEar

    def __init__(self, layer: HiddenLayer, ports: Sequence[Port], window: Window) -> None:
        self.layer, self.window = layer, window
        self._latest: weakref.ref[Tensor] | None = None
        self.caught: dict[Port, Tensor] | None = None
        self.ears = [self.ear(port, self) for port in ports]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_latest": None}  # a weak reference cannot be pickled

    @abstractmethod
    def term(self, port: Port, heard: Float[Tensor, "..."]) -> Term:
        """The term's gradient for one forward pass."""

    def pass_on(self, port: Port, heard: Tensor) -> None:
        """Takes note of one forward pass, and waits for its gradient to come back."""
        is_known = self._latest is not None and self._latest() is heard
        if is_known or not (torch.is_grad_enabled() and heard.requires_grad):
            return
        self._latest = weakref.ref(heard)
        window, is_training = self.window, port.layer.training
        term = self.term(port, heard.detach())

        def add(gradient: Tensor) -> Tensor | None:
            window.note(is_training=is_training)
            return gradient + term() if window.is_open and is_training else None

        heard.register_hook(add)

    def catch(self, port: Port, heard: Tensor) -> None:
        """Keeps what other weights make of the same inputs (:class:`plastic_rl.optim.reference.Reference`).

        Raises:
            RuntimeError: the layer has been there already in this pass.
        """
        assert self.caught is not None
        if port in self.caught:
            raise RuntimeError(
                f"`{port.name}` runs more than once in a pass, so that it is not known which of its values belong "
                f"together: leave `{self.layer.name}` out (hidden_layers(…, ignore=['{self.layer.name}']))"
            )
        self.caught[port] = heard.detach()

    def remove(self) -> None:
        """Takes the hooks off."""
        for ear in self.ears:
            ear.remove()
