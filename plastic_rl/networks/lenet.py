"""The LeNet of Additive Parameter Decomposition, in the sizes of its experiments."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.initialisers import initialise_, lecun_uniform_


class LeNet(nn.Sequential):
    """Two convolutions and three linear layers (Yoon et al. 2020; `_conv` and `build_model` of the released code).

    Weights have the variance 1 / fan-in, as there (but uniform, not normal), and biases are zero. What TensorFlow calls
    "SAME" is written in torch's words; the normalisation over nine channels is TensorFlow's with α = 0.001 / 9, which
    torch divides by nine itself. Without the head 2,986,500 weights in the size for CIFAR-100, the default; the size
    for Omniglot is `channels=(64, 128), units=(2500, 1500)`.

    Args:
        classes: number of outputs.
        shape: of one image: channels, height and width; both divisible by 4.
        channels: of the two convolutions.
        units: of the two hidden linear layers.

    Raises:
        ValueError: height or width is not divisible by 4.
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        shape: tuple[int, ...] = (3, 32, 32),
        channels: tuple[int, int] = (20, 50),
        units: tuple[int, int] = (800, 500),
    ) -> None:
        colours, height, width = shape
        if height % 4 or width % 4:
            raise ValueError(f"a LeNet takes images whose height and width are divisible by 4, got {height} x {width}")
        super().__init__(
            *_convolution(colours, channels[0]),
            *_convolution(channels[0], channels[1]),
            nn.Flatten(),
            *(nn.Linear(channels[1] * (height // 4) * (width // 4), units[0]), nn.ReLU()),
            *(nn.Linear(units[0], units[1]), nn.ReLU()),
            nn.Linear(units[1], classes),
        )
        initialise_(self, lecun_uniform_)

    def forward(self, input: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """The logits of a batch of images."""
        return super().forward(input)


def _convolution(channels_in: int, channels: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, channels, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.LocalResponseNorm(size=9, alpha=0.001, beta=0.75, k=1.0),
        # On an even size, windows that may reach over the end are "SAME": one row and column of nothing after the last.
        nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
    ]
