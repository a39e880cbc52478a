"""Proximal feature optimisation by hand, against losses with the term in them, and the times of its older weights."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.networks import InputNormalization
from plastic_rl.optim import ProximalFeatures
from plastic_rl.optim.pfo import chains
from plastic_rl.sb3 import RolloutClock, plastic
from plastic_rl.sb3.attachment import layers_of
from tests.optim.networks import X, mlp, numbers, step, three_units


def held(network: nn.Module, *, lr: float = 0.0, example: Tensor | None = None, **settings: Any) -> ProximalFeatures:
    sgd = torch.optim.SGD(network.parameters(), lr=lr)
    layers = hidden_layers(network, torch.zeros(1, 6) if example is None else example)
    return ProximalFeatures(sgd, layers, **settings)


def gradients(network: nn.Module, loss: Tensor) -> list[Tensor]:
    found = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
    return [
        torch.zeros_like(own) if each is None else each for own, each in zip(network.parameters(), found, strict=True)
    ]


def batches(count: int) -> Tensor:
    return torch.randn(count, 8, 6, generator=torch.Generator().manual_seed(1))


def test_the_gradient_is_that_of_the_mean_square_of_what_pre_activations_have_moved():
    network = three_units()
    plain = gradients(network, 0 * network(X).sum())
    optimizer = held(network, example=X, strength=6.0)
    optimizer.begin_rollout()
    with torch.no_grad():
        network[0].bias += 0.5  # so have all six pre-activations, of two samples and three units
    optimizer.zero_grad()
    (0 * network(X)).sum().backward()
    extra = [each.grad - before for each, before in zip(network.parameters(), plain, strict=True)]
    # 2 · 6 · 0.5 / 6 = 1 at each pre-activation, of units that are off too; on inputs [1, 2] and [3, 0].
    torch.testing.assert_close(extra[0], torch.tensor([[4.0, 2.0]] * 3))
    torch.testing.assert_close(extra[1], torch.tensor([2.0] * 3))
    assert [each.abs().max().item() for each in extra[2:]] == [0.0, 0.0]


@pytest.mark.parametrize("every_layer", [False, True])
def test_updates_are_those_of_the_loss_with_the_term(every_layer: bool):
    network, data = mlp(), batches(7)
    by_hand, old = copy.deepcopy(network), copy.deepcopy(network)
    sgd = torch.optim.SGD(by_hand.parameters(), lr=0.1)
    for number, x in enumerate(data):
        if number % 3 == 0:
            old.load_state_dict(by_hand.state_dict())
        first, before = by_hand[0](x), old[0](x).detach()
        last, last_before = by_hand[2](first.relu()), old[2](before.relu()).detach()
        moved = [last - last_before, *([first - before] if every_layer else [])]
        loss = by_hand[4](last.tanh()).square().mean() + 2.0 * torch.cat(moved, 1).square().mean()
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    optimizer = held(network, lr=0.1, strength=2.0, every_layer=every_layer, copy_every=0)
    for number, x in enumerate(data):
        if number % 3 == 0:
            optimizer.begin_rollout()
        step(network, optimizer, x)
    torch.testing.assert_close(numbers(network), numbers(by_hand))


def test_places_of_a_convolution_are_part_of_the_mean():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))  # 2 channels of 2 x 2
    x = torch.ones(3, 1, 2, 2)
    optimizer = held(network, example=x, strength=4.0)
    optimizer.begin_rollout()
    with torch.no_grad():
        network[0].bias += 0.5
    optimizer.zero_grad()
    (0 * network(x)).sum().backward()
    torch.testing.assert_close(network[0].bias.grad, torch.tensor([2.0, 2.0]))  # 12 · 2 · 4 · 0.5 / 24


def test_without_rollouts_the_older_weights_are_of_every_so_many_updates():
    network, data = mlp(), batches(5)
    optimizer, seen = held(network, lr=0.1, copy_every=2), []
    for x in data:
        step(network, optimizer, x)
        seen.append(torch.equal(optimizer.memory["weights"][0], network[0].weight))
    assert seen == [False, True, False, True, False]
    optimizer.begin_rollout()
    seen = []
    for x in data:
        step(network, optimizer, x)
        seen.append(torch.equal(optimizer.memory["weights"][0], network[0].weight))
    assert not any(seen)  # once somebody tells of rollouts, these alone count


def test_weights_that_were_loaded_after_construction_are_the_first_older_ones():
    network, other = mlp(), mlp(seed=1)
    x = batches(1)[0]
    expected = gradients(other, other(x).square().mean())
    optimizer = held(network, strength=1e6)
    network.load_state_dict(other.state_dict())
    step(network, optimizer, x)
    torch.testing.assert_close([each.grad for each in network.parameters()], expected)


def test_under_ppo_the_older_policy_is_that_of_the_rollout():
    world = gymnasium.make("CartPole-v1")
    settings: Any = {"n_steps": 16, "batch_size": 8, "n_epochs": 2, "policy_kwargs": {"net_arch": [8]}}
    model = plastic(PPO)("MlpPolicy", world, plasticity=ProximalFeatures, seed=0, device="cpu", **settings)
    model.learn(16, callback=RolloutClock())
    optimizer: Any = model.policy.optimizer
    before = [each.detach().clone() for each in model.policy.parameters()]
    assert not torch.equal(optimizer.memory["weights"][0], before[0])
    model.learn(16, callback=RolloutClock())
    assert (optimizer.memory["rollouts"], optimizer.memory["step"]) == (2, 8)
    torch.testing.assert_close(optimizer.memory["weights"], before, atol=0, rtol=0)


def test_layers_that_feed_each_other_are_one_chain():
    world = gymnasium.make("CartPole-v1")
    policy = PPO("MlpPolicy", world, policy_kwargs={"net_arch": [8, 8]}, device="cpu").policy
    found = [sorted(layer.name for layer in chain) for chain in chains(list(layers_of(policy)))]
    assert sorted(found) == [[f"mlp_extractor.{part}_net.{place}" for place in (0, 2)] for part in ("policy", "value")]


def test_another_losss_gradients_stay_as_they_are():
    network, actions = three_units(), X.clone().requires_grad_()
    optimizer = held(network, example=X, lr=0.1, strength=5.0, copy_every=0)
    for _ in range(2):
        step(network, optimizer, X)
    found = torch.autograd.grad(network(actions).sum(), actions)[0]
    optimizer.remove()
    torch.testing.assert_close(found, torch.autograd.grad(network(actions).sum(), actions)[0])


def test_passes_that_do_not_count_are_not_run_again():
    network = mlp()
    optimizer, runs = held(network), []
    network.register_forward_hook(lambda *_: runs.append(1))
    with torch.no_grad():
        network(batches(1)[0])
    network(batches(1)[0])
    assert len(runs) == 2
    step(network, optimizer, batches(1)[0])
    assert len(runs) == 4


def test_in_16_bits_weights_that_have_not_moved_pull_nothing_back():
    """Rounding would: older pre-activations of 32 bits are not those of 16."""
    network, x = mlp(), batches(1)[0]
    with torch.autocast("cpu", torch.bfloat16):
        expected = gradients(network, network(x).float().square().mean())
    optimizer = held(network, strength=1e6)
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        loss = network(x).float().square().mean()
    loss.backward()
    torch.testing.assert_close([each.grad for each in network.parameters()], expected)


# What it cannot do.


class Twice(nn.Module):
    """A hidden layer that runs twice in a pass."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(2, 2), nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.hidden(self.hidden(x).tanh()).tanh())


def test_a_layer_that_runs_twice_is_refused():
    network = Twice()
    layer = HiddenLayer("hidden", network.hidden, [network.out], network=network)
    optimizer = ProximalFeatures(torch.optim.SGD(network.parameters(), lr=0.1), [layer])
    with pytest.raises(RuntimeError, match=r"`hidden` runs more than once in a pass.*ignore=\['hidden'\]"):
        step(network, optimizer, X)


def test_recurrent_layers_are_refused():
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.out = nn.LSTM(6, 4, batch_first=True), nn.Linear(4, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.lstm(x)[0])

    with pytest.raises(ValueError, match=r"recurrent layers cannot be run with other weights.*\['lstm'\]"):
        held(Recurrent(), example=torch.zeros(1, 2, 6))


def test_a_network_that_is_not_called_as_a_module_is_refused():
    network = mlp()
    held(network)
    with pytest.raises(RuntimeError, match="call the network as a module"):
        network.forward(batches(1)[0]).sum().backward()


def test_without_an_interval_and_rollouts_it_says_what_it_will_do():
    assert [text[:16] for text in held(mlp(), copy_every=0).concerns()] == ["copy_every is 0,"]
    assert not list(held(mlp()).concerns())


def test_inputs_that_a_running_average_has_taken_in_are_not_taken_in_again():
    network = nn.Sequential(InputNormalization((6,), decay=0.9), mlp())
    optimizer = held(network)
    for x in batches(3) + 5:
        optimizer.zero_grad()
        (0 * network(x)).sum().backward()
        assert all(each.grad is not None and not each.grad.any() for each in network.parameters())
        optimizer.step()
    assert network[0].training
    assert network[0].count.item() == pytest.approx(sum(8 * 0.9**age for age in (0, 8, 16)))
