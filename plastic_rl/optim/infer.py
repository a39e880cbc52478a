"""Initial feature regularisation: a few random directions of the features keep what they were at the start.

Lyle, Rowland, Dabney, "Understanding and preventing capacity loss in reinforcement learning", ICLR 2022 (arXiv
2204.09560), "InFeR".
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.distributed import agreed, agreed_seed
from plastic_rl.optim.features import Features, Term, Window, output_ports
from plastic_rl.optim.reference import Reference, ReferencedTerm
from plastic_rl.optim.watching import state_dtype
from plastic_rl.validation import at_least, non_negative, whole_number


@dataclass
class Heads:
    """Auxiliary linear outputs of features, and what they were at the start.

    Args:
        weight: w_k.
        bias: b_k.
        first_weight: w_k at the start.
        first_bias: b_k at the start.
    """

    weight: Float[Tensor, "heads features"]
    bias: Float[Tensor, " heads"]
    first_weight: Float[Tensor, "heads features"]
    first_bias: Float[Tensor, " heads"]

    @property
    def tensors(self) -> list[Tensor]:
        """All of them, in the order above."""
        return [self.weight, self.bias, self.first_weight, self.first_bias]


def residuals(
    features: Float[Tensor, "n features"], first: Float[Tensor, "n features"], heads: Heads, beta: float
) -> Float[Tensor, "n heads"]:
    """g_k(φ_θ(x)) - β g_k(φ_θ0(x)) of each sample and head."""
    targets = torch.addmm(heads.first_bias, first, heads.first_weight.T)
    return torch.addmm(heads.bias, features, heads.weight.T) - beta * targets


def slopes(
    features: Float[Tensor, "n features"], errors: Float[Tensor, "n heads"], heads: Heads, strength: float
) -> tuple[Float[Tensor, "n features"], Float[Tensor, "heads features"], Float[Tensor, " heads"]]:
    """The gradients of α · mean Σ_k r_k² over samples, r being the residuals, at the features and at the heads."""
    scaled = errors * (2 * strength / len(errors))
    return scaled @ heads.weight, scaled.T @ features, scaled.sum(0)


def draw_heads(count: int, port: Port, seed: str) -> Heads:
    """Fresh heads, drawn as torch draws linear layers, and their copies; a function of the seed."""
    width, weight = port.index.numel(), port.parameter
    source = torch.Generator().manual_seed(random.Random(seed).getrandbits(63))
    bound = 1 / math.sqrt(width)
    drawn = torch.empty(count, width + 1).uniform_(-bound, bound, generator=source)
    drawn = drawn.to(weight.device, state_dtype(weight))
    first = [drawn[:, :width].contiguous(), drawn[:, width].contiguous()]
    return Heads(first[0].clone(), first[1].clone(), first[0], first[1])


class InitialFeatures(Features):
    """The features of one hidden layer, with heads that are held to multiples of their first values.

    Args:
        layer: the hidden layer.
        ports: where output layers read it.
        window: when backward passes count.
        heads: the heads.
        reference: the initial weights.
        strength: α.
        beta: β.
    """

    def __init__(
        self,
        layer: HiddenLayer,
        ports: Sequence[Port],
        window: Window,
        heads: Heads,
        reference: Reference,
        *,
        strength: float,
        beta: float,
    ) -> None:
        self.heads, self.reference, self.strength, self.beta = heads, reference, strength, beta
        super().__init__(layer, ports, window)

    def term(self, port: Port, heard: Float[Tensor, "..."]) -> Term:
        inputs = self.reference.gate.inputs

        def gradient() -> Tensor:
            now, before = (self._rows(port, each) for each in (heard, self.reference.values(inputs)[port]))
            errors = residuals(now, before, self.heads, self.beta)
            at_features, at_weight, at_bias = slopes(now, errors, self.heads, self.strength)
            for tensor, slope in ((self.heads.weight, at_weight), (self.heads.bias, at_bias)):
                tensor.grad = slope if tensor.grad is None else tensor.grad.add_(slope)
            columns = port.index_on(heard.device).flatten()
            shaped = at_features.to(heard).view(*heard.shape[:-1], -1)
            return torch.zeros_like(heard).index_copy_(-1, columns, shaped)

        return gradient

    def _rows(self, port: Port, heard: Tensor) -> Float[Tensor, "n features"]:
        features = heard.index_select(-1, port.index_on(heard.device).flatten())
        return features.reshape(-1, features.shape[-1]).to(self.heads.weight)


class InFeR(ReferencedTerm):
    """Adds α · mean Σ_k (g_k(φ_θ(x)) - β g_k(φ_θ0(x)))² to the loss: auxiliary heads keep their first values, times β.

    φ is what output layers read of hidden units. The heads g_k are linear, drawn at construction and learned with the
    network; the targets are of the features and heads of construction. They are no parameters of the network's, so
    that its optimiser does not have them: an Adam of their own moves them, at the learning rate of its first group.

    Args:
        optimizer: what moves the parameters.
        layers: hidden layers of the network, which know it.
        strength: α; 0 leaves the optimiser bit for bit alone.
        beta: β.
        heads: how many there are for each hidden layer that an output layer reads.
        seed: of the heads; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a setting out of its range, layers of no network that is known, or a network that cannot be run
            again on an update's inputs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        strength: float = 0.1,
        beta: float = 100.0,
        heads: int = 10,
        seed: int | None = None,
    ) -> None:
        self.beta, self.count = non_negative("beta", beta), int(at_least("heads", 1, whole_number("heads", heads)))
        self.seed = agreed_seed(torch.initial_seed() if seed is None else seed)
        super().__init__(optimizer, layers, strength=strength)

    adam: torch.optim.Adam
    known: Mapping[tuple[str, int], Heads] = {}
    """The heads that there are, by the name of a layer and the number of its features."""

    def heard(self, layers: Sequence[HiddenLayer]) -> list[Features]:
        self.heads: list[Heads] = []
        found = [self._with_heads(layer, ports) for layer, ports in output_ports(layers).items()]
        self.adam = self._mover()
        self.known = {(each.layer.name, each.heads.weight.shape[1]): each.heads for each in found}
        self.memory["heads"] = [each.tensors for each in self.heads]
        return list(found)

    def _mover(self) -> torch.optim.Adam:
        """The optimiser of the heads, which knows of those that were there before what it knew."""
        adam = torch.optim.Adam([tensor for each in self.heads for tensor in (each.weight, each.bias)])
        before = self.adam.state if self.known else {}
        adam.state.update({each: before[each] for each in adam.param_groups[0]["params"] if each in before})
        return adam

    def _with_heads(self, layer: HiddenLayer, ports: Sequence[Port]) -> InitialFeatures:
        others = [port.name for port in ports if not isinstance(port.layer, nn.Linear)]
        if others:
            raise ValueError(
                f"{type(self).__name__} has linear heads beside linear output layers, and {others} are none: leave "
                f"`{layer.name}` out (hidden_layers(…, ignore=['{layer.name}']))"
            )
        known = self.known.get((layer.name, ports[0].index.numel()))
        heads = known or draw_heads(self.count, ports[0], f"{self.seed}/{layer.name}/heads")
        self.heads.append(heads)
        settings = {"strength": self.strength, "beta": self.beta}
        return InitialFeatures(layer, ports, self.window, heads, self.reference, **settings)

    def after_zero_grad(self) -> None:
        super().after_zero_grad()
        if self.strength:
            self.adam.zero_grad()

    def before_step(self) -> None:
        super().before_step()
        if self.strength:
            learned = self.adam.param_groups[0]
            learned["lr"] = self.param_groups[0]["lr"]
            for tensor in learned["params"]:
                tensor.grad = None if tensor.grad is None else agreed(tensor.grad)
            self.adam.step()
            self.adam.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        if self.strength:
            self.memory["adam"] = self.adam.state_dict()
        return super().state_dict()

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        super().load_memory({"weights": memory["weights"]})
        if not self.strength or "heads" not in memory:  # saved with a strength of 0
            return
        for own, saved in zip(self.heads, memory["heads"], strict=True):
            for tensor, value in zip(own.tensors, saved, strict=True):
                tensor.copy_(value)
        self.adam.load_state_dict(copy.deepcopy(memory["adam"]))
