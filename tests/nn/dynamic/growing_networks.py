"""Networks whose hidden layers can be of another width, with weights and inputs whose sums are exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plastic_rl.networks.activations import CReLU


class TwoHeads(nn.Module):
    """A trunk that two heads read, one of them beside the raw input."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.left, self.right = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(3 + 4, 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.trunk(x).relu()
        return self.left(hidden) + self.right(torch.cat([x, hidden], 1))


class SideBySide(nn.Module):
    """Two layers that one head reads, the one behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other, self.head = nn.Linear(3, 4), nn.Linear(3, 2), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.cat([self.one(x).relu(), self.other(x).relu()], 1))


@dataclass(frozen=True)
class Growing:
    """A kind of network, with the shape of one input."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...] = (3,)


def of(*modules: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*(each() for each in modules))


def conv() -> nn.Module:
    first, second = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
    return nn.Sequential(
        first, nn.ReLU(), second, nn.ReLU(), nn.Flatten(), nn.Linear(4 * 9, 5), nn.ReLU(), nn.Linear(5, 2)
    )


def transposed() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose1d(2, 3, 2), nn.ReLU(), nn.ConvTranspose1d(3, 2, 2))


def normed() -> nn.Module:
    first = nn.Sequential(nn.Conv1d(2, 4, 2), nn.BatchNorm1d(4), nn.PReLU(4))
    second = nn.Sequential(nn.Conv1d(4, 3, 1), nn.GroupNorm(3, 3), nn.ReLU())
    return nn.Sequential(first, second, nn.Flatten(), nn.Linear(9, 2)).eval()


EXACT = {
    "mlp": Growing(of(lambda: nn.Linear(3, 4), nn.ReLU, lambda: nn.Linear(4, 5), nn.ReLU, lambda: nn.Linear(5, 2))),
    "conv": Growing(conv, (2, 3, 3)),
    "transposed conv": Growing(transposed, (2, 4)),
    "CReLU": Growing(of(lambda: nn.Linear(3, 4), CReLU, lambda: nn.Linear(8, 2))),
    "two heads": Growing(TwoHeads),
    "side by side": Growing(SideBySide),
}
ROUNDED = {"norms and slopes": Growing(normed, (2, 4))}
ALL = EXACT | ROUNDED


def quarters(*shape: int, seed: int) -> Tensor:
    """Whole numbers of quarters, whose products are summed up without rounding, in whatever order."""
    return torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(seed)) / 4


def built(kind: Growing, seed: int = 0) -> nn.Module:
    network = kind.build()
    with torch.no_grad():
        for place, parameter in enumerate(network.parameters()):
            parameter.copy_(quarters(*parameter.shape, seed=100 * seed + place))
    return network
