"""The convolutional network of Continual ImageNet."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class ConvNet(nn.Sequential):
    """Three convolutions and three linear layers for images of 32 × 32 (Dohare et al. 2024, Continual ImageNet).

    177,218 parameters with two classes; initialised as torch does by default.

    Args:
        classes: number of outputs.
    """

    def __init__(self, classes: int = 2) -> None:
        super().__init__(
            *(nn.Conv2d(3, 32, kernel_size=5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, kernel_size=3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(64, 128, kernel_size=3), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Flatten(),
            *(nn.Linear(512, 128), nn.ReLU()),
            *(nn.Linear(128, 128), nn.ReLU()),
            nn.Linear(128, classes),
        )

    def forward(self, input: Float[Tensor, "batch 3 32 32"]) -> Float[Tensor, "batch classes"]:
        """The logits of a batch of images."""
        return super().forward(input)
