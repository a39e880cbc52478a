"""State goes through a file into another process, and training goes on bit for bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.optim.networks import OPTIMIZERS, are_equal, around, mlp, numbers, train

SETTINGS = [
    {"mode": "exact"},
    {"mode": "lazy", "utility": "adaptable_contribution"},
    {"utility": "mean_corrected", "move_mean_to_bias": True, "rounding": "bernoulli"},
    {"utility": "random"},
]

GO_ON = """
import sys, torch
torch.set_num_threads(1)
from tests.optim.networks import OPTIMIZERS, around, mlp, numbers, train
saved = torch.load(sys.argv[1], weights_only=True)
results = []
for settings, kind, model, state in saved:
    network = mlp(seed=99)
    optimizer = around(OPTIMIZERS[kind](network), network, **{**settings, "seed": 0})
    network.load_state_dict(model)
    optimizer.load_state_dict(state)
    train(network, optimizer, 15, seed=2)
    results.append(numbers(network))
torch.save(results, sys.argv[2])
"""


def test_another_process_goes_on_bit_for_bit(tmp_path: Path):
    saved, expected = [], []
    for settings in SETTINGS:
        for kind in ("momentum", "adam", "amsgrad"):
            network = mlp()
            optimizer = around(OPTIMIZERS[kind](network), network, **settings)
            train(network, optimizer, 15)
            state = torch.load(_save(tmp_path, [network.state_dict(), optimizer.state_dict()]), weights_only=True)
            saved.append((settings, kind, *state))
            train(network, optimizer, 15, seed=2)
            assert optimizer.metrics()["cbp/replaced"] > 20
            expected.append(numbers(network))
    torch.save(saved, tmp_path / "saved.pt")
    command = [sys.executable, "-c", GO_ON, str(tmp_path / "saved.pt"), str(tmp_path / "results.pt")]
    subprocess.run(command, check=True, timeout=120)
    results = torch.load(tmp_path / "results.pt", weights_only=True)
    assert [are_equal(a, b) for a, b in zip(results, expected, strict=True)] == [True] * len(expected)


def _save(folder: Path, content: object) -> Path:
    torch.save(content, folder / "state.pt")
    return folder / "state.pt"


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_plain_torch_optimiser_reads_the_state(kind: str):
    network = mlp()
    optimizer = around(OPTIMIZERS[kind](network), network)
    train(network, optimizer, 10)
    plain = OPTIMIZERS[kind](network)
    plain.load_state_dict(optimizer.state_dict())
    train(network, plain, 1)


def test_a_state_from_before_the_method_was_added_is_read():
    network = mlp()
    plain = OPTIMIZERS["adam"](network)
    train(network, plain, 5)
    optimizer = around(OPTIMIZERS["adam"](network), network)
    optimizer.load_state_dict(plain.state_dict())
    assert torch.equal(optimizer.state[network[0].weight]["exp_avg"], plain.state[network[0].weight]["exp_avg"])
    train(network, optimizer, 10)
    assert optimizer.metrics()["cbp/replaced"] > 0


def test_the_state_of_another_network_is_refused_by_the_names_of_its_layers():
    network = mlp()
    state = around(OPTIMIZERS["sgd"](network), network).state_dict()
    state["ContinualBackprop"]["layers"] = {"elsewhere": {}}
    with pytest.raises(ValueError, match=r"saved state is of layers \['elsewhere'\], this optimiser has \['0', '2'\]"):
        around(OPTIMIZERS["sgd"](network), network).load_state_dict(state)
