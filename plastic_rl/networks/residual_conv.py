"""The residual network of the HSIC bottleneck."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.networks.normalization import normalization_of

IMAGE_AXES = 3  # channels, height, width


class ResidualConv(nn.Sequential):
    """A convolution, residual blocks and a dense layer (Ma et al. 2020, "ResConv" of their code); no output layer.

    Nothing is pooled: the first convolution, of stride 2, leaves 12 × 12 places of an image of 28 × 28.

    Args:
        shape: of one image: channels, height and width, of 5 pixels or more.
        blocks: how many residual blocks.
        channels: of each convolution.
        units: of the dense layer.

    Raises:
        ValueError: inputs are no images, or too small.
    """

    def __init__(self, shape: tuple[int, ...], *, blocks: int = 5, channels: int = 64, units: int = 512) -> None:
        if len(shape) != IMAGE_AXES or min(shape[1:]) < 5:
            raise ValueError(
                f"a residual network takes images (channels, height, width) of 5 x 5 or more; got inputs of {shape}"
            )
        colours, height, width = shape
        places = ((height - 5) // 2 + 1) * ((width - 5) // 2 + 1)
        super().__init__(
            *(nn.Conv2d(colours, channels, 5, stride=2), nn.BatchNorm2d(channels, affine=False), nn.ReLU()),
            *(ResidualBlock(channels) for _ in range(blocks)),
            nn.Flatten(),
            *(nn.Linear(channels * places, units), normalization_of(units, "batch"), nn.ReLU()),
        )

    def forward(self, input: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch units"]:
        """The features of the dense layer."""
        return super().forward(input)


class ResidualBlock(nn.Module):
    """A convolution whose rectified result is added to its input; the sum is normalised and rectified again.

    Args:
        channels: of its input and of its output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 5, padding=2)
        self.inner_norm = nn.BatchNorm2d(channels, affine=False)
        self.outer_norm = nn.BatchNorm2d(channels, affine=False)
        self.relu = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """The block's input plus what its convolution makes of it."""
        inner = self.relu(self.inner_norm(self.conv(x)))
        return self.relu(self.outer_norm(inner + x))
