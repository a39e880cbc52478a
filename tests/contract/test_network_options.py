"""The contract of every network on streams: seeds are alike, state goes on, units are found, read, and silent."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from plastic_rl.layers import assert_function_preserving, hidden_layers
from plastic_rl.learners import Blueprint, backprop_learner
from plastic_rl.networks import network_for
from plastic_rl.optim import Plasticity
from tests.contract.hosts import ADAM, streams_of
from tests.contract.methods import often
from tests.contract.network_options import NETWORKS
from tests.streams.small import go_through

rows = pytest.mark.parametrize("name", NETWORKS)
plasticities = pytest.mark.parametrize("plasticity", [None, often], ids=["plain", "continual backprop"])


def network_of(name: str) -> nn.Module:
    return network_for("mlp", (4,), 3, hidden_layers=2, hidden_units=8, width=1, **NETWORKS[name])


def learner_of(name: str, seeds: tuple[int, ...], plasticity: Plasticity | None = None) -> Any:
    return backprop_learner(Blueprint(partial(network_of, name), ADAM, plasticity), streams_of(seeds))


@rows
def test_units_are_found_and_a_newborn_one_is_silent_unless_a_norm_mixes_them(name: str):
    network, inputs = network_of(name), torch.randn(5, 4)
    layers = hidden_layers(network, inputs)
    assert [layer.name for layer in layers] == [name for name, module in network.named_modules() if is_hidden(module)]
    if "normalization" in NETWORKS[name]:
        assert all(layer.is_audible for layer in layers)
    else:
        assert_function_preserving(network, layers, inputs)


def is_hidden(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) and module.out_features != 3


@rows
@plasticities
def test_two_seeds_learn_what_each_learns_alone(name: str, plasticity: Plasticity | None):
    together = learner_of(name, (3, 4), plasticity)
    go_through(streams_of((3, 4)), together)
    for place, seed in enumerate((3, 4)):
        alone = learner_of(name, (seed,), plasticity)
        go_through(streams_of((seed,)), alone)
        torch.testing.assert_close(
            list(together.networks[place].parameters()), list(alone.networks[0].parameters()), atol=2e-5, rtol=2e-5
        )


@rows
@plasticities
@pytest.mark.parametrize("seeds", [(3,), (3, 4)])
def test_a_saved_learner_goes_on_bit_for_bit(name: str, plasticity: Plasticity | None, seeds: tuple[int, ...]):
    whole, saved = learner_of(name, seeds, plasticity), []
    go_through(streams_of(seeds), whole, lambda course, _: saved.append(copy.deepcopy(course.state_dict())))
    torch.manual_seed(5)  # whatever the global stream does meanwhile
    again = learner_of(name, seeds, plasticity)
    go_through(streams_of(seeds), again, saved=saved[0])
    for one, other in zip(whole.networks, again.networks, strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict(), atol=0, rtol=0)


@rows
def test_every_weight_learns(name: str):
    learner = learner_of(name, (3,))
    before = [parameter.clone() for parameter in learner.networks[0].parameters()]
    go_through(streams_of((3,)), learner)
    assert not any(map(torch.equal, before, learner.networks[0].parameters()))
