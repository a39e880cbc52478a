"""Churn reduction by hand, against a transcription with copies of the network, and what nobody may notice of it."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ChurnReduction, ContinualBackprop, NothingToReplaceError
from plastic_rl.optim.churn import balance, categorical_churn, squared_churn
from plastic_rl.optim.passages import rerun
from tests.optim.networks import mlp, numbers, step, three_unit_layer, three_units


def reduced(network: nn.Module, *, lr: float = 0.05, **settings) -> ChurnReduction:
    inner = torch.optim.SGD(network.parameters(), lr=lr)
    return ChurnReduction(inner, hidden_layers(network, torch.zeros(1, 6)), **settings)


def batches(count: int) -> Tensor:
    return torch.randn(count, 8, 6, generator=torch.Generator().manual_seed(1))


# The mathematics.


def test_churn_of_numbers_is_their_mean_square():
    assert squared_churn(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])) == pytest.approx(2.5)


def test_churn_of_distributions_is_their_cross_entropy():
    earlier = torch.tensor([[0.75, 0.25]]).log()
    logits = torch.tensor([[0.5, 0.5]]).log()
    assert categorical_churn(logits, earlier, [2]).item() == pytest.approx(math.log(2))
    by_hand = -0.5 * math.log(0.75) - 0.5 * math.log(0.25)
    assert categorical_churn(earlier, logits, [2]).item() == pytest.approx(by_hand)
    two = torch.cat([logits, earlier], 1), torch.cat([earlier, logits], 1)
    assert categorical_churn(*two, [2, 2]).item() == pytest.approx(math.log(2) + by_hand)  # two choices at once


def test_the_coefficient_is_a_ratio_of_running_means_and_zero_without_churn():
    assert balance(0.05, torch.tensor(4.0), torch.tensor(0.5)) == pytest.approx(0.4)
    assert balance(0.05, torch.tensor(4.0), torch.tensor(0.0)) == 0.0
    assert balance(0.05, torch.tensor(0.0), torch.tensor(0.0)) == 0.0


def test_the_coefficient_is_finite_however_little_churn_is_left():
    left = torch.tensor(1e-44)  # where a running mean ends whose policy has not moved for ten thousand updates
    assert 0 < left < torch.finfo(left.dtype).tiny
    assert balance(0.05, torch.tensor(4.0), left) == 0.0
    assert balance(0.05, torch.tensor(4e-30), torch.tensor(1e-30)).item() == pytest.approx(0.2)


# Its place in an update.


@pytest.mark.parametrize("outputs", ["auto", "categorical"])
def test_an_update_is_that_of_the_loss_with_the_term_and_lagged_copies(outputs: str):
    """In place of the authors' copies of the network after every update there are answers, taken one update earlier."""
    network, data = mlp(), batches(7)
    by_hand, past = copy.deepcopy(network), list[nn.Module]()
    sgd = torch.optim.SGD(by_hand.parameters(), lr=0.05)
    for number, x in enumerate(data):
        loss = by_hand(x).square().mean()
        if number >= 2:  # θ_lag is that before the latest update, which was made on x_{t-1}; s' is x_{t-2}
            now, before = by_hand(data[number - 2]), past[-1](data[number - 2]).detach()
            if outputs == "auto":
                loss = loss + 3.0 * (now - before).square().mean()
            else:
                loss = loss - 3.0 * (before.softmax(1) * now.log_softmax(1)).sum(1).mean()
        past.append(copy.deepcopy(by_hand))
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    optimizer = reduced(network, coefficient=3.0, outputs=outputs)
    for x in data:
        step(network, optimizer, x)
    torch.testing.assert_close(numbers(network), numbers(by_hand))
    assert optimizer.metrics() == {"churn/coefficient": 3.0}


def test_the_terms_gradient_is_as_long_as_the_target_says():
    network, data = mlp(), batches(4)
    optimizer = reduced(network, target_scale=0.25, decay_rate=0.0)
    for x in data[:3]:
        step(network, optimizer, x)
    optimizer.zero_grad()
    network(data[3]).square().mean().backward()
    before = torch.cat([each.grad.flatten().clone() for each in network.parameters()])
    optimizer.step()
    after = torch.cat([each.grad.flatten() for each in network.parameters()])
    assert (after - before).norm().item() == pytest.approx(0.25 * before.norm().item(), rel=1e-4)


def test_running_means_are_of_lengths_before_the_term_is_added():
    network, data = mlp(), batches(4)
    optimizer, lengths = reduced(network, target_scale=0.5, decay_rate=0.75), list[float]()
    for x in data:
        optimizer.zero_grad()
        network(x).square().mean().backward()
        lengths.append(torch.cat([each.grad.flatten() for each in network.parameters()]).norm().item())
        optimizer.step()
    # The term begins with the third update: 0.25 · l_3, then 0.75 of that and 0.25 · l_4.
    assert optimizer.memory["loss"].item() == pytest.approx(0.75 * 0.25 * lengths[2] + 0.25 * lengths[3])


def test_without_a_boundary_the_means_go_on_and_told_the_switch_they_start_anew():
    for on_change, is_kept in ((False, True), (True, False)):
        network = mlp()
        optimizer = reduced(network, on_change=on_change)
        for x in batches(4):
            step(network, optimizer, x)
        optimizer.begin_task()
        assert bool(optimizer.memory["churn"] > 0) == is_kept
        assert optimizer.memory["reference"]  # what it is measured on stays


def test_a_network_that_does_not_move_has_no_churn_and_no_term():
    network, data = mlp(), batches(5)
    optimizer = reduced(network, lr=0.0)
    for x in data:
        step(network, optimizer, x)
    grown = [each.grad.clone() for each in network.parameters()]
    optimizer.zero_grad()
    network(data[-1]).square().mean().backward()
    assert all(torch.equal(a, b.grad) for a, b in zip(grown, network.parameters(), strict=True))
    assert optimizer.metrics() == {"churn/coefficient": 0.0}


def test_a_network_that_moves_again_after_long_is_not_lost():
    """The first loss after a standstill meets a term without gradient and a running mean that is all but gone."""
    network, data = mlp(), batches(5)
    optimizer = reduced(network, lr=0.0)
    for x in data[:4]:
        step(network, optimizer, x)
    optimizer.memory["churn"].fill_(1e-44)
    step(network, optimizer, data[4])
    assert optimizer.memory["churn"] > 0
    assert all(each.grad.isfinite().all() for each in network.parameters())
    assert optimizer.metrics() == {"churn/coefficient": 0.0}


# What nobody may notice.


def test_other_methods_do_not_hear_the_network_run_again():
    heard = []
    for scale in (0.0, 1.0):
        network = mlp()
        inner = reduced(network, lr=0.0, target_scale=scale)
        optimizer = ContinualBackprop(inner, hidden_layers(network, torch.zeros(1, 6)), replacement_rate=0.0)
        for x in batches(4):
            step(network, optimizer, x)
        heard.append([watched.average.clone() for watched in optimizer.watched])
    assert all(torch.equal(a, b) for a, b in zip(*heard, strict=True))


def test_running_again_draws_drops_and_counts_nothing():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    x, before, random = torch.randn(8, 2), None, torch.get_rng_state()
    before = [buffer.clone() for buffer in network.buffers()]
    first, second = (rerun(network, network, {"args": [x], "named": {}})[0] for _ in range(2))
    assert torch.equal(first, second)
    assert all(torch.equal(a, b) for a, b in zip(before, network.buffers(), strict=True))
    assert torch.equal(random, torch.get_rng_state())
    assert all(module.training for module in network)
    assert network[1].num_batches_tracked == 0


def test_other_weights_take_the_places_of_the_networks_own_for_a_moment():
    network, x = three_units(), torch.ones(1, 2)
    weights = [torch.zeros_like(each) for each in network.parameters()]
    assert rerun(network, network, {"args": [x], "named": {}}, weights)[0].item() == 0.0
    assert network(x).item() == 2 * 1 - 1 + 0.5 * 2 + 0.25
    twice = nn.ModuleDict({"one": network, "other": network})  # one module by two names
    assert rerun(twice, network, {"args": [x], "named": {}}, weights)[0].item() == 0.0
    assert network(x).item() == 2 * 1 - 1 + 0.5 * 2 + 0.25


def test_inputs_that_the_host_overwrites_are_kept():
    network, buffer, data = mlp(), torch.empty(8, 6), batches(6)
    other = copy.deepcopy(network)
    one, two = reduced(network, coefficient=5.0), reduced(other, coefficient=5.0)
    for x in data:
        step(network, one, x)
        step(other, two, buffer.copy_(x))
    torch.testing.assert_close(numbers(other), numbers(network), atol=0, rtol=0)


# What it cannot do.


def test_a_network_that_is_not_called_as_a_module_is_refused():
    network = mlp()
    optimizer = reduced(network)
    network.forward(torch.ones(2, 6)).sum().backward()
    with pytest.raises(RuntimeError, match=r"Sequential has not been called.*call the network as a module"):
        optimizer.step()


def test_layers_of_no_known_network_are_refused():
    network = three_units()
    sgd = torch.optim.SGD(network.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"ChurnReduction runs the network again, and must know it"):
        ChurnReduction(sgd, three_unit_layer(network))
    with pytest.raises(NothingToReplaceError, match="given no hidden layers"):
        ChurnReduction(sgd)
    by_hand = HiddenLayer("hidden", network[0], [network[2]], network=network)
    assert ChurnReduction(sgd, [by_hand]).network is network


@pytest.mark.parametrize(
    "settings", [{"target_scale": -1.0}, {"coefficient": -1.0}, {"decay_rate": 1.5}, {"outputs": "words"}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        reduced(mlp(), **settings)


def test_it_goes_over_to_a_network_that_has_changed():
    network = mlp()
    optimizer = reduced(network)
    for x in batches(4):
        step(network, optimizer, x)
    coefficient = optimizer.metrics()["churn/coefficient"]
    network[4] = nn.Linear(16, 3)
    optimizer.add_param_group({"params": network[4].parameters()})
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 6)))
    assert optimizer.metrics() == {"churn/coefficient": coefficient}
    for x in batches(4):
        step(network, optimizer, x)
    assert optimizer.memory["answers"][0].shape == (8, 3)
    assert len(network._forward_pre_hooks) == 1


def test_batch_normalisation_is_named():
    network = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    assert [text.split(" (")[0] for text in reduced(network).concerns()] == [
        "The network normalises by the statistics of a minibatch"
    ]
