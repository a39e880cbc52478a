"""ReGraMa: both of its scores by hand, and the ways in which gradients of activations can go wrong."""

from __future__ import annotations

import gc
import weakref
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ReGraMa, UnitsReplaced
from plastic_rl.optim.gradient import incoming_gradient
from tests.contract.hosts import make_local
from tests.optim.networks import X, mlp, step, three_unit_layer, three_units, train

# On X the network says 1.75 and 7.75, which is also the gradient of the mean of squares; units answer [1, 2, 3] and
# [3, 0, 3], with outgoing weights of 2, -1 and 0.5.
AT_ACTIVATIONS = [2 * 4.75, 4.75, 0.5 * 4.75]
AT_WEIGHTS = [2 * (25.0 + 3.5), 1.75 + 3.5, 0.5 * (25.0 + 3.5)]  # the second unit is off on the second sample


def still(network: nn.Module, layers: list[HiddenLayer], **settings) -> ReGraMa:
    """ReGraMa around an optimiser that moves nothing, so that every number is the method's own."""
    settings = {"every": 1, "seed": 0, **settings}
    return ReGraMa(torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9), layers, **settings)


by_activations = partial(still, gradient_of="activations")


def replaced_units(optimizer: ReGraMa) -> list[UnitsReplaced]:
    events: list[UnitsReplaced] = []
    optimizer.on_replacement(events.append)
    return events


@pytest.mark.parametrize(("gradient_of", "sums"), [("weights", AT_WEIGHTS), ("activations", AT_ACTIVATIONS)])
def test_the_score_is_the_gradient_over_the_mean_of_the_layer(gradient_of: str, sums: list[float]):
    network = three_units()
    optimizer = still(network, three_unit_layer(network), threshold=0.9, gradient_of=gradient_of)
    events = replaced_units(optimizer)
    step(network, optimizer, X)
    scores = [3 * each / sum(sums) for each in sums]
    assert events[0].utility.tolist() == pytest.approx(scores)
    assert events[0].units.tolist() == [1, 2]
    assert (network[2].weight == 0).tolist() == [[False, True, True]]
    assert optimizer.metrics() == {"regrama/replaced": 2, "regrama/replaced/hidden": 2}


def test_a_relu_that_never_answers_is_found_by_its_weights_and_not_by_its_activation():
    """At its activation the loss still asks something of it: Eq. 2 as printed does not imply the paper's theorem."""
    found = {}
    for gradient_of in ("weights", "activations"):
        network = three_units()
        with torch.no_grad():
            network[0].bias[0] = -100.0
        optimizer = still(network, three_unit_layer(network), threshold=0.01, gradient_of=gradient_of)
        step(network, optimizer, X)
        found[gradient_of] = optimizer.metrics()["regrama/replaced"]
    assert found == {"weights": 1, "activations": 0}


def test_convolutions_are_scored_over_all_places():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))  # 2 channels of 2 x 2
    with torch.no_grad():
        network[0].weight.fill_(1.0)
        network[3].weight.copy_(torch.tensor([[1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0]]))
    for gradient_of in ("weights", "activations"):
        optimizer = still(
            network, hidden_layers(network, torch.ones(2, 1, 2, 2)), threshold=0.5, gradient_of=gradient_of
        )
        events = replaced_units(optimizer)
        optimizer.zero_grad()
        network(torch.ones(2, 1, 2, 2)).sum().backward()
        optimizer.step()
        optimizer.remove()
        assert events[0].utility.tolist() == pytest.approx([0.5, 1.5])
        with torch.no_grad():
            network[0].weight.fill_(1.0)
            network[3].weight[0, :4] = 1.0


# Gradients of activations.


def test_gradients_are_summed_over_the_passes_of_an_update():
    network = three_units()
    optimizer = by_activations(network, three_unit_layer(network), threshold=0.0)
    optimizer.zero_grad()
    for _ in range(2):
        network(X).square().mean().backward()
    assert optimizer.watched[0].recorders[0].magnitude.tolist() == pytest.approx([2 * each for each in AT_ACTIVATIONS])
    optimizer.step()
    assert optimizer.watched[0].recorders[0].magnitude is None


def test_another_losss_passes_before_gradients_are_cleared_do_not_count():
    """SAC's actor goes through the critic after the critic's step, and before the critic's next zero_grad."""
    network = three_units()
    optimizer = by_activations(network, three_unit_layer(network), threshold=0.9)
    events = replaced_units(optimizer)
    (1000 * network(X)[:, 0] @ torch.tensor([1.0, -5.0])).backward()
    loss = network(X).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    assert events[0].utility.tolist() == pytest.approx([3 * each / sum(AT_ACTIVATIONS) for each in AT_ACTIVATIONS])


def test_acting_and_evaluating_add_nothing():
    network = three_units()
    optimizer = by_activations(network, three_unit_layer(network), threshold=0.9)
    network(X).square().mean().backward()
    before = optimizer.watched[0].recorders[0].magnitude.clone()
    with torch.no_grad():
        network(X)
    assert torch.equal(optimizer.watched[0].recorders[0].magnitude, before)


@pytest.mark.parametrize("is_backward", [True, False])
def test_no_graph_is_kept_alive(is_backward: bool):
    network = three_units()
    optimizer = by_activations(network, three_unit_layer(network), threshold=0.0)
    heard: list[weakref.ref[Tensor]] = []
    network[2].register_forward_pre_hook(lambda _, inputs: heard.append(weakref.ref(inputs[0])))
    loss = network(X).square().mean()
    assert heard[0]() is not None
    if is_backward:
        loss.backward()
    del loss
    gc.collect()
    assert heard[0]() is None
    assert (optimizer.watched[0].recorders[0].magnitude is not None) == is_backward


def test_between_two_looks_no_hook_hangs_on_any_tensor():
    network = three_units()
    optimizer = by_activations(network, three_unit_layer(network), threshold=0.0, every=2)
    for due in (False, True, False):
        network(X).square().mean().backward()
        assert (optimizer.watched[0].recorders[0].magnitude is not None) == due
        optimizer.step()


def test_readers_that_take_units_in_detached_are_named():
    network = three_units()
    optimizer = by_activations(network, three_unit_layer(network), threshold=0.5)
    network[2](network[:2](X).detach()).sum().backward()
    with pytest.raises(RuntimeError, match=r"units of `hidden`.*\(`.*readers\[0\]`\).*Use gradient_of='weights'"):
        optimizer.step()


def test_blocks_that_are_trained_locally_are_told_to_use_weights():
    trainer = make_local(partial(ReGraMa, every=1, gradient_of="activations"))
    with pytest.raises(RuntimeError, match=r"takes them in detached\. Use gradient_of='weights'"):
        trainer.update(torch.randn(8, 4), torch.randint(3, (8,)))


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.one, self.other = nn.Linear(2, 3), nn.Linear(3, 1), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.trunk(x).relu()
        return self.one(hidden), self.other(hidden)


def test_units_with_two_readers_are_asked_by_both():
    network = TwoHeads()
    layers = hidden_layers(network, X)
    optimizer = by_activations(network, layers, threshold=0.0)
    one, other = network(X)
    (one.sum() + 10 * other.sum()).backward()
    total = (network.one.weight + 10 * network.other.weight).abs()[0]
    assert optimizer.activity(optimizer.watched[0]).tolist() == pytest.approx((2 * total).tolist())  # heard twice


# What a score does not say.


def test_an_update_without_gradients_replaces_nothing():
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=100.0)
    assert incoming_gradient(optimizer.layers[0]) is None
    optimizer.step()
    assert optimizer.metrics()["regrama/replaced"] == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_no_number_condemns_nobody(value: float):
    network = three_units()
    optimizer = still(network, three_unit_layer(network), threshold=0.9)
    network(X).square().mean().backward()
    network[0].weight.grad[0, 0] = value
    optimizer.step()
    assert optimizer.metrics()["regrama/replaced"] == 0


def test_a_layer_without_any_gradient_is_replaced_as_a_whole():
    network = three_units()
    with torch.no_grad():
        network[0].bias.fill_(-100.0)
    optimizer = still(network, three_unit_layer(network), threshold=0.0)
    step(network, optimizer, X)
    assert optimizer.metrics()["regrama/replaced"] == 3


@pytest.mark.parametrize("gradient_of", ["weights", "activations"])
def test_a_layer_that_the_loss_does_not_reach_is_left_alone(gradient_of: str):
    """PPO's policy has no gradient on a minibatch that is clipped throughout: that is not the fault of its units."""
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    optimizer = still(network, layers, threshold=0.5, gradient_of=gradient_of)
    (0 * network(torch.ones(2, 6))).sum().backward()
    optimizer.step()
    assert optimizer.metrics()["regrama/replaced"] == 0


def test_what_lies_before_a_dead_layer_is_left_alone_and_the_dead_layer_is_replaced():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        network[2].bias.fill_(-100.0)
    optimizer = still(network, hidden_layers(network, X), threshold=0.0)
    step(network, optimizer, X)
    assert optimizer.metrics() == {"regrama/replaced": 4, "regrama/replaced/0": 0, "regrama/replaced/2": 4}


def test_looking_every_update_is_warned_of_and_replaces_newborns_again():
    network = mlp()
    inner = torch.optim.SGD(network.parameters(), lr=0.1)
    optimizer = ReGraMa(inner, hidden_layers(network, torch.zeros(1, 6)), threshold=0.5, every=1, audit_size=99)
    (warning,) = optimizer.concerns()
    assert warning.startswith("every is 1: a newborn unit")
    train(network, optimizer, 2)
    first, second = ({(e.layer, e.unit) for e in optimizer.replacements() if e.step == number} for number in (1, 2))
    assert first
    assert first <= second
    assert list(still(network, optimizer.layers, every=2).concerns()) == []
