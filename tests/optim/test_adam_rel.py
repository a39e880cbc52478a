"""Adam-Rel: Adam's equations with a clock of one's own, also where single units have clocks."""

import math

import pytest
import torch
from torch import nn

from plastic_rl.optim import Adam, AdamRel, ContinualBackprop
from plastic_rl.optim.adam import with_unit_clock
from tests.optim.networks import mlp, three_unit_layer, three_units, train


def transcription(gradients, restarts, *, rate=0.1, betas=(0.9, 0.999), eps=1e-8):
    """Adam in plain numbers whose t is zero again before the updates with these numbers."""
    theta, m, v, t, seen = 0.0, 0.0, 0.0, 0, []
    for update, g in enumerate(gradients):
        t = 1 if update in restarts else t + 1
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
        theta -= rate * (m / (1 - betas[0] ** t)) / (math.sqrt(v / (1 - betas[1] ** t)) + eps)
        seen.append(theta)
    return seen


GRADIENTS = [1.0, 0.5, -0.25, 2.0, 40.0, 30.0, -10.0, 3.0]


@pytest.mark.parametrize("kind", [torch.optim.Adam, Adam])
def test_moments_stay_and_the_clock_restarts(kind):
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer, seen = AdamRel(kind([weight], lr=0.1)), []
    for update, gradient in enumerate(GRADIENTS):
        if update in (4, 6):
            optimizer.restart()
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
        seen.append(weight.item())
    assert seen == pytest.approx(transcription(GRADIENTS, {4, 6}))
    assert seen != pytest.approx(transcription(GRADIENTS, set()))
    assert optimizer.metrics() == {"adam_rel/restarts": 2}


def test_a_jump_of_the_gradient_makes_no_longer_a_long_step():
    """The paper's case: gradients a hundred times as large. Adam's next step is 3 times too long, and ours is not."""
    longest = {}
    for restarts in (False, True):
        weight = nn.Parameter(torch.zeros(1))
        optimizer, steps = AdamRel(torch.optim.Adam([weight], lr=1.0)), []
        for update, gradient in enumerate([1.0] * 500 + [100.0] * 5):
            if restarts and update == 500:
                optimizer.restart()
            weight.grad = torch.full_like(weight, gradient)
            before = weight.item()
            optimizer.step()
            steps.append(abs(weight.item() - before))
        longest[restarts] = max(steps)
    assert longest[False] > 2.5
    assert longest[True] < 1.4


def test_it_restarts_at_rollouts_at_changes_and_at_an_interval_as_it_is_told():
    for settings, expected in (
        ({}, [0, 0, 2]),
        ({"on_rollout": False}, [1, 0, 2]),
        ({"on_change": False}, [0, 1, 3]),
        ({"on_rollout": False, "on_change": False, "every": 2}, [1, 0, 0]),
    ):
        weight = nn.Parameter(torch.zeros(1))
        optimizer, clock = AdamRel(torch.optim.Adam([weight], lr=0.1), **settings), []
        weight.grad = torch.ones(1)
        optimizer.step()
        optimizer.begin_rollout()
        clock.append(int(optimizer.state[weight]["step"]))
        optimizer.step()
        optimizer.begin_task()
        clock.append(int(optimizer.state[weight]["step"]))
        optimizer.step()
        optimizer.step()
        clock.append(int(optimizer.state[weight]["step"]))
        assert clock == expected, settings


def test_nadam_counts_anew_too():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = AdamRel(torch.optim.NAdam([weight], lr=0.1))
    weight.grad = torch.ones(1)
    optimizer.step()
    optimizer.restart()
    assert (optimizer.state[weight]["step"].item(), optimizer.state[weight]["mu_product"].item()) == (0, 1)


def test_newborn_units_keep_their_own_clock_through_a_restart():
    """Their entries go by 1 - β^age before and after, whatever the clock of their parameter shows."""
    network = three_units()
    clocked = with_unit_clock(torch.optim.Adam(network.parameters(), lr=0.1))
    optimizer, weight = AdamRel(clocked), network[0].weight
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    with torch.no_grad():
        for name in ("exp_avg", "exp_avg_sq"):
            clocked.state[weight][name][1] = 0
    clocked.restart_clock(weight, 0, torch.tensor([1]))
    steps = []
    for update in range(3):
        if update == 1:
            optimizer.restart()
        before = weight.detach().clone()
        optimizer.step()
        steps.append((weight - before)[:, 0].tolist())
    assert [step[1] for step in steps] == pytest.approx([-0.1] * 3)  # as of a fresh Adam under a steady gradient
    # The others: t is 1 again after the third update; their moments are those of 1, 2, 3 and 4 equal gradients.
    m, v = 1 - 0.9**3, 1 - 0.999**3
    assert steps[1][0] == pytest.approx(-0.1 * (m / 0.1) / math.sqrt(v / 0.001))


def test_it_goes_with_continual_backprop_either_way_round():
    for order in (0, 1):
        network = three_units()
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        layers = three_unit_layer(network)
        if order:
            inner = ContinualBackprop(optimizer, layers, replacement_rate=0.3, maturity_threshold=1)
            optimizer = AdamRel(inner, every=5)
        else:
            inner = AdamRel(optimizer, every=5)
            optimizer = ContinualBackprop(inner, layers, replacement_rate=0.3, maturity_threshold=1)
        for _ in range(30):
            optimizer.zero_grad()
            network(torch.ones(4, 2)).square().mean().backward()
            optimizer.step()
        assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
        assert optimizer.metrics()["adam_rel/restarts"] == 6


def test_an_optimiser_without_a_clock_is_refused():
    with pytest.raises(ValueError, match="SGD has none"):
        AdamRel(torch.optim.SGD(mlp().parameters(), lr=0.1))


def test_it_says_when_it_never_restarts():
    optimizer = AdamRel(torch.optim.Adam(mlp().parameters()), on_rollout=False, on_change=False)
    assert len(list(optimizer.concerns())) == 1
    network = mlp()
    other = AdamRel(torch.optim.Adam(network.parameters()))
    train(network, other, 2)
    assert list(other.concerns()) == []
