"""Contracts of all methods that look at hidden units from time to time: numbers of other kinds, copies, transforms."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.func import functional_call

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import (
    CalibratedPartialResets,
    PlasticOptimizer,
    ReDo,
    ReGraMa,
    SelectiveWeightReinitialization,
    SelfNormalizedResets,
    unwatched,
)
from tests.optim.networks import are_equal, mlp, numbers, step, train
from tests.optim.test_overhead import WAITING, Operations

METHODS: dict[str, Callable[..., PlasticOptimizer]] = {
    "ReDo": partial(ReDo, threshold=0.8, every=2),
    "ReDo by deviation": partial(ReDo, threshold=0.8, every=2, activity="deviation"),
    "ReGraMa": partial(ReGraMa, threshold=0.8, every=2),
    "ReGraMa by activations": partial(ReGraMa, threshold=0.8, every=2, gradient_of="activations"),
    "CPR": partial(CalibratedPartialResets, replacement_rate=0.3, every=2),
    "SNR": partial(SelfNormalizedResets, max_threshold=2, recalibrate_every=3),
}
methods = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


def around(method: Callable[..., PlasticOptimizer], network: nn.Module) -> PlasticOptimizer:
    layers = hidden_layers(network, torch.zeros(1, 6, dtype=next(network.parameters()).dtype))
    return method(torch.optim.Adam(network.parameters(), lr=0.01), layers, seed=1)


def amount(optimizer: PlasticOptimizer) -> float:
    """What a method has done so far."""
    metrics = optimizer.metrics()
    return next(value for name, value in metrics.items() if name.endswith(("/replaced", "/reset")))


@methods
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_method_follows_a_network_that_changes_its_numbers(method: Any, dtype: torch.dtype):
    network = mlp()
    optimizer = around(method, network)
    train(network, optimizer, 3, batch=2)
    network.to(dtype)
    before = amount(optimizer)
    optimizer.state.clear()  # of the numbers before
    for _ in range(6):
        step(network, optimizer, torch.randn(2, 6).to(dtype))
    assert amount(optimizer) > before
    assert all(value.isfinite().all() for value in numbers(network))


@methods
def test_a_network_in_sixteen_bits_can_be_wrapped(method: Any):
    network = mlp().to(torch.bfloat16)
    optimizer = around(method, network)
    for _ in range(8):
        step(network, optimizer, torch.randn(2, 6).to(torch.bfloat16))
    assert amount(optimizer) > 0


@methods
def test_a_network_under_autocast_is_heard(method: Any):
    network = mlp()
    optimizer = around(method, network)
    for _ in range(8):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = network(torch.randn(2, 6)).square().mean()
        loss.backward()
        optimizer.step()
    assert amount(optimizer) > 0


@methods
def test_a_network_without_numbers_is_named(method: Any):
    network = mlp()
    optimizer = around(method, network)
    network.to("meta")
    with pytest.raises(RuntimeError, match="the weights of `0` are on the meta device now"):
        optimizer.after_step()


@methods
def test_copies_go_on_bit_for_bit_and_by_themselves(method: Any):
    network = mlp()
    optimizer = around(method, network)
    train(network, optimizer, 5, batch=2)
    pairs = [copy.deepcopy((network, optimizer)), pickle.loads(pickle.dumps((network, optimizer)))]
    for again, other in pairs:
        train(again, other, 6, batch=2, seed=2)
    train(network, optimizer, 6, batch=2, seed=2)
    for again, other in pairs:
        assert are_equal(numbers(network), numbers(again))
        assert amount(other) == amount(optimizer) > 0


@methods
def test_a_network_that_runs_by_functional_call_is_heard(method: Any):
    network = mlp()
    optimizer = around(method, network)
    for _ in range(6):
        optimizer.zero_grad()
        functional_call(network, dict(network.named_parameters()), (torch.randn(2, 6),)).square().mean().backward()
        optimizer.step()
    assert amount(optimizer) > 0


@methods
def test_hooks_can_be_taken_off_for_a_while(method: Any):
    network = mlp()
    optimizer = around(method, network)
    with unwatched(network):
        assert not any(module._forward_pre_hooks for module in network.modules())
        network(torch.ones(1, 6))
    train(network, optimizer, 6, batch=2)
    assert amount(optimizer) > 0
    assert isinstance(optimizer.remove(), torch.optim.Optimizer)
    assert not any(module._forward_pre_hooks for module in network.modules())


@methods
def test_a_norm_that_mixes_units_is_warned_of(method: Any):
    network = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 2))
    assert any("a norm that mixes units" in text for text in around(method, network).concerns(10**6))


RARELY: dict[str, Callable[..., PlasticOptimizer]] = {
    **{name: partial(method, every=4) for name, method in METHODS.items()},
    "SWR": partial(SelectiveWeightReinitialization, every=4, factor=0.5),
}
rarely = pytest.mark.parametrize("method", RARELY.values(), ids=RARELY.keys())


def steps_between_looks(method: Any, device: str) -> Iterator[tuple[PlasticOptimizer, Callable[[], None]]]:
    """Updates of a network, each to be made by whoever takes it; those at which the method looks are made here."""
    network = mlp().to(device)
    layers = hidden_layers(network, torch.zeros(1, 6, device=device))
    optimizer = method(torch.optim.SGD(network.parameters(), lr=0.01), layers, seed=1)
    for number in range(1, 13):
        one = partial(step, network, optimizer, torch.randn(2, 6, device=device))
        if number % 4:
            yield optimizer, one
        else:
            one()


@rarely
def test_a_step_between_two_looks_asks_the_device_for_nothing(method: Any):
    for _, one in steps_between_looks(method, "cpu"):
        with Operations() as seen:
            one()
        assert not {name for name in seen.counts if name in WAITING}


@rarely
@pytest.mark.gpu
def test_a_step_between_two_looks_never_waits_for_the_gpu(method: Any):
    for _, one in steps_between_looks(method, "cuda"):
        torch.cuda.set_sync_debug_mode("error")
        try:
            one()
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_a_draw_of_single_weights_and_a_partial_reset_ask_the_device_for_nothing_either():
    for method in (RARELY["SWR"], METHODS["CPR"]):
        network = mlp()
        layers = hidden_layers(network, torch.zeros(1, 6))
        optimizer = method(torch.optim.SGD(network.parameters(), lr=0.01), layers, every=1)
        with Operations() as seen:
            step(network, optimizer, torch.ones(2, 6))
        assert not {name for name in seen.counts if name in WAITING}


@pytest.mark.parametrize("name", ["CPR", "SNR"])
def test_units_are_joined_anew_where_they_have_gone(name: str):
    network = mlp()
    optimizer: Any = around(METHODS[name], network)
    train(network, optimizer, 1, batch=2)
    for watched in optimizer.watched:
        watched.hold(iter([tensor.clone() for tensor in watched.tensors()]))
    optimizer.moved()
    before = [tensor.clone() for watched in optimizer.watched for tensor in watched.tensors()]
    train(network, optimizer, 2, batch=2)
    after = [tensor for watched in optimizer.watched for tensor in watched.tensors()]
    assert not are_equal(before, after)
    assert torch.equal(optimizer.joint[0].tensors[0], torch.cat([each.tensors()[0] for each in optimizer.watched]))
