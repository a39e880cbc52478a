"""Hidden units as other weights would have them on the same inputs: worked out when a gradient comes back."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Port, Resizing
from plastic_rl.optim.features import Features
from plastic_rl.optim.loss_term import LossTerm
from plastic_rl.optim.passages import Gate, Inputs, network_of, passage, rerun


class Reference:
    """The units of a network as weights that are kept would have them, on the inputs of a pass.

    Only passes whose gradients come back, and count, are run once more.

    Args:
        network: the module.
        memory: a dict whose "weights" are tensors that stand for the network's parameters, in their order.
    """

    def __init__(self, network: nn.Module, memory: dict[str, Any]) -> None:
        check_no_recurrence(network)
        self.network, self.memory = network, memory
        self.passage = passage(network)
        self.gate = Gate(self.passage.entry)
        self.features: Sequence[Features] = ()
        self._latest: tuple[Inputs, Mapping[Port, Tensor]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_latest": None}

    def values(self, inputs: Inputs | None) -> Mapping[Port, Float[Tensor, "..."]]:
        """The values at each port.

        Args:
            inputs: those of the pass, as the gate had them then.

        Raises:
            RuntimeError: the inputs are not known, or a layer runs more than once in a pass.
        """
        if inputs is None:
            raise RuntimeError(
                f"{type(self.passage.entry).__name__} has not been called, in training mode and with gradients, since "
                "the last step, so that an update's inputs are not known: call the network as a module, network(…)"
            )
        if self._latest is None or self._latest[0] is not inputs:
            self._latest = inputs, self._run(inputs)
        return self._latest[1]

    @torch.no_grad()
    def _run(self, inputs: Inputs) -> Mapping[Port, Tensor]:
        caught: dict[Port, Tensor] = {}
        for each in self.features:
            each.caught = caught
        try:
            rerun(self.network, self.passage.run, inputs, self.memory["weights"])
        finally:
            for each in self.features:
                each.caught = None
        return caught

    def forget(self) -> None:
        """Lets go of the inputs of an update that is over."""
        self.gate.inputs, self._latest = None, None

    def remove(self) -> None:
        """Takes the hook off the network."""
        self.gate.remove()


def check_no_recurrence(network: nn.Module) -> None:
    """Refuses a network whose weights cannot be replaced for a moment.

    Raises:
        ValueError: it is recurrent: torch's LSTM, GRU and RNN keep their weights in a list of their own.
    """
    recurrent = [name for name, module in network.named_modules() if isinstance(module, nn.RNNBase)]
    if recurrent:
        raise ValueError(
            f"recurrent layers cannot be run with other weights for a moment, and the network has {recurrent}: use "
            "this method with a network that has none"
        )


class ReferencedTerm(LossTerm, ABC):
    """A term of the loss that compares units with what weights that are kept would make of the same inputs.

    Args:
        optimizer: what moves the parameters.
        layers: hidden layers of the network, which know it.
        strength: what the term is multiplied by.

    Raises:
        ValueError: the strength is negative, layers of no network that is known, or a network that cannot be run again
            on an update's inputs.
    """

    reference: Reference
    referenced: Sequence[Tensor] = ()
    """The network's parameters, for which the weights that are kept stand."""

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        """Begins to hear the layers; of parameters that were there before, the weights that are kept stay."""
        network = network_of(layers, type(self).__name__)
        known = dict(zip(map(id, self.referenced), self.memory.get("weights", ()), strict=True))
        self.referenced = list(network.parameters()) if self.strength else []
        self.memory["weights"] = [kept_for(each, known.get(id(each))) for each in self.referenced]
        if self.strength:
            self.reference = Reference(network, self.memory)
        super().find(layers)
        if self.strength:
            self.reference.features = self.features

    def at_resizing(self, resizing: Resizing) -> None:
        """Has the weights that are kept know newborn units as they are born."""
        super().at_resizing(resizing)
        pairs = zip(self.referenced, self.memory["weights"], strict=True)
        self.memory["weights"] = [resizing.resized(each, kept, newborn=None) for each, kept in pairs]
        if self.strength:
            self.reference.forget()

    def before_step(self) -> None:
        super().before_step()
        if self.strength:
            self.reference.forget()

    def remove(self) -> Optimizer:
        if self.strength:
            self.reference.remove()
        return super().remove()

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        kept = memory["weights"] if self.strength else []
        for own, saved in zip(self.memory["weights"] if kept else [], kept, strict=True):
            own.copy_(saved)
        self.memory.update({name: value for name, value in memory.items() if name != "weights"})


def kept_for(parameter: Tensor, known: Tensor | None) -> Tensor:
    """The weights to keep for a parameter: those that are known, or its own as they are now."""
    return parameter.detach().clone() if known is None or known.shape != parameter.shape else known
