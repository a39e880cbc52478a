"""The penalty on the norm of features: what output layers read is kept small.

A control of studies of plasticity rather than one paper's method; Moalla, Miele, Pyatko, Pascanu, Gulcehre, "No
representation, no trust: connecting representation, collapse, and trust issues in PPO", NeurIPS 2024 (arXiv
2405.00662), measure how these norms grow as PPO loses its plasticity.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.features import Features, Term, Window, of_units, output_ports, samples
from plastic_rl.optim.loss_term import LossTerm


def shrinkage(features: Float[Tensor, "..."], strength: float, count: int) -> Float[Tensor, "..."]:
    """2 λ φ / n, the gradient of λ · mean ‖φ‖² over n samples."""
    return features * (2 * strength / count)


class PenalizedFeatures(Features):
    """The features of one hidden layer, with the penalty on their norm.

    Args:
        layer: the hidden layer.
        ports: where output layers read it.
        window: when backward passes count.
        strength: λ.
    """

    def __init__(self, layer: HiddenLayer, ports: Sequence[Port], window: Window, strength: float) -> None:
        self.strength = strength
        super().__init__(layer, ports, window)

    def term(self, port: Port, heard: Float[Tensor, "..."]) -> Term:
        return lambda: shrinkage(of_units(port, heard), self.strength, samples(heard, port.axis))


class FeatureNorm(LossTerm):
    """Adds λ · mean ‖φ‖² to the loss, φ being what output layers read of hidden units, the mean over a minibatch.

    The scale is that of the mean whatever the loss's own reduction. Where a network has several groups of features (a
    policy's and a value's), their penalties are added.

    Args:
        optimizer: what moves the parameters.
        layers: the hidden layers of the network; those are penalised that an output layer reads.
        strength: λ; 0 leaves the optimiser bit for bit alone.

    Raises:
        ValueError: the strength is negative, no layers, or a network whose parts are trained one by one.
    """

    follows_resizing = True

    def __init__(self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, strength: float = 1e-3) -> None:
        super().__init__(optimizer, layers, strength=strength)

    def heard(self, layers: Sequence[HiddenLayer]) -> list[Features]:
        return [
            PenalizedFeatures(layer, ports, self.window, self.strength) for layer, ports in output_ports(layers).items()
        ]
