"""The base of methods that add a term to the loss of what a network makes of a minibatch: losses are the host's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.features import Features, Window
from plastic_rl.optim.passages import check_end_to_end
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.optim.unit_replacer import NothingToReplaceError
from plastic_rl.validation import non_negative


class LossTerm(PlasticOptimizer, ABC):
    """Adds the gradient of a term of the loss where the loss's own comes back to hidden units.

    It joins in the backward pass, so that it is among the gradients that a host clips, as if it had been written into
    the loss. Counted are backward passes between the optimiser's ``zero_grad`` and its step, of networks in training
    mode. With a strength of 0 no hook is put anywhere. A `GradScaler` would scale the term down.

    Args:
        optimizer: what moves the parameters.
        layers: the hidden layers of the network.
        strength: what the term is multiplied by.

    Raises:
        ValueError: the strength is negative, no layers, or a network whose parts are trained one by one.
    """

    def __init__(self, optimizer: Optimizer, layers: Sequence[HiddenLayer], *, strength: float) -> None:
        super().__init__(optimizer)
        self.strength = non_negative("strength", strength)
        self.vectorized = None if self.strength else SeedBySeed  # hooks on tensors do not fire inside torch.vmap
        self.window = Window()
        self.features: list[Features] = []
        self.find(layers)

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        """Begins to hear the layers."""
        self.layers = list(layers)
        if not self.layers:
            raise NothingToReplaceError(
                f"{type(self).__name__} was given no hidden layers, whose units its term of the loss is about: find "
                "them with plastic_rl.layers.hidden_layers(network, example); a network with one layer alone has none"
            )
        for layer in self.layers:
            if layer.network is not None:
                check_end_to_end(layer.network)
        if self.strength:
            self.features = self.heard(self.layers)

    @abstractmethod
    def heard(self, layers: Sequence[HiddenLayer]) -> list[Features]:
        """The hidden layers whose units are heard, each with its term."""

    def after_zero_grad(self) -> None:
        self.window.open()

    def before_step(self) -> None:
        self.window.close()

    def at_resizing(self, resizing: Resizing) -> None:
        """Follows the units to where they are now."""
        for layer in self.layers:
            resizing.follow(layer)

    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        super().reattach(layers)
        self.remove()
        self.find(layers)

    def remove(self) -> Optimizer:
        """Takes all hooks off the network and returns the wrapped optimiser."""
        for each in self.features:
            each.remove()
        self.features = []
        return self.optimizer
