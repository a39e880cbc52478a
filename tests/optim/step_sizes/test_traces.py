"""Rules with eligibility traces by hand: TIDBD, intentional updates, ObGD; that episodes end them; that they learn."""

import copy
import math
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.optim.step_sizes import TIDBD, IntentionalUpdates, ObGD, SwiftTD

FEATURES = torch.tensor([[1.0, 0.5], [0.5, -1.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
REWARDS = (1.0, 0.5, -1.0)


def weighed(make):
    weight = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    return weight, make([weight])


def learn(weight, optimizer, features, error, *, ends=False):
    optimizer.zero_grad()
    (weight * features).sum().backward()
    optimizer.observe(error, ends_episode=ends)
    optimizer.step()


def test_three_steps_of_tidbd_by_hand():
    """γ = 0.9, λ = 0.5, θ = 0.1, step sizes of 0.1 at first; z is (1, 0.5), (0.95, -0.775), (1.4275, 0.65125).

    The first error is 1: w = 0.1 z. The second is 0.5 + 0.9 (0.1 + 0.05) - (0.05 - 0.05) = 0.635, and so on.
    """
    weight, optimizer = weighed(partial(TIDBD, lr=0.1, meta_step=0.1, discount=0.9, trace_decay=0.5))
    expected = [
        (0.1, 0.05, 0.1, 0.1),
        (0.1605168, 0.0009435, 0.100318, 0.099683),
        (-0.0027098, -0.0744272, 0.0985209, 0.0997168),
    ]
    for step, row in enumerate(expected):
        values = FEATURES @ weight.detach()
        learn(weight, optimizer, FEATURES[step], REWARDS[step] + 0.9 * values[step + 1] - values[step])
        assert [*weight.tolist(), *optimizer.step_sizes()[0].tolist()] == pytest.approx(row, abs=1e-7)


def test_three_intentional_steps_by_hand():
    """A transcription for two weights: η = 0.5, γ λ = 0.45, β_2 = 0.9, errors 2, -1 and 0.5."""
    weight, optimizer = weighed(partial(IntentionalUpdates, lr=0.5, discount=0.9, trace_decay=0.5, square_kept=0.9))
    w, v, z, sigma = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], 0.0
    for t, error in enumerate((2.0, -1.0, 0.5), start=1):
        x = FEATURES[t - 1].tolist()
        v = [0.9 * a + 0.1 * b * b for a, b in zip(v, x, strict=True)]
        root = [math.sqrt(a / (1 - 0.9**t)) + 1e-8 for a in v]
        z = [0.45 * a + b for a, b in zip(z, x, strict=True)]
        sigma += 0.55 * (sum(b * b / r for b, r in zip(x, root, strict=True)) - sigma)
        far = sum(a * a / r for a, r in zip(z, root, strict=True))
        step = 0.5 / math.sqrt(sigma / (1 - 0.45**t) * far)
        w = [a + step * error * b / r for a, b, r in zip(w, z, root, strict=True)]
        learn(weight, optimizer, FEATURES[t - 1], error)
        assert weight.tolist() == pytest.approx(w, rel=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_an_intentional_step_takes_the_share_of_the_error_that_is_meant(scale):
    network = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1)).double()
    inputs = scale * torch.randn(4, dtype=torch.float64)
    optimizer = IntentionalUpdates(network.parameters(), lr=1e-3, trace_decay=0.0)
    before = network(inputs)
    before.sum().backward()
    optimizer.observe(3.0 - before)
    optimizer.step()
    share = (network(inputs) - before) / (3.0 - before)
    assert share.item() == pytest.approx(1e-3, rel=0.01)


def test_an_error_out_of_all_proportion_is_clipped_and_a_policy_knows_no_scale():
    steps = {}
    for name, settings in {"value": {}, "policy": {"scales_errors": True}}.items():
        weight, optimizer = weighed(partial(IntentionalUpdates, trace_decay=0.0, clip=1.0, **settings))
        for error in (*[1.0] * 9, 100.0):
            before = weight.detach().clone()
            learn(weight, optimizer, FEATURES[0], error)
            steps.setdefault(name, []).append((weight - before).norm().item())
    assert steps["value"][-1] == pytest.approx(steps["value"][0] * math.sqrt((9 + 1e4) / 10), rel=0.01)
    clipped = math.sqrt((9 + 1e4) / 10)
    assert steps["policy"][-1] == pytest.approx(steps["policy"][0] * clipped / ((9 + clipped) / 10), rel=0.01)


def test_obgd_by_hand():
    """γ λ = 0.45, κ = 2, α = 1: z = (1, 0.5), so that 2 × 1 × 1.5 = 3 divides; then z = (0.95, -0.775), δ = -3."""
    weight, optimizer = weighed(partial(ObGD, discount=0.9, trace_decay=0.5))
    learn(weight, optimizer, FEATURES[0], 0.5)
    assert weight.tolist() == pytest.approx([0.5 / 3, 0.25 / 3])
    learn(weight, optimizer, FEATURES[1], -3.0)
    bound = 2 * 3 * 1.725
    assert weight.tolist() == pytest.approx([0.5 / 3 - 3 * 0.95 / bound, 0.25 / 3 + 3 * 0.775 / bound])


def test_a_small_step_of_obgd_is_as_long_as_it_was_meant():
    weight, optimizer = weighed(partial(ObGD, lr=0.01))
    learn(weight, optimizer, FEATURES[0], 0.5)
    assert weight.tolist() == pytest.approx([0.005, 0.0025])


TRACES = {
    "TIDBD": TIDBD,
    "SwiftTD": SwiftTD,
    "intentional updates": IntentionalUpdates,
    "ObGD": ObGD,
}


@pytest.mark.parametrize("name", TRACES)
def test_traces_end_with_the_episode_and_not_before(name):
    state = {}
    for ends in (False, True):
        weight, optimizer = weighed(TRACES[name])
        for step in range(3):
            learn(weight, optimizer, FEATURES[step], 1.0, ends=ends and step == 2)
        state[ends] = optimizer.state[weight]
    assert state[False]["eligibility"].all()
    assert not state[True]["eligibility"].any()
    for kept in state[True].keys() & {"gain_trace", "log_gain", "slope_square"}:
        assert torch.equal(state[True][kept], state[False][kept])


@pytest.mark.parametrize("name", TRACES)
def test_it_goes_on_bit_for_bit(name):
    weight, optimizer = weighed(TRACES[name])
    for step in range(3):
        learn(weight, optimizer, FEATURES[step], 1.0)
    again, other = weighed(TRACES[name])
    again.data.copy_(weight)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for step in range(3):
        learn(weight, optimizer, FEATURES[step], -1.0)
        learn(again, other, FEATURES[step], -1.0)
    assert torch.equal(weight, again)


@pytest.mark.parametrize(("name", "rate"), [("TIDBD", 0.05), ("SwiftTD", 0.1), ("intentional updates", 0.5)])
def test_values_of_a_chain_are_learned(name, rate):
    """Four states in a row, a reward of 1 at the end: values 0.9³, 0.9², 0.9 and 1."""
    features = torch.eye(5, 4, dtype=torch.float64)  # the fifth is the end
    weight = nn.Parameter(torch.zeros(4, dtype=torch.float64))
    optimizer = TRACES[name]([weight], lr=rate, discount=0.9, trace_decay=0.9)
    for _ in range(60):
        before = 0.0
        for state in range(5):
            values, ends = features @ weight.detach(), state == 4
            if name == "SwiftTD":
                error = (ends * 1.0 + 0.9 * values[state] - before) if state else 0.0
                learn(weight, optimizer, features[state], error, ends=ends)
                before = values[state]
            elif not ends:
                error = (state == 3) * 1.0 + 0.9 * values[state + 1] - values[state]
                learn(weight, optimizer, features[state], error, ends=state == 3)
    assert weight.tolist() == pytest.approx([0.729, 0.81, 0.9, 1.0], abs=0.1)


def test_settings_out_of_range_are_refused():
    for make, settings in (
        (TIDBD, {"trace_decay": 1.5}),
        (IntentionalUpdates, {"discount": 1.0, "trace_decay": 1.0}),
        (IntentionalUpdates, {"clip": 0.5}),
        (ObGD, {"caution": -1.0}),
    ):
        with pytest.raises(ValueError, match=next(iter(settings))):
            make([nn.Parameter(torch.zeros(1))], **settings)
