"""Networks small enough to be worked out by hand, and short runs on random data."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ContinualBackprop

X = torch.tensor([[1.0, 2.0], [3.0, 0.0]])  # activations [1, 2, 3] and [3, 0, 3], on average [2, 1, 3]


def three_units() -> nn.Sequential:
    """2 inputs, 3 ReLU units, 1 output; on X the units' contributions |h| |w_out| are 4, 1 and 1.5."""
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        network[0].bias.zero_()
        network[2].weight.copy_(torch.tensor([[2.0, -1.0, 0.5]]))
        network[2].bias.fill_(0.25)
    return network


def three_unit_layer(network: nn.Sequential) -> list[HiddenLayer]:
    return [HiddenLayer("hidden", network[0], [network[2]])]


def frozen(network: nn.Sequential, **settings) -> ContinualBackprop:
    """Continual backprop around an optimiser that moves nothing, so that every number is the method's own."""
    return ContinualBackprop(torch.optim.SGD(network.parameters(), lr=0.0), three_unit_layer(network), **settings)


def step(network: nn.Module, optimizer: Optimizer, x: Tensor) -> None:
    optimizer.zero_grad()
    network(x).square().mean().backward()
    optimizer.step()


def mlp(seed: int = 0, width: int = 16) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2))


def around(optimizer: Optimizer, network: nn.Module, **settings) -> ContinualBackprop:
    """Continual backprop that is quick to replace."""
    settings = {"replacement_rate": 0.05, "maturity_threshold": 3, "seed": 7, **settings}
    return ContinualBackprop(optimizer, hidden_layers(network, torch.zeros(2, 6)), **settings)


def train(network: nn.Module, optimizer: Optimizer, steps: int, seed: int = 1, batch: int = 8) -> None:
    """Steps on a stream of random data that depends on the seed alone."""
    data = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        step(network, optimizer, torch.randn(batch, 6, generator=data))


def numbers(network: nn.Module) -> list[Tensor]:
    return [value.detach().clone() for value in network.state_dict().values()]


def are_equal(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def remembered(optimizer: ContinualBackprop, layer: str = "hidden") -> dict:
    """What the method remembers of one layer."""
    return optimizer.state_dict()["ContinualBackprop"]["layers"][layer]


OPTIMIZERS: dict[str, Callable[[nn.Module], Optimizer]] = {
    "sgd": lambda network: torch.optim.SGD(network.parameters(), lr=0.05),
    "momentum": lambda network: torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda network: torch.optim.Adam(network.parameters(), lr=1e-2),
    "adam foreach": lambda network: torch.optim.Adam(network.parameters(), lr=1e-2, foreach=True),
    "adam fused": lambda network: torch.optim.Adam(network.parameters(), lr=1e-2, fused=True),
    "amsgrad": lambda network: torch.optim.Adam(network.parameters(), lr=1e-2, amsgrad=True),
    "adamw": lambda network: torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=1e-2),
    "rmsprop": lambda network: torch.optim.RMSprop(network.parameters(), lr=1e-3, momentum=0.5, centered=True),
}
