"""Optimisers beyond torch's usual ones, and compiled networks."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop
from tests.optim.networks import mlp, numbers, train


class Lion(Optimizer):
    """The sign of an average of gradients (Chen et al. 2023); state that torch does not know."""

    def __init__(self, params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                average = self.state[parameter].setdefault("exp_avg", torch.zeros_like(parameter))
                first, second = group["betas"]
                parameter.sub_(group["lr"] * average.lerp(parameter.grad, 1 - first).sign())
                average.lerp_(parameter.grad, 1 - second)


def wrapped(network: torch.nn.Module, optimizer: Optimizer) -> ContinualBackprop:
    layers = hidden_layers(network, torch.zeros(1, 6))
    return ContinualBackprop(optimizer, layers, replacement_rate=1 / 16, maturity_threshold=0)


def is_silent_and_forgotten(network: torch.nn.Module, optimizer: ContinualBackprop, moment: str) -> bool:
    """Whether one unit of each layer is silent, and its moments are zero there and nowhere else."""
    for reader in (network[2], network[4]):
        (unit,) = (reader.weight == 0).all(0).nonzero().flatten().tolist()
        state: Tensor = optimizer.state[reader.weight][moment]
        forgotten = (state == 0).all(0).nonzero().flatten().tolist()
        if forgotten != [unit]:
            return False
    return True


def test_lion():
    network = mlp()
    optimizer = wrapped(network, Lion(network.parameters()))
    train(network, optimizer, 10)
    assert is_silent_and_forgotten(network, optimizer, "exp_avg")


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
def test_muon():
    """Muon takes matrices alone, so that this network has no biases."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(6, 16, bias=False), torch.nn.ReLU(), torch.nn.Linear(16, 16, bias=False)]
    network = torch.nn.Sequential(*layers, torch.nn.Tanh(), torch.nn.Linear(16, 2, bias=False))
    optimizer = wrapped(network, torch.optim.Muon(network.parameters(), lr=1e-2))
    train(network, optimizer, 10)
    assert is_silent_and_forgotten(network, optimizer, "momentum_buffer")


@pytest.mark.parametrize("name", ["NAdam", "RAdam", "Adagrad", "Adamax", "Rprop", "ASGD"])
def test_every_optimiser_of_torch_trains_on_with_silent_newborn_units(name: str):
    network = mlp()
    optimizer = wrapped(network, getattr(torch.optim, name)(network.parameters(), lr=1e-3))
    train(network, optimizer, 10)
    for reader in (network[2], network[4]):
        assert (reader.weight == 0).all(0).sum() == 1
    assert all(torch.isfinite(value).all() for value in numbers(network))


COMPILED = """
import torch
from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop
from tests.optim.networks import are_equal, mlp, numbers, train
torch.set_num_threads(1)
for mode in ("exact", "instant"):
    results = []
    for compiles in (False, True):
        network = mlp()
        settings = {"replacement_rate": 0.02, "maturity_threshold": 2, "seed": 1, "mode": mode}
        layers = hidden_layers(network, torch.zeros(1, 6))
        optimizer = ContinualBackprop(torch.optim.SGD(network.parameters(), 0.05), layers, **settings)
        train(torch.compile(network, backend="eager") if compiles else network, optimizer, 15)
        results.append([torch.tensor(optimizer.metrics()["cbp/replaced"]), *numbers(network)])
    assert results[0][0] > 4, results[0][0]
    assert are_equal(*results), mode
"""


def test_a_compiled_network_is_recorded_and_replaced_as_it_is():
    """In a process of its own, because the compiler does not see through the type checks of the test run."""
    subprocess.run([sys.executable, "-c", COMPILED], check=True, timeout=200)
