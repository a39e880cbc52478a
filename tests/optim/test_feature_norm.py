"""The penalty on the norm of features by hand, and the backward passes that must not count."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ContinualBackprop, FeatureNorm, NothingToReplaceError
from tests.optim.networks import X, mlp, step, three_unit_layer, three_units


def penalised(network: nn.Module, layers: list[HiddenLayer], strength: float = 0.5) -> FeatureNorm:
    """The penalty around an optimiser that moves nothing."""
    return FeatureNorm(torch.optim.SGD(network.parameters(), lr=0.0), layers, strength=strength)


def gradients(network: nn.Module) -> list[Tensor]:
    return [torch.zeros_like(each) if each.grad is None else each.grad.clone() for each in network.parameters()]


@pytest.mark.parametrize("reduction", [torch.mean, torch.sum])
def test_the_gradient_is_that_of_the_mean_over_the_minibatch_whatever_the_losss_reduction(reduction):
    network = three_units()
    plain = torch.autograd.grad(reduction(network(X).square()), list(network.parameters()))
    optimizer = penalised(network, three_unit_layer(network))
    optimizer.zero_grad()
    reduction(network(X).square()).backward()
    extra = [after - before for after, before in zip(gradients(network), plain, strict=True)]
    # Features [1, 2, 3] and [3, 0, 3] on inputs [1, 2] and [3, 0]: 2 · 0.5 / 2 · Σ φ x, where a unit is on.
    by_hand = torch.tensor([[1 * 1 + 3 * 3, 1 * 2], [2 * 1, 2 * 2], [3 * 1 + 3 * 3, 3 * 2]]) * 0.5
    torch.testing.assert_close(extra[0], by_hand)
    torch.testing.assert_close(extra[1], torch.tensor([4.0, 2.0, 6.0]) * 0.5)
    assert [each.abs().max().item() for each in extra[2:]] == [0.0, 0.0]  # the output layer has no part in it


def test_it_is_as_good_as_the_term_in_the_loss_for_the_last_hidden_layer_alone():
    network, x = mlp(), torch.randn(8, 6, generator=torch.Generator().manual_seed(1))
    features = network[:4](x)
    (network[4](features).square().mean() + 0.3 * features.square().sum(1).mean()).backward()
    expected = gradients(network)
    optimizer = penalised(network, hidden_layers(network, torch.zeros(1, 6)), strength=0.3)
    assert [each.layer.name for each in optimizer.features] == ["2"]
    step(network, optimizer, x)
    torch.testing.assert_close(gradients(network), expected)


def test_places_of_a_convolution_are_summed():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(8, 1))  # 2 channels of 2 x 2
    penalised(network, hidden_layers(network, torch.ones(1, 1, 2, 2)))
    x = torch.ones(3, 1, 2, 2)
    (0 * network(x)).sum().backward()
    maps = network[0](x).detach()
    torch.testing.assert_close(network[0].bias.grad, 2 * 0.5 / 3 * maps.sum((0, 2, 3)))


class TwoHeads(nn.Module):
    """Two outputs behind one trunk."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.one, self.other = nn.Linear(2, 3), nn.Linear(3, 1), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.trunk(x).tanh()
        return self.one(hidden), self.other(hidden)


def test_features_that_two_heads_read_count_once():
    network = TwoHeads()
    hidden = network.trunk(X).tanh()
    loss = network.one(hidden).sum() + network.other(hidden).sum() + 0.5 * hidden.square().sum(1).mean()
    expected = torch.autograd.grad(loss, list(network.parameters()))
    penalised(network, hidden_layers(network, X))
    sum(each.sum() for each in network(X)).backward()
    torch.testing.assert_close(gradients(network), list(expected))


class BesideInputs(nn.Module):
    """An output layer that reads raw inputs beside hidden units."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.one = nn.Linear(2, 3), nn.Linear(5, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(torch.cat([x, self.trunk(x).tanh()], 1))


def test_columns_of_raw_inputs_are_left_alone():
    network, x = BesideInputs(), X.clone().requires_grad_()
    penalised(network, hidden_layers(network, X))
    (0 * network(x)).sum().backward()
    by_hand = X.clone().requires_grad_()
    (0.5 * network.trunk(by_hand).tanh().square().sum(1).mean()).backward()
    torch.testing.assert_close(x.grad, by_hand.grad)


# Backward passes that must not count, and those that must.


def test_another_losss_gradients_that_go_through_the_network_stay_as_they_are():
    """SAC's actor sends its gradient through the critic, after the critic's step."""
    network, actions = three_units(), X.clone().requires_grad_()
    optimizer = penalised(network, three_unit_layer(network))
    step(network, optimizer, X)
    network(actions).sum().backward()
    expected = torch.tensor([[2.5, -0.5], [2.5, 0.5]])  # Σ w_out w_in over the units that are on
    torch.testing.assert_close(actions.grad, expected)
    step(network, optimizer, X)  # and it is not taken for a loss whose gradients were never cleared


def test_passes_add_up_as_losses_do():
    network = three_units()
    optimizer = penalised(network, three_unit_layer(network))
    step(network, optimizer, X)
    once = gradients(network)
    optimizer.zero_grad()
    for _ in range(2):
        network(X).square().mean().backward()
    torch.testing.assert_close(gradients(network), [2 * each for each in once])


def test_gradients_that_the_network_cleared_are_refused():
    network = three_units()
    optimizer = penalised(network, three_unit_layer(network))
    step(network, optimizer, X)
    network.zero_grad()
    network(X).sum().backward()
    with pytest.raises(RuntimeError, match=r"without the term.*clear gradients with optimizer\.zero_grad\(\)"):
        optimizer.step()


def test_training_in_evaluation_mode_is_refused():
    network = three_units().eval()
    optimizer = penalised(network, three_unit_layer(network))
    network(X).sum().backward()
    with pytest.raises(RuntimeError, match=r"evaluation mode.*network\.train\(\)"):
        optimizer.step()


def test_gradients_may_be_cleared_after_the_step():
    network = three_units()
    optimizer = penalised(network, three_unit_layer(network))
    found = []
    for _ in range(2):
        network(X).square().mean().backward()
        found.append(gradients(network))
        optimizer.step()
        optimizer.zero_grad()
    torch.testing.assert_close(found[1], found[0])


# Around it.


def test_layers_can_be_found_while_it_is_on():
    network = mlp()
    optimizer = penalised(network, hidden_layers(network, torch.zeros(1, 6)), strength=5.0)
    assert [layer.name for layer in hidden_layers(network, torch.zeros(1, 6))] == ["0", "2"]
    network(torch.ones(2, 6)).sum().backward()  # gradients in evaluation mode, and those that count
    optimizer.step()


def test_with_nothing_to_hear_it_is_refused():
    network = nn.Linear(2, 1)
    for layers in ([], ()):
        with pytest.raises(NothingToReplaceError, match="FeatureNorm was given no hidden layers"):
            FeatureNorm(torch.optim.SGD(network.parameters(), lr=0.1), layers)
    with pytest.raises(ValueError, match="strength must be 0 or more"):
        penalised(three_units(), [], strength=-1.0)


def test_off_it_puts_no_hook_anywhere_and_taken_off_it_leaves_none():
    network = three_units()
    assert not penalised(network, three_unit_layer(network), strength=0.0).features
    optimizer = penalised(network, three_unit_layer(network))
    assert network[2]._forward_pre_hooks
    assert isinstance(optimizer.remove(), torch.optim.SGD)
    assert not network[2]._forward_pre_hooks


def test_it_goes_over_to_layers_that_were_found_anew():
    network = three_units()
    optimizer = penalised(network, three_unit_layer(network))
    network[2] = nn.Linear(3, 2)
    optimizer.reattach(three_unit_layer(network))
    network(X).sum().backward()
    assert optimizer.features[0].ears[0].port.layer is network[2]
    assert len(network[2]._forward_pre_hooks) == 1


def test_copies_and_pickles_go_on_by_themselves():
    network = three_units()
    optimizer = penalised(network, three_unit_layer(network))
    step(network, optimizer, X)
    for other, again in (copy.deepcopy((network, optimizer)), pickle.loads(pickle.dumps((network, optimizer)))):
        step(other, again, X)
        torch.testing.assert_close(gradients(other), gradients(network))
        assert again.features[0].window is again.window


def test_continual_backprop_hears_the_same_beside_it():
    utilities = []
    for strength in (0.0, 0.5):
        network = three_units()
        inner = penalised(network, three_unit_layer(network), strength)
        optimizer = ContinualBackprop(inner, three_unit_layer(network), replacement_rate=0.0)
        step(network, optimizer, X)
        utilities.append(optimizer.watched[0].average.clone())
    assert torch.equal(*utilities)
