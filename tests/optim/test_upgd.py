"""UPGD and AdaUPGD by their equations, and the traps of the released code."""

import math

import pytest
import torch
from torch import nn

from plastic_rl.optim import UPGD
from plastic_rl.optim.upgd import gates
from tests.optim.networks import mlp, train

QUIET = {"sigma": 0.0, "decoupled_weight_decay": 0.0}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def stepped(weight, optimizer, *gradients):
    for gradient in gradients:
        weight.grad = torch.tensor(gradient)
        optimizer.step()
    return weight.tolist()


def test_a_step_of_gradient_descent_is_gated_by_utility():
    weight = nn.Parameter(torch.tensor([1.0, 2.0, -1.0]))
    optimizer = UPGD(torch.optim.SGD([weight], lr=0.1), **QUIET)
    # U is 0.001 (-g w) = 0.001 (2, -2, 0): divided by its maximum (1, -1, 0), whatever β.
    shares = [1 - sigmoid(1), 1 - sigmoid(-1), 0.5]
    expected = [1 + 0.1 * 2 * shares[0], 2 - 0.1 * 1 * shares[1], -1.0]
    assert stepped(weight, optimizer, [-2.0, 1.0, 0.0]) == pytest.approx(expected, rel=1e-6)


def test_the_utility_is_a_running_average_and_its_maximum_is_over_all_weights():
    one, other = nn.Parameter(torch.tensor([1.0])), nn.Parameter(torch.tensor([1.0]))
    optimizer = UPGD(torch.optim.SGD([one, other], lr=0.0), beta_utility=0.9, **QUIET)
    for gradients in ((-1.0, -4.0), (-3.0, 0.0)):
        one.grad, other.grad = (torch.tensor([each]) for each in gradients)
        optimizer.step()
    utilities = [each.item() for each in optimizer.memory["utility"]]
    assert utilities == pytest.approx([0.9 * 0.1 * 1 + 0.1 * 3, 0.9 * 0.1 * 4])
    shares = [each.item() for each in gates(optimizer.memory["utility"])]
    assert shares == pytest.approx([1 - sigmoid(0.39 / 0.39), 1 - sigmoid(0.36 / 0.39)])


def adaupgd(theta, gradients, *, rate, beta, decay, scale):
    """AdaUPGD without noise, in plain numbers; the bias correction of the utility cancels out."""
    first, second, utility = ([0.0] * len(theta) for _ in range(3))
    for t, gradient in enumerate(gradients, 1):
        utility = [beta * u - (1 - beta) * g * w for u, g, w in zip(utility, gradient, theta, strict=True)]
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradient, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradient, strict=True)]
        most = max(utility)
        for i, (m, v) in enumerate(zip(first, second, strict=True)):
            direction = m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.999**t)) + 1e-5)
            share = 1 - sigmoid(utility[i] / most)
            theta[i] = theta[i] * (1 - rate * decay) - scale * rate * direction * share
    return theta


def test_around_adam_it_is_adaupgd():
    weight = nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    optimizer = UPGD(
        torch.optim.Adam([weight], lr=0.01, eps=1e-5), sigma=0.0, decoupled_weight_decay=0.1, step_scale=2.0
    )
    gradients = [[-0.3, 0.2, 0.1], [-0.1, 0.5, -0.4], [-0.2, 0.1, 0.3]]
    for gradient in gradients:
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    expected = adaupgd([1.0, -2.0, 0.5], gradients, rate=0.01, beta=0.999, decay=0.1, scale=2.0)
    assert weight.tolist() == pytest.approx(expected, rel=1e-9)


def test_noise_has_the_step_size_and_spares_the_useful():
    weight = nn.Parameter(torch.cat([torch.full((20_000,), 1.0), torch.full((20_000,), -1.0)]))
    optimizer = UPGD(torch.optim.SGD([weight], lr=0.5), sigma=0.1, decoupled_weight_decay=0.0, seed=0)
    weight.grad = torch.full((40_000,), -1e-6)  # utilities of 1e-9 and -1e-9
    before = weight.detach().clone()
    optimizer.step()
    moved = weight.detach() - before
    assert moved[:20_000].std().item() == pytest.approx(0.5 * 0.1 * (1 - sigmoid(1)), rel=0.03)
    assert moved[20_000:].std().item() == pytest.approx(0.5 * 0.1 * (1 - sigmoid(-1)), rel=0.03)


def test_where_it_does_not_protect_only_the_noise_is_gated():
    for sigma in (0.0, 0.1):
        weight = nn.Parameter(torch.ones(20_000))
        optimizer = UPGD(
            torch.optim.SGD([weight], lr=0.5), protecting=False, sigma=sigma, decoupled_weight_decay=1e-3, seed=0
        )
        weight.grad = torch.full((20_000,), -1.0)
        optimizer.step()
        assert weight.mean().item() == pytest.approx(1 - 0.5e-3 + 0.5, rel=1e-3)
        assert weight.std().item() == pytest.approx(0.5 * sigma * (1 - sigmoid(1)), rel=0.03, abs=1e-6)


def test_the_first_steps_are_gated_like_the_later_ones():
    """The released code divides the bias-corrected utility by an uncorrected maximum: gates of 0 and 1 for an age."""
    shares = gates([torch.tensor([1.0, 0.5, 0.0, -1.0]) * 1e-3])[0]
    assert shares.tolist() == pytest.approx([1 - sigmoid(x) for x in (1.0, 0.5, 0.0, -1.0)])


@pytest.mark.parametrize("utility", [[0.0, 0.0], [-1.0, -2.0], [-1e-30, 0.0]])
def test_where_no_weight_is_useful_none_is_protected_and_none_becomes_nan(utility):
    shares = gates([torch.tensor(utility)])[0]
    assert all(0.5 <= share <= 1 for share in shares.tolist())
    assert (shares.diff() * torch.tensor(utility).diff() <= 0).all()  # the less useful, the more is let through


def test_a_weight_without_a_gradient_and_a_frozen_one_are_left_alone():
    moved, idle, frozen = (nn.Parameter(torch.ones(2)) for _ in range(3))
    optimizer = UPGD(torch.optim.SGD([moved, idle, frozen], lr=0.1))
    frozen.grad = torch.ones(2)
    frozen.requires_grad_(False)
    moved.grad = torch.ones(2)
    optimizer.step()
    assert (moved != 1).all()
    assert (idle == 1).all()


def test_each_group_has_its_own_step_size():
    one, other = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    groups = [{"params": [one], "lr": 1.0}, {"params": [other], "lr": 0.1}]
    optimizer = UPGD(torch.optim.SGD(groups, lr=0.5), sigma=0.0, decoupled_weight_decay=0.2)
    one.grad, other.grad = torch.zeros(1), torch.zeros(1)
    optimizer.step()
    assert (one.item(), other.item()) == pytest.approx((0.8, 0.98))


def test_the_global_generator_is_left_alone():
    network = mlp()
    before = torch.get_rng_state()
    train(network, UPGD(torch.optim.SGD(network.parameters(), lr=0.1)), 3)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "settings", [{"beta_utility": 1.5}, {"sigma": -1.0}, {"decoupled_weight_decay": -1.0}, {"step_scale": -1.0}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        UPGD(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), **settings)
