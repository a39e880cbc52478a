"""Plasticity injection: the output stays, the new parameters move, the frozen ones do not; and where it is refused."""

import copy
import pickle
from functools import partial

import gymnasium
import pytest
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC
from torch import nn

from plastic_rl.doctor import examine_saved
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.learners.learner import take_over, zero
from plastic_rl.optim import ContinualBackprop, FeatureNorm, InFeR, PlasticityInjection, ProximalFeatures, Stack
from plastic_rl.optim.injected_layer import BEFORE, DRAWN
from plastic_rl.sb3 import plastic

X = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 8),
        nn.ReLU(),
        nn.Linear(8, 6),
        nn.LayerNorm(6),
        nn.Tanh(),
        nn.Linear(6, 5),
        nn.ReLU(),
        nn.Linear(5, 2),
    )


def around(network, **settings):
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    return PlasticityInjection(optimizer, hidden_layers(network, X[:1]), **{"seed": 0, **settings})


def train(network, optimizer, updates):
    for _ in range(updates):
        optimizer.zero_grad()
        (network(X) - 1).square().mean().backward()
        optimizer.step()


def frozen(network):
    return {name: each.clone() for name, each in network.named_buffers()}


def numbers(network):
    return {name: each.detach().clone() for name, each in network.named_parameters()}


def test_the_sum_of_three_heads_by_hand():
    """y = u relu(v w x) with w = 1, v = 3, u = 1, x = 2 is 6. Beside it come v' = 2 and u' = 0.5, twice: still 6.

    One step down y at 0.1: u' loses 0.1 · relu(2 · 2), v' 0.1 · 0.5 · 2, and w 0.1 · 2 · (3 + 1 - 1), for it is heard
    by all three heads. With w = 0.4, v' = 1.9, u' = 0.1, x = 2: 3 · 0.8 + 0.1 · 1.9 · 0.8 - 0.5 · 2 · 0.8.
    """
    network = nn.Sequential(
        nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False)
    )
    w, v, u = (network[place].weight for place in (0, 1, 3))
    inputs = torch.tensor([[2.0]])
    layers = [HiddenLayer("w", network[0], [network[1]]), HiddenLayer("v", network[1], [network[3]])]
    optimizer = PlasticityInjection(torch.optim.SGD(network.parameters(), lr=0.1), layers)
    put = {w: 1.0, v: 3.0, u: 1.0}
    with torch.no_grad():
        for weight, value in put.items():
            weight.fill_(value)
        optimizer.inject()
        for weight, kept, value in ((v, network[1], 2.0), (u, network[3], 0.5)):
            weight.fill_(value)
            kept.get_buffer(f"{DRAWN}weight").fill_(value)
    assert network(inputs).item() == 6
    network(inputs).sum().backward()
    optimizer.step()
    assert [each.item() for each in (w, v, u)] == pytest.approx([0.4, 1.9, 0.1])
    assert network(inputs).item() == pytest.approx(3 * 0.8 + 0.1 * 1.9 * 0.8 - 0.5 * 2 * 0.8)


@pytest.mark.parametrize("last", [2, 3, 0])
def test_the_output_stays_the_new_parameters_move_and_the_frozen_ones_do_not(last):
    network = small_network()
    optimizer, tensors = around(network, last=last), list(network.parameters())
    train(network, optimizer, 3)
    outputs, before = network(X), numbers(network)
    optimizer.inject()
    torch.testing.assert_close(network(X), outputs, atol=1e-6, rtol=1e-6)
    kept, start = frozen(network), numbers(network)
    head = {2: ("5", "7"), 3: ("2", "3", "5", "7"), 0: ("0", "2", "3", "5", "7")}[last]
    for name in before:
        owner, _, kind = name.rpartition(".")
        is_drawn = not torch.equal(start[name], before[name])
        assert is_drawn == (owner in head)
        if is_drawn:
            assert torch.equal(kept[f"{owner}.{BEFORE}{kind}"], before[name])
            assert torch.equal(kept[f"{owner}.{DRAWN}{kind}"], start[name])
    train(network, optimizer, 3)
    assert all(not torch.equal(each, start[name]) for name, each in network.named_parameters())
    assert all(torch.equal(each, kept[name]) for name, each in network.named_buffers())
    assert all(now is then for now, then in zip(network.parameters(), tensors, strict=True))
    assert not torch.allclose(network(X), outputs)


def test_the_fresh_head_is_drawn_from_where_the_head_started_and_the_global_generator_left_alone():
    network, other = small_network(), small_network()
    one, same = around(network), around(other)
    with torch.no_grad():
        network[5].weight.fill_(7.0)
    state = torch.get_rng_state()
    for optimizer in (one, same):
        optimizer.inject()
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(network[5].weight, other[5].weight)
    assert 0.2 < network[5].weight.abs().max() <= 1.1 / 6**0.5


def test_the_optimiser_forgets_the_head_and_nothing_else():
    network = small_network()
    optimizer = around(network)
    train(network, optimizer, 2)
    optimizer.inject()
    known = {name for name, each in network.named_parameters() if each in optimizer.state}
    assert known == {f"{place}.{kind}" for place in (0, 2, 3) for kind in ("weight", "bias")}


def test_it_happens_once_when_it_is_time():
    network = small_network()
    optimizer, seen = around(network, after=2, on_change=False), []
    optimizer.begin_task()
    for _ in range(5):
        train(network, optimizer, 1)
        seen.append(optimizer.metrics()["plasticity_injection/times"])
    assert seen == [0, 1, 1, 1, 1]
    with pytest.raises(RuntimeError, match="once"):
        optimizer.inject()
    changing = around(other := small_network())
    changing.begin_task()
    kept = frozen(other)
    train(other, changing, 2)
    changing.begin_task()
    assert all(torch.equal(each, kept[name]) for name, each in other.named_buffers())


def test_an_injected_network_is_saved_copied_and_taken_back():
    network, other = small_network(), small_network()
    optimizer, fresh = around(network), copy.deepcopy(other.state_dict())
    train(network, optimizer, 2)
    optimizer.inject()
    train(network, optimizer, 2)
    again = around(other, seed=5)
    other.load_state_dict(network.state_dict())
    again.load_state_dict(optimizer.state_dict())
    for each in (other, copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        torch.testing.assert_close(each(X), network(X), atol=0, rtol=0)
    assert again.is_injected
    network.load_state_dict(fresh)
    assert not optimizer.is_injected
    torch.testing.assert_close(network(X), small_network()(X), atol=0, rtol=0)
    with pytest.raises(RuntimeError, match="injected_before_weight"):  # never silently another function
        small_network().load_state_dict(other.state_dict())


def test_layers_are_found_as_before_and_hooks_hear_the_samples_once():
    network = small_network()
    optimizer = around(network)
    before = [repr(layer) for layer in hidden_layers(network, X[:1])]
    optimizer.inject()
    assert [repr(layer) for layer in hidden_layers(network, X[:1])] == before
    heard = []
    for place in (5, 7):
        network[place].register_forward_pre_hook(lambda _, inputs: heard.append(len(inputs[0])))
    network(X)
    assert heard == [8, 8]


@pytest.mark.parametrize("is_inside", [True, False])
def test_a_newborn_unit_before_the_head_is_silent_for_the_frozen_heads_too(is_inside):
    network, events = small_network(), []
    cbp = partial(ContinualBackprop, replacement_rate=0.2, maturity_threshold=1)
    injection = partial(PlasticityInjection, seed=0, after=1)
    methods = (cbp, injection) if is_inside else (injection, cbp)
    layers = hidden_layers(network, X[:1])
    optimizer = Stack(methods)(torch.optim.SGD(network.parameters(), lr=0.01), layers)
    optimizer.on_replacement(events.append)
    while not any(event.layer.name == "2" for event in events):  # the layer that the head reads
        train(network, optimizer, 1)
    units = torch.cat([event.units for event in events if event.layer.name == "2"])
    for kind in (BEFORE, DRAWN):
        kept = network[5].get_buffer(f"{kind}weight")
        assert (kept[:, units] == 0).all()
        assert (kept != 0).sum() == 5 * (6 - len(units))


def test_convolutions_before_a_linear_layer_may_be_part_of_the_head():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    images = torch.randn(3, 1, 6, 6)
    optimizer = PlasticityInjection(torch.optim.SGD(network.parameters(), lr=0.1), hidden_layers(network, images))
    outputs = network(images)
    optimizer.inject()
    torch.testing.assert_close(network(images), outputs, atol=1e-6, rtol=1e-6)
    network(images).sum().backward()
    assert network[2].weight.grad.abs().sum() > 0


def test_learners_that_zero_or_renew_a_head_do_it_to_all_three():
    network = small_network()
    around(network).inject()
    zero(network[7])
    assert (network(X) == 0).all()
    fresh = small_network()
    take_over(network, fresh)
    torch.testing.assert_close(network(X), fresh(X), atol=0, rtol=0)


def make(algorithm, world="Pendulum-v1", **settings):
    settings = {"policy_kwargs": {"net_arch": [8, 8]}, "device": "cpu", "seed": 0, **settings}
    return plastic(algorithm)("MlpPolicy", gymnasium.make(world), **{"plasticity": PlasticityInjection, **settings})


def test_actor_and_critic_are_injected_and_a_saved_model_computes_the_same(tmp_path):
    injected = partial(PlasticityInjection, after=2)
    model = make(PPO, n_steps=32, batch_size=16, n_epochs=2, plasticity=injected)
    model.learn(64)
    owners = {name.rpartition(".")[0] for name, _ in model.policy.named_buffers()}
    assert owners == {"mlp_extractor.policy_net.2", "mlp_extractor.value_net.2", "action_net", "value_net"}
    model.save(tmp_path / "model.zip")
    again = plastic(PPO).load(tmp_path / "model.zip", device="cpu")
    for each in ("forward", "predict_values"):
        ours, theirs = (getattr(one.policy, each) for one in (model, again))
        pair = [run(X, deterministic=True)[0] if each == "forward" else run(X) for run in (ours, theirs)]
        torch.testing.assert_close(*pair, atol=0, rtol=0)
    with pytest.raises(RuntimeError, match="injected_before_weight"):  # plain SB3 would act by a third of it
        PPO.load(tmp_path / "model.zip", device="cpu")
    assert examine_saved(tmp_path / "model.zip").methods == ["PlasticityInjection"]


def test_algorithms_with_target_networks_are_refused():
    for algorithm, world, target in ((SAC, "Pendulum-v1", "critic_target"), (DQN, "CartPole-v1", "q_net_target")):
        with pytest.raises(ValueError, match=f"PlasticityInjection changes more .* `{target}`"):
            make(algorithm, world)
    assert not make(A2C).policy.optimizer.is_injected


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (
            nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)),
            "`3` cannot .*jump",
        ),
        (
            nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.1), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)),
            "`1` cannot .*jump",
        ),
    ],
)
def test_what_is_not_the_same_for_heads_side_by_side_is_refused(network, reason):
    with pytest.raises(ValueError, match=reason):
        around(network)


def test_heads_that_cannot_be_injected_are_refused_by_name():
    network = small_network()
    plain = torch.optim.SGD(network.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="last=1"):
        around(network, last=1)
    with pytest.raises(ValueError, match="which layers are last is not known"):
        PlasticityInjection(plain)
    with pytest.raises(ValueError, match="`5` cannot be injected: its units"):
        PlasticityInjection(plain, hidden_layers(network, X[:1], ignore=["5"]))
    body = torch.optim.SGD([*network[0].parameters(), *network[7].parameters()], lr=0.1)
    with pytest.raises(ValueError, match="`5` cannot be injected: the optimiser does not train it"):
        PlasticityInjection(body, hidden_layers(network, X[:1]))
    with pytest.raises(ValueError, match="`action_net` has no hidden layer"):
        make(PPO, policy_kwargs={"net_arch": {"pi": [], "vf": [8]}})
    around(network)
    with pytest.raises(ValueError, match="another head"):
        around(network, last=3)


def test_it_says_when_it_never_injects():
    network = small_network()
    waiting = around(small_network())
    assert (waiting.waits_for_changes, around(small_network(), after=10).waits_for_changes) == (True, False)
    waiting.inject()
    assert not waiting.waits_for_changes
    assert "PlasticityInjection never acts" in next(around(network, on_change=False).concerns())
    assert "1,000" in next(around(network, on_change=False, after=1000).concerns(100))
    assert list(around(network).concerns(100)) == list(around(network, after=10).concerns(100)) == []


@pytest.mark.parametrize(
    "method", [partial(ProximalFeatures, copy_every=2), FeatureNorm, partial(InFeR, strength=1e-4, seed=0)]
)
def test_terms_of_the_loss_hear_the_head_that_learns_whichever_method_is_around_the_other(method):
    ends = []
    for stack in ((method, partial(PlasticityInjection, seed=0)), (partial(PlasticityInjection, seed=0), method)):
        network = small_network()
        optimizer = Stack(stack)(torch.optim.SGD(network.parameters(), lr=0.1), hidden_layers(network, X[:1]))
        train(network, optimizer, 2)
        optimizer.begin_task()
        train(network, optimizer, 6)
        ends.append(numbers(network))
    torch.testing.assert_close(ends[0], ends[1], atol=0, rtol=0)
