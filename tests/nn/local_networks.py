"""Small networks and data for tests of local training."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from plastic_rl.nn import LocalHSIC, OneHot

CLASSES, INPUTS = 4, 12


def mlp(*widths: int, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [(nn.Linear(a, b), nn.LayerNorm(b), nn.ReLU()) for a, b in pairwise([INPUTS, *(widths or (16, 16, 16))])]
    return nn.Sequential(*(module for block in layers for module in block))


def normed(*widths: int, seed: int = 0) -> nn.Sequential:
    """With the paper's batch normalisation."""
    torch.manual_seed(seed)
    layers = [(nn.Linear(a, b), nn.BatchNorm1d(b, affine=False), nn.ReLU()) for a, b in pairwise([INPUTS, *widths])]
    return nn.Sequential(*(module for block in layers for module in block))


def convnet(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        Residual(4),
        nn.Flatten(),
        nn.Linear(4 * 9, 10),
        nn.ReLU(),
    )


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.norm(self.conv(x)))


def clusters(count: int, seed: int = 0, noise: float = 0.7) -> tuple[Tensor, Tensor]:
    """Classes on the corners of a cube, two corners each: not linearly separable."""
    draw = torch.Generator().manual_seed(seed)
    corners = torch.randn(2 * CLASSES, INPUTS, generator=torch.Generator().manual_seed(42))
    place = torch.randint(2 * CLASSES, (count,), generator=draw)
    return corners[place] + noise * torch.randn(count, INPUTS, generator=draw), place % CLASSES


def images(count: int, seed: int = 0, noise: float = 1.5) -> tuple[Tensor, Tensor]:
    """Four textures, each as it is and in negative, so that no class has a mean image."""
    draw = torch.Generator().manual_seed(seed)
    stripes, flat = torch.tensor([1.0, -1.0]).repeat(3), torch.ones(6)
    textures = torch.stack([torch.outer(rows, columns) for rows in (stripes, flat) for columns in (stripes, flat)])
    labels, sign = torch.arange(count) % CLASSES, torch.randint(2, (count, 1, 1), generator=draw) * 2 - 1
    return (sign * textures[labels] + noise * torch.randn(count, 6, 6, generator=draw))[:, None], labels


def trainer(network: nn.Module | None = None, **settings) -> LocalHSIC:
    settings = {"target_encoder": OneHot(CLASSES), "estimator": "ridge", **settings}
    return LocalHSIC(mlp() if network is None else network, torch.zeros(1, INPUTS), **settings)


def numbers(module: nn.Module) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in [*module.parameters(), *module.buffers()]]


def are_equal(these: list[Tensor], those: list[Tensor]) -> bool:
    return len(these) == len(those) and all(torch.equal(a, b) for a, b in zip(these, those, strict=True))
