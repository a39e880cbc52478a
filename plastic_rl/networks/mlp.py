"""The multilayer perceptron of Online Permuted MNIST and of slowly-changing regression."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.initialisers import initialise_, kaiming_uniform_, lecun_uniform_
from plastic_rl.networks.nonlinearity import nonlinearity, outputs_before


class MLP(nn.Sequential):
    """Hidden layers of equal width with ReLU between them (Dohare et al. 2024, Online Permuted MNIST).

    Kaiming-uniform weights and zero biases; the outputs, which no ReLU follows, have weights of variance 1 / fan-in.
    9,594,010 parameters with 784 inputs, 10 outputs and the paper's width and depth.

    Args:
        inputs: numbers of one example.
        outputs: of the network.
        hidden_units: of each hidden layer, as the next one reads them: CReLU makes two of each output of a layer.
        hidden_layers: how many; none makes the network linear.
        normalization: "layer" or "batch" normalises what goes into each ReLU, without weights of its own; layer
            normalisation is a control that keeps plasticity by itself (Lyle et al., "Understanding plasticity in neural
            networks", ICML 2023).
        settings: further ones of what follows a hidden layer (:func:`plastic_rl.networks.nonlinearity`).

    Raises:
        ValueError: a number is too small, or there is no normalisation or non-linearity of that name.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        hidden_units: int = 2000,
        hidden_layers: int = 3,
        normalization: str | None = None,
        **settings: Any,
    ) -> None:
        if min(inputs, outputs, hidden_units) < 1 or hidden_layers < 0:
            sizes = f"{inputs} inputs, {outputs} outputs, {hidden_layers} layers of {hidden_units} units"
            raise ValueError(f"a network needs at least one input, output and unit, got {sizes}")
        widths = [inputs] + [hidden_units] * hidden_layers
        hidden: list[nn.Module] = []
        for pair in pairwise(widths):
            outputs_of_layer = outputs_before(pair[1], settings.get("activation", "relu"))
            between = nonlinearity(outputs_of_layer, normalization=normalization, **settings)
            hidden += [nn.Linear(pair[0], outputs_of_layer), *between]
        head = nn.Linear(widths[-1], outputs)
        super().__init__(*hidden, head)
        initialise_(self, kaiming_uniform_)
        lecun_uniform_(head.weight)

    def forward(self, input: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        """The outputs of a batch."""
        return super().forward(input)
