"""Small networks that learn one random task after another."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.nn import AdditiveDecomposition, AdditiveOptimizer

PROBE = torch.randn(5, 4, generator=torch.Generator().manual_seed(99))


def mlp(width: int = 8, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [nn.Linear(4, width), nn.BatchNorm1d(width), nn.Tanh(), nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 2))


def decomposed(
    network: nn.Module, rate: float = 0.02, **settings: Any
) -> tuple[AdditiveDecomposition, AdditiveOptimizer]:
    tasks = AdditiveDecomposition(network, **settings)
    return tasks, AdditiveOptimizer(torch.optim.Adam(network.parameters(), lr=rate), decomposition=tasks)


def learn(network: nn.Module, optimizer: torch.optim.Optimizer, task: int, steps: int = 5) -> None:
    """Steps on a regression whose targets depend on the task alone."""
    source = torch.Generator().manual_seed(task)
    x = torch.randn(12, 4, generator=source)
    y = torch.randn(12, 2, generator=source)
    for _ in range(steps):
        optimizer.zero_grad()
        (network(x) - y).square().mean().backward()
        optimizer.step()


@torch.no_grad()
def outputs(network: nn.Module) -> Tensor:
    """What the network says to the probe, its norms as they are after training."""
    network.eval()
    said = network(PROBE)
    network.train()
    return said


def recalled(tasks: AdditiveDecomposition, name: Any) -> Tensor:
    with tasks.task(name):
        return outputs(tasks.network)


def everything(network: nn.Module) -> list[Tensor]:
    return [value.detach().clone() for value in network.state_dict().values()]
