"""The multilayer perceptron of Online Permuted MNIST and of slowly-changing regression."""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.initialisers import initialise_, kaiming_uniform_, lecun_uniform_


class MLP(nn.Sequential):
    """Hidden layers of equal width with ReLU between them (Dohare et al. 2024, Online Permuted MNIST).

    Kaiming-uniform weights and zero biases; the outputs, which no ReLU follows, have weights of variance 1 / fan-in.
    9,594,010 parameters with 784 inputs, 10 outputs and the paper's width and depth.

    Args:
        inputs: numbers of one example.
        outputs: of the network.
        hidden_units: of each hidden layer.
        hidden_layers: how many; none makes the network linear.
        layer_norm: normalise what goes into each ReLU, without weights of its own: a control that keeps plasticity by
            itself (Lyle et al., "Understanding plasticity in neural networks", ICML 2023).

    Raises:
        ValueError: a number is too small.
    """

    def __init__(
        self, inputs: int, outputs: int, *, hidden_units: int = 2000, hidden_layers: int = 3, layer_norm: bool = False
    ) -> None:
        if min(inputs, outputs, hidden_units) < 1 or hidden_layers < 0:
            sizes = f"{inputs} inputs, {outputs} outputs, {hidden_layers} layers of {hidden_units} units"
            raise ValueError(f"a network needs at least one input, output and unit, got {sizes}")
        widths = [inputs] + [hidden_units] * hidden_layers
        norms = [nn.LayerNorm(hidden_units, elementwise_affine=False)] if layer_norm else []
        hidden = [part for pair in pairwise(widths) for part in (nn.Linear(*pair), *norms, nn.ReLU())]
        head = nn.Linear(widths[-1], outputs)
        super().__init__(*hidden, head)
        initialise_(self, kaiming_uniform_)
        lecun_uniform_(head.weight)

    def forward(self, input: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        """The outputs of a batch."""
        return super().forward(input)
