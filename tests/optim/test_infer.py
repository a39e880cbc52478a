"""Initial feature regularisation by hand, against the loss with the term in it, and the heads' own steps."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import InFeR
from plastic_rl.optim.infer import Heads, residuals, slopes
from plastic_rl.sb3 import plastic
from tests.optim.networks import X, mlp, numbers, step, three_units


def held(network: nn.Module, *, lr: float = 0.0, example: Tensor | None = None, **settings: Any) -> InFeR:
    sgd = torch.optim.SGD(network.parameters(), lr=lr)
    layers = hidden_layers(network, torch.zeros(1, 6) if example is None else example)
    return InFeR(sgd, layers, **{"seed": 0, **settings})


def batches(count: int) -> Tensor:
    return torch.randn(count, 8, 6, generator=torch.Generator().manual_seed(1))


def test_residuals_and_their_slopes_are_those_on_paper():
    heads = Heads(torch.tensor([[1.0, 2.0]]), torch.tensor([0.5]), torch.tensor([[1.0, 0.0]]), torch.tensor([0.25]))
    features, first = torch.tensor([[1.0, 1.0], [0.0, 2.0]]), torch.tensor([[0.5, 7.0], [0.0, 7.0]])
    errors = residuals(features, first, heads, beta=2.0)
    # 1 + 2 + 0.5 - 2 (0.5 + 0.25); 4 + 0.5 - 2 · 0.25
    torch.testing.assert_close(errors, torch.tensor([[2.0], [4.0]]))
    at_features, at_weight, at_bias = slopes(features, errors, heads, strength=0.5)
    # 2 · 0.5 / 2 · r: 1 and 2
    torch.testing.assert_close(at_features, torch.tensor([[1.0, 2.0], [2.0, 4.0]]))
    torch.testing.assert_close(at_weight, torch.tensor([[1.0, 5.0]]))
    torch.testing.assert_close(at_bias, torch.tensor([3.0]))


def test_updates_are_those_of_a_loss_with_the_term_and_heads_that_learn():
    network, data = mlp(), batches(5)
    by_hand, first = copy.deepcopy(network), copy.deepcopy(network)
    optimizer = held(network, lr=0.1, heads=3, beta=2.0, strength=0.2)
    (drawn,) = optimizer.heads
    heads, first_heads = nn.Linear(16, 3), nn.Linear(16, 3)
    with torch.no_grad():
        for each in (heads, first_heads):
            each.weight.copy_(drawn.weight)
            each.bias.copy_(drawn.bias)
    sgd, adam = torch.optim.SGD(by_hand.parameters(), lr=0.1), torch.optim.Adam(heads.parameters(), lr=0.1)
    for x in data:
        features, before = by_hand[:4](x), first[:4](x)
        errors = heads(features) - 2.0 * first_heads(before).detach()
        loss = by_hand[4](features).square().mean() + 0.2 * errors.square().sum(1).mean()
        for each in (sgd, adam):
            each.zero_grad()
        loss.backward()
        for each in (sgd, adam):
            each.step()
    for x in data:
        step(network, optimizer, x)
    torch.testing.assert_close(numbers(network), numbers(by_hand))
    torch.testing.assert_close([drawn.weight, drawn.bias], [heads.weight.detach(), heads.bias.detach()])
    torch.testing.assert_close(drawn.first_weight, first_heads.weight.detach(), atol=0, rtol=0)


def test_heads_follow_the_learning_rate_of_the_network():
    network = mlp()
    optimizer = held(network, lr=0.0)
    before = optimizer.heads[0].weight.clone()
    step(network, optimizer, batches(1)[0])
    assert torch.equal(before, optimizer.heads[0].weight)
    optimizer.param_groups[0]["lr"] = 0.5  # a schedule
    step(network, optimizer, batches(1)[0])
    assert (before - optimizer.heads[0].weight).abs().max().item() == pytest.approx(0.5, rel=0.3)  # Adam's step


def test_heads_are_a_function_of_the_seed_and_drawn_within_torchs_bounds():
    network = three_units()
    before = torch.get_rng_state()
    held(network, example=X, seed=None)
    assert torch.equal(before, torch.get_rng_state())
    one, same, other = (held(mlp(), seed=seed).heads[0] for seed in (3, 3, 4))
    assert torch.equal(one.weight, same.weight)
    assert not torch.equal(one.weight, other.weight)
    assert one.weight.shape == (10, 16)
    assert 0.2 < one.weight.abs().max() <= 0.25
    assert torch.equal(one.weight, one.first_weight)
    assert one.weight.data_ptr() != one.first_weight.data_ptr()


class BesideInputs(nn.Module):
    """An output layer that reads raw inputs before hidden units."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.one = nn.Linear(2, 3), nn.Linear(5, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(torch.cat([x, self.trunk(x).tanh()], 1))


def test_columns_of_raw_inputs_are_no_features():
    network, x = BesideInputs(), X.clone().requires_grad_()
    optimizer = held(network, example=X, beta=2.0)
    (heads,) = optimizer.heads
    assert heads.weight.shape == (10, 3)
    (0 * network(x)).sum().backward()
    by_hand = X.clone().requires_grad_()
    features = network.trunk(by_hand).tanh()
    loss = 0.1 * residuals(features, features.detach(), heads, 2.0).square().sum(1).mean()
    torch.testing.assert_close(x.grad, torch.autograd.grad(loss, by_hand)[0])


def test_in_ppo_policy_and_value_have_heads_each_and_the_policy_has_no_parameters_more():
    settings: Any = {"n_steps": 16, "batch_size": 8, "policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu"}
    world, plain = (
        gymnasium.make("CartPole-v1"),
        PPO("MlpPolicy", gymnasium.make("CartPole-v1"), **copy.deepcopy(settings)),
    )
    model = plastic(PPO)("MlpPolicy", world, plasticity=InFeR, **settings)
    optimizer: Any = model.policy.optimizer
    assert [each.layer.name for each in optimizer.features] == [
        "mlp_extractor.policy_net.0",
        "mlp_extractor.value_net.0",
    ]
    assert not torch.equal(optimizer.heads[0].weight, optimizer.heads[1].weight)
    counts = [len(list(each.policy.parameters())) for each in (model, plain)]
    assert counts[0] == counts[1] == len(optimizer.param_groups[0]["params"])


def test_plain_stable_baselines_opens_what_it_has_saved(tmp_path):
    settings: Any = {"n_steps": 16, "batch_size": 8, "policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu"}
    model = plastic(PPO)("MlpPolicy", gymnasium.make("CartPole-v1"), plasticity=InFeR, **settings)
    model.learn(16)
    model.save(tmp_path / "model.zip")
    plain = PPO.load(tmp_path / "model.zip", device="cpu")
    torch.testing.assert_close(list(plain.policy.parameters()), list(model.policy.parameters()), atol=0, rtol=0)


def test_what_was_saved_without_strength_is_loaded_and_the_other_way_round():
    on, off = held(mlp()), held(mlp(), strength=0.0)
    step(mlp(), off, batches(1)[0])
    before = on.heads[0].weight.clone()
    on.load_state_dict(off.state_dict())
    off.load_state_dict(on.state_dict())
    assert torch.equal(on.heads[0].weight, before)


@pytest.mark.parametrize("settings", [{"strength": -1.0}, {"beta": -1.0}, {"heads": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        held(mlp(), **settings)


def test_output_layers_that_are_not_linear_are_refused():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 1, 1))
    layer = HiddenLayer("0", network[0], [network[2]], network=network)
    with pytest.raises(ValueError, match=r"linear heads beside linear output layers.*ignore=\['0'\]"):
        InFeR(torch.optim.SGD(network.parameters(), lr=0.1), [layer])


def test_a_network_whose_layers_are_found_anew_keeps_its_beginning():
    ends = []
    for is_found_anew in (False, True):
        network = mlp()
        optimizer = held(network, lr=0.1, beta=2.0)
        for place, x in enumerate(batches(6)):
            if is_found_anew and place == 3:
                optimizer.reattach(hidden_layers(network, torch.zeros(1, 6)))
            step(network, optimizer, x)
        ends.append(numbers(network))
    assert all(torch.equal(*pair) for pair in zip(*ends, strict=True))
