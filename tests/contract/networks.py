"""The networks of the contract, each as small as its kind allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    Args:
        build: draws one, with three outputs.
        shape: of one input.
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, ...] = (4,)


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3))


def convolutional() -> nn.Sequential:
    """Two convolutions, the second of which a dense layer reads through the flattened image."""
    convolutions = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))


class Residual(nn.Module):
    """Two blocks that add to a stream, each behind a norm of its own; only their inner units can be replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.norm, self.out = nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 3)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        stream = self.inward(x)
        for block in self.blocks:
            stream = stream + block(stream)
        return self.out(self.norm(stream))


MLP = Architecture(perceptron)
NETWORKS = {"conv net": Architecture(convolutional, (1, 4, 4)), "residual LayerNorm net": Architecture(Residual)}
