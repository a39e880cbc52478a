"""The same contract on a convolutional network and on a residual one with LayerNorm.

Every day in a plain loop; on streams, with one seed and with two, in the slow run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import pytest

from tests.contract.claims import (
    Host,
    assert_acts,
    assert_learner_goes_on,
    assert_newborns_are_silent,
    assert_off_is_gone,
    assert_optimizer_goes_on,
    assert_seeds_are_alike,
)
from tests.contract.hosts import Trained, learn_from_streams, learn_in_turn, plain_loop
from tests.contract.methods import METHODS, nothing
from tests.contract.networks import NETWORKS

HOSTS: dict[str, Callable[..., Trained]] = {
    "plain loop": plain_loop,
    "one seed": partial(learn_from_streams, seeds=(3,)),
    "two seeds": partial(learn_from_streams, seeds=(3, 4)),
}
pairs = [(name, net) for name, method in METHODS.items() for net in NETWORKS if net not in method.refused_in]
rows = pytest.mark.parametrize(("name", "net"), pairs)
refused = [(name, net) for name, method in METHODS.items() for net in NETWORKS if net in method.refused_in]
replacing = [(name, net) for name, net in pairs if METHODS[name].replaces]
hosts = pytest.mark.parametrize(
    "host", [name if name == "plain loop" else pytest.param(name, marks=pytest.mark.slow) for name in HOSTS]
)


def on(net: str, host: str) -> Host:
    return partial(HOSTS[host], net=NETWORKS[net])


@cache
def base(net: str, host: str) -> Trained:
    """The host without a method."""
    return on(net, host)(None, nothing)


@hosts
@rows
def test_off_is_bit_for_bit_what_the_method_wraps(name: str, host: str, net: str):
    is_in_turn = METHODS[name].takes_turns and host == "two seeds"
    assert_off_is_gone(METHODS[name], on(net, host), learn_in_turn(NETWORKS[net]) if is_in_turn else base(net, host))


@pytest.mark.parametrize(("name", "net"), refused)
def test_a_network_for_which_a_method_is_not_made_is_refused_with_the_reason(name: str, net: str):
    with pytest.raises(ValueError, match=METHODS[name].refused_in[net]):
        on(net, "plain loop")(METHODS[name].on, nothing)


@hosts
@rows
def test_on_acts(name: str, host: str, net: str):
    assert_acts(METHODS[name], on(net, host), base(net, host))


@pytest.mark.slow
@rows
def test_two_seeds_learn_what_each_learns_alone(name: str, net: str):
    assert_seeds_are_alike(METHODS[name], NETWORKS[net])


@pytest.mark.slow
@rows
def test_a_saved_learner_of_two_seeds_goes_on_bit_for_bit(name: str, net: str):
    assert_learner_goes_on(METHODS[name], (3, 4), NETWORKS[net])


@pytest.mark.parametrize(
    ("name", "net"),
    [pytest.param(name, net, marks=pytest.mark.slow if net == "conv net" else ()) for name, net in pairs],
)
def test_a_saved_optimizer_goes_on_bit_for_bit(name: str, net: str):
    assert_optimizer_goes_on(METHODS[name].on, METHODS[name].begin, NETWORKS[net])


@pytest.mark.slow
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("name", "net"), replacing)
def test_a_newborn_unit_is_silent(name: str, host: str, net: str):
    assert_newborns_are_silent(METHODS[name], on(net, host))
