"""What the contract claims of a method, in whichever host and on whichever network."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn
from torch.optim import Optimizer

from plastic_rl.optim import Plasticity, PlasticOptimizer, UnitsReplaced, seeded
from tests.contract.hosts import (
    UPDATES,
    Trained,
    around,
    begin_learner,
    learn_from_streams,
    learner_of,
    streams_of,
    train,
)
from tests.contract.methods import Begin, Method
from tests.contract.networks import MLP, Architecture
from tests.streams.small import go_through

Host = Callable[[Plasticity | None, Begin], Trained]


def are_equal(one: Trained, other: Trained) -> bool:
    weights = zip(one.weights, other.weights, strict=True)
    return all(torch.equal(a, b) for a, b in weights)


def assert_off_is_gone(method: Method, host: Host, base: Trained) -> None:
    off = host(method.off, method.begin)
    assert are_equal(off, base)
    assert torch.equal(off.random, base.random)


def assert_acts(method: Method, host: Host, base: Trained, *, is_random_untouched: bool = True) -> None:
    on = host(method.on, method.begin)
    assert on.optimizers
    assert all(weight.isfinite().all() for weight in on.weights)
    assert not are_equal(on, base)
    assert torch.equal(on.random, base.random) or not is_random_untouched


def assert_seeds_are_alike(method: Method, net: Architecture = MLP) -> None:
    """Two seeds learn what each learns alone, to rounding."""
    together, *apart = (
        learn_from_streams(method.on, method.begin, seeds=seeds, net=net).weights for seeds in ((3, 4), (3,), (4,))
    )
    torch.testing.assert_close(together, [weight for weights in apart for weight in weights], atol=2e-5, rtol=2e-5)


def assert_learner_goes_on(method: Method, seeds: tuple[int, ...], net: Architecture = MLP) -> None:
    """A learner that was saved in the middle learns the rest bit for bit."""
    saved: list[dict[str, object]] = []
    whole, again = (learner_of(method.on, seeds, net) for _ in range(2))
    begin_learner(whole, method.begin)
    go_through(streams_of(seeds, net), whole, lambda course, _: saved.append(copy.deepcopy(course.state_dict())))
    go_through(streams_of(seeds, net), again, saved=saved[0])
    for one, other in zip(whole.networks, again.networks, strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict(), atol=0, rtol=0)


def assert_optimizer_goes_on(plasticity: Plasticity, begin: Begin, net: Architecture = MLP) -> None:
    """A loop that was saved in the middle goes on bit for bit."""
    inputs = torch.randn(2 * UPDATES, 8, *net.shape)
    network, optimizer = built(plasticity, net)
    begin(optimizer)
    train(network, optimizer, inputs[:UPDATES])
    other, again = built(plasticity, net)
    other.load_state_dict(network.state_dict())
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, one in ((network, optimizer), (other, again)):
        train(each, one, inputs[UPDATES:])
    torch.testing.assert_close(other.state_dict(), network.state_dict(), atol=0, rtol=0)


def built(plasticity: Plasticity, net: Architecture) -> tuple[nn.Module, Optimizer]:
    network = net.build()
    return network, around(network, seeded(plasticity, 5), net.shape)


def assert_newborns_are_silent(method: Method, host: Host) -> None:
    loudest: list[float] = []

    def listen(event: UnitsReplaced) -> None:
        for port in event.layer.read_by:
            columns = port.parameter.index_select(port.column_axis or 0, port.columns(event.units))
            loudest.append(columns.abs().max().item())

    def begin(optimizer: Optimizer) -> None:
        assert isinstance(optimizer, PlasticOptimizer)
        optimizer.on_replacement(listen)

    host(method.on, begin)
    assert loudest
    assert max(loudest) == 0.0
