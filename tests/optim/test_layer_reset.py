"""Resets of layers: which are drawn, from where, into what, and what the optimiser then knows of them."""

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO, SAC
from torch import nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import Adam, LayerReset
from plastic_rl.sb3 import plastic, plastic_optimizers


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2))


def around(network, optimizer=None, **settings):
    optimizer = optimizer or torch.optim.SGD(network.parameters(), lr=0.0)
    return LayerReset(optimizer, hidden_layers(network, torch.zeros(2, 3)), **{"seed": 0, **settings})


def numbers(network):
    return {name: each.detach().clone() for name, each in network.named_parameters()}


def changed(network, before):
    return {name for name, each in network.named_parameters() if not torch.equal(each, before[name])}


def spoil(network):
    """Weights that have gone elsewhere: each is 7."""
    with torch.no_grad():
        for each in network.parameters():
            each.fill_(7.0)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (1, {"5.weight", "5.bias"}),
        (2, {"3.weight", "3.bias", "5.weight", "5.bias"}),
        (3, {f"{place}.{kind}" for place in (0, 1, 3, 5) for kind in ("weight", "bias")}),
        (0, {f"{place}.{kind}" for place in (0, 1, 3, 5) for kind in ("weight", "bias")}),
    ],
)
def test_the_last_layers_are_drawn_and_written_into_the_parameters_that_there_are(last, expected):
    network = small_network()
    optimizer, tensors = around(network, last=last), list(network.parameters())
    spoil(network)
    before = numbers(network)
    optimizer.reset()
    assert changed(network, before) == expected
    assert all(now is then for now, then in zip(network.parameters(), tensors, strict=True))
    assert optimizer.metrics() == {"layer_reset/times": 1}


def test_each_parameter_goes_back_to_where_it_started_from():
    """Uniform within 1 / √fan-in, a head of zeros to zeros, a scale of ones to ones, a bias of 0.5 to 0.5."""
    network = nn.Sequential(nn.Linear(100, 50), nn.LayerNorm(50), nn.ReLU(), nn.Linear(50, 2))
    nn.init.zeros_(network[3].weight)
    nn.init.constant_(network[3].bias, 0.5)
    layers = hidden_layers(network, torch.zeros(2, 100))
    optimizer = LayerReset(torch.optim.SGD(network.parameters(), lr=0.0), layers, last=0, seed=0)
    spoil(network)
    optimizer.reset()
    assert network[0].weight.abs().max().item() == pytest.approx(0.1, rel=0.02)
    assert network[0].weight.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.02)
    assert network[1].weight.tolist() == [1.0] * 50
    assert network[1].bias.tolist() == [0.0] * 50
    assert (network[3].weight == 0).all()
    assert network[3].bias.tolist() == [0.5, 0.5]


def test_running_statistics_start_anew_with_the_layer_before_them():
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    head, whole = around(network), around(network, last=2)
    network(5 * torch.randn(16, 3))
    head.reset()
    assert network[1].num_batches_tracked == 1
    whole.reset()
    assert network[1].running_mean.tolist() == [0.0] * 4
    assert network[1].running_var.tolist() == [1.0] * 4
    assert network[1].num_batches_tracked == 0


@pytest.mark.parametrize("kind", [torch.optim.Adam, Adam])
@pytest.mark.parametrize("forgets", [True, False])
def test_the_optimiser_forgets_the_layers_that_are_drawn_and_no_others(kind, forgets):
    network = small_network()
    optimizer = around(network, kind(network.parameters(), lr=0.01), reset_optimizer=forgets)
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()
    optimizer.begin_task()
    known = {name for name, each in network.named_parameters() if each in optimizer.state}
    everything = {name for name, _ in network.named_parameters()}
    assert known == (everything - {"5.weight", "5.bias"} if forgets else everything)
    before = numbers(network)
    optimizer.zero_grad()
    network(torch.ones(4, 3)).square().mean().backward()
    optimizer.step()
    first_step = (network[5].bias - before["5.bias"]).abs()
    assert forgets == torch.allclose(first_step, torch.full((2,), 0.01), rtol=1e-4)  # Adam's first step is its rate


def test_each_reset_draws_anew_by_the_seed_and_leaves_the_global_generator_alone():
    network, seen = small_network(), []
    state = torch.get_rng_state()
    for seed in (3, 3, 4):
        optimizer = around(small_network(), seed=seed)
        for _ in range(2):
            optimizer.begin_task()
            seen.append(tuple(optimizer.drawn[0].flatten().tolist()))
    assert len(network) == 6
    assert torch.equal(state, torch.get_rng_state())
    assert seen[:2] == seen[2:4]
    assert len(set(seen)) == 4


def test_it_acts_when_it_is_time_and_leaves_what_is_frozen():
    network = small_network()
    optimizer = around(network, every=2, on_change=False)
    network[5].bias.requires_grad_(False)
    before, seen = numbers(network), []
    optimizer.begin_task()
    for _ in range(3):
        optimizer.step()
        seen.append(changed(network, before))
    assert seen == [set(), {"5.weight"}, {"5.weight"}]


def test_what_it_knows_of_the_beginning_is_saved():
    """A model that is loaded begins with other weights than the saved one did."""
    network, other = small_network(), small_network()
    spoil(other)
    saved, loaded = around(network), around(other, seed=9)
    loaded.load_state_dict(saved.state_dict())
    for optimizer in (saved, loaded):
        optimizer.reset()
    torch.testing.assert_close(numbers(network[5]), numbers(other[5]), atol=0, rtol=0)


def test_layers_found_anew_are_drawn_and_those_known_from_where_they_started():
    network = small_network()
    optimizer = around(network, last=2)
    spoil(network)
    network[5] = nn.Linear(6, 4)
    optimizer.add_param_group({"params": list(network[5].parameters())})
    optimizer.reattach(hidden_layers(network, torch.zeros(2, 3)))
    optimizer.reset()
    assert network[3].weight.abs().max() <= 1.1 / 8**0.5
    assert network[5].weight.abs().max() <= 1.1 / 6**0.5


def make(algorithm, world, **settings):
    policy = {"policy_kwargs": {"net_arch": [8, 8]}, "device": "cpu", "seed": 0}
    return plastic(algorithm)("MlpPolicy", gymnasium.make(world), plasticity=LayerReset, **policy, **settings)


def test_actor_and_critic_have_a_head_each_and_the_log_deviation_goes_with_them():
    policy = make(PPO, "Pendulum-v1").policy
    spoil(policy)
    before = numbers(policy)
    policy.optimizer.begin_task()
    heads = {f"{net}.{kind}" for net in ("action_net", "value_net") for kind in ("weight", "bias")}
    assert changed(policy, before) == {*heads, "log_std"}
    assert policy.log_std.tolist() == [0.0]
    assert policy.action_net.weight.norm().item() == pytest.approx(0.01, rel=0.5)  # as small as SB3 draws it


def test_both_heads_of_an_actor_and_those_of_twin_critics_are_drawn():
    policy = make(SAC, "Pendulum-v1").policy
    spoil(policy)
    before = numbers(policy)
    for optimizer in plastic_optimizers(policy):
        optimizer.begin_task()
    heads = ("actor.mu", "actor.log_std", "critic.qf0.4", "critic.qf1.4")
    assert changed(policy, before) == {f"{head}.{kind}" for head in heads for kind in ("weight", "bias")}


def test_it_refuses_what_it_cannot_do():
    network = small_network()
    plain = torch.optim.SGD(network.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="which layers are last is not known"):
        LayerReset(plain)
    with pytest.raises(ValueError, match=r"\(2, 6\)"):  # the head is no part of what was given by hand
        LayerReset(plain, [HiddenLayer("first", network[0], [network[3]])])
    body = torch.optim.SGD(network[0].parameters(), lr=0.1)
    with pytest.raises(ValueError, match="trains none of these layers"):
        LayerReset(body, hidden_layers(network, torch.zeros(2, 3)))
    for settings in ({"last": -1}, {"every": -1}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            around(network, **settings)


def test_it_says_what_will_come_of_its_settings():
    network = small_network()
    assert "never acts" in next(around(network, on_change=False, every=100).concerns(50))
    assert "3 layers deep" in next(around(network, last=5).concerns())
    assert list(around(network, last=3).concerns()) == list(around(network, last=0).concerns()) == []
