"""MetaOptimize by hand, beside a transcription around Adam, and on a problem whose first step size is far too small."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop, MetaOptimize, Stack, UnitsReplaced
from tests.optim.networks import mlp, train


def test_three_steps_by_hand():
    """Around gradient descent with a step size of 0.1 on θ² / 2, from θ = 1; μ = 0.5, γ = 0.5.

    1. h = 0, so G = 0 and β = 0. θ = 1 - 0.1 = 0.9, and h = 0.1.
    2. G = 0.1 × 0.9 = 0.09 is positive: β = 0.5. θ = 0.9 - e^0.5 0.09 = 0.7516151, h = 0.05 + 0.1483849 = 0.1983849.
    3. G = 0.1983849 × 0.7516151 > 0: β = 1. θ = 0.7516151 (1 - 0.1 e) = 0.5473050.
    """
    weight = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = MetaOptimize(torch.optim.SGD([weight], lr=0.1), meta_step=0.5, trace_discount=0.5)
    for expected in (0.9, 0.7516151, 0.5473050):
        optimizer.zero_grad()
        (weight.square() / 2).sum().backward()
        optimizer.step()
        assert weight.item() == pytest.approx(expected, abs=1e-7)
    assert optimizer.metrics()["metaoptimize/gain"] == pytest.approx(math.e)


class Transcription:
    """AdamW with Lion on its step size, in plain numbers, as the released code does it for one block and no decay."""

    def __init__(self, theta, alpha, mu=1e-2, gamma=0.99):
        self.theta, self.beta, self.mu, self.gamma = list(theta), math.log(alpha), mu, gamma
        self.m, self.v, self.h, self.meta, self.t = [0.0] * 2, [0.0] * 2, [0.0] * 2, 0.0, 0

    def step(self, gradient):
        self.t += 1
        total = sum(h * g for h, g in zip(self.h, gradient, strict=True))
        self.meta = 0.99 * self.meta + 0.01 * total
        mixed = 0.9 * self.meta + 0.1 * total
        self.beta += self.mu * ((mixed > 0) - (mixed < 0))
        for i, g in enumerate(gradient):
            self.m[i] = 0.9 * self.m[i] + 0.1 * g
            self.v[i] = 0.999 * self.v[i] + 0.001 * g * g
            direction = self.m[i] / (1 - 0.9**self.t) / (math.sqrt(self.v[i] / (1 - 0.999**self.t)) + 1e-8)
            self.theta[i] -= math.exp(self.beta) * direction
            self.h[i] = self.gamma * self.h[i] + math.exp(self.beta) * direction


def test_around_adam_it_is_the_released_algorithm():
    weight = nn.Parameter(torch.tensor([2.0, -1.0], dtype=torch.float64))
    optimizer = MetaOptimize(torch.optim.Adam([weight], lr=0.01), meta_step=1e-2, trace_discount=0.99, blocks="one")
    written = Transcription((2.0, -1.0), 0.01)
    for step in range(40):
        target = 1.0 if step < 25 else -3.0
        optimizer.zero_grad()
        ((weight - target) * torch.tensor([1.0, 3.0]) * (weight - target) / 2).sum().backward()
        written.step([s * (t - target) for s, t in zip((1.0, 3.0), written.theta, strict=True)])
        optimizer.step()
        assert weight.tolist() == pytest.approx(written.theta, rel=1e-6)


def test_a_first_step_size_that_is_far_too_small_is_outgrown():
    losses: list[float] = []
    for meta_step in (0.0, 0.1):
        weight = nn.Parameter(torch.ones(4))
        optimizer = MetaOptimize(torch.optim.Adam([weight], lr=1e-6), meta_step=meta_step)
        for _ in range(120):
            optimizer.zero_grad()
            weight.square().sum().backward()
            optimizer.step()
        losses.append(weight.square().sum().item())
    assert losses[0] > 3.9
    assert losses[1] < 0.1


def test_each_tensor_has_a_step_size_of_its_own_unless_there_is_one_for_all():
    for blocks, count in (("tensors", 6), ("one", 1)):
        optimizer = MetaOptimize(torch.optim.Adam(mlp().parameters()), blocks=blocks)
        assert optimizer.memory["log_gain"].shape == (count,)


@pytest.mark.parametrize("settings", [{"meta_step": -1.0}, {"trace_discount": 1.1}, {"blocks": "rows"}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        MetaOptimize(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), **settings)


def test_a_newborn_unit_has_no_trace_of_the_one_before_it():
    network, told = mlp(), list[UnitsReplaced]()
    layers = hidden_layers(network, torch.zeros(1, 6))
    all_at_once = partial(ContinualBackprop, replacement_rate=1.0, maturity_threshold=9)
    optimizer = Stack((MetaOptimize, all_at_once))(torch.optim.SGD(network.parameters(), lr=0.01), layers)
    optimizer.on_replacement(told.append)
    train(network, optimizer, 10)
    assert [len(event.units) for event in told] == [16, 16]
    traces = optimizer.optimizer.memory["trace"]
    assert [bool(trace.any()) for trace in traces] == [False] * 5 + [True]  # the bias of the output lives on
