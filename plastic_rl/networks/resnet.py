"""The residual network of class-incremental CIFAR-100, and the way in which the paper's code replaced its units."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer


class Block(nn.Module):
    """Two convolutions whose result is added to their input, which a 1 × 1 convolution fits where it must."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, kernel_size=3, stride=stride, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or channels_in != channels:
            fit = nn.Conv2d(channels_in, channels, kernel_size=1, stride=stride)
            self.skip = nn.Sequential(fit, nn.BatchNorm2d(channels))

    def forward(self, x: Float[Tensor, "batch _ _ _"]) -> Float[Tensor, "batch _ _ _"]:
        """The block's input plus what its convolutions make of it."""
        inner = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(inner)) + self.skip(x))


class ResNet18(nn.Module):
    """ResNet-18 for images of 32 × 32 (Dohare et al. 2024, class-incremental CIFAR-100).

    Differs from the usual one in its first convolution (3 × 3, no pooling after it) and in that all convolutions have
    biases. Kaiming-normal weights, zero biases.

    Args:
        classes: number of outputs.
        width: channels of the first stage; the paper's is 64.
    """

    def __init__(self, classes: int = 100, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.blocks = nn.Sequential()
        for stage in range(4):
            channels, before = width * 2**stage, width * 2 ** max(0, stage - 1)
            self.blocks.append(Block(before, channels, stride=1 if stage == 0 else 2))
            self.blocks.append(Block(channels, channels, stride=1))
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(8 * width, classes)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """The logits of a batch of images."""
        features = self.blocks(self.relu(self.bn1(self.conv1(x))))
        return self.fc(self.flatten(self.pool(features)))


def authors_pairing(network: ResNet18) -> list[HiddenLayer]:
    """The hidden layers as the paper's code has them: each convolution is taken to be read by the next one alone.

    The 1 × 1 convolutions of the skips are passed over. For channels of a residual stream this is wrong (the skip reads
    them too), so that their newborn units are heard; the published results were obtained in this way. For a correct
    list use :func:`plastic_rl.layers.hidden_layers`.
    """
    convolutions = [("conv1", network.conv1, network.bn1)]
    for place, block in enumerate(network.blocks):
        assert isinstance(block, Block)
        convolutions += [(f"blocks.{place}.conv1", block.conv1, block.bn1)]
        convolutions += [(f"blocks.{place}.conv2", block.conv2, block.bn2)]
    readers = [conv for _, conv, _ in convolutions[1:]] + [network.fc]
    return [
        HiddenLayer(name, conv, [reader], norms=[norm])
        for (name, conv, norm), reader in zip(convolutions, readers, strict=True)
    ]
