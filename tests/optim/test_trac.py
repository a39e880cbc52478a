"""TRAC beside a transcription of its algorithms, and the traps of the released code."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import TRAC, ContinualBackprop, ShrinkPerturb, Stack, UnitsReplaced
from plastic_rl.optim.trac import LARGEST, erfi
from tests.optim.networks import mlp, train


def series(x):
    """erfi by its power series, which has no cancellation."""
    term, total, n = x, x, 0
    while abs(term) > 1e-17 * abs(total):
        n += 1
        term *= x * x / n
        total += term / (2 * n + 1)
    return 2 / math.sqrt(math.pi) * total


def test_the_imaginary_error_function():
    values = [0.1, math.sqrt(0.5), 1.0, 2.5, 6.0, LARGEST]
    exact = [series(value) for value in values]
    assert exact[2] == pytest.approx(1.6504257588, abs=1e-9)  # as in tables
    assert erfi(torch.tensor(values, dtype=torch.float64)).tolist() == pytest.approx(exact, rel=1e-12)
    assert erfi(-torch.tensor(values)).tolist() == pytest.approx([-value for value in exact], rel=2e-5)
    assert torch.isfinite(erfi(torch.tensor([LARGEST, -LARGEST]))).all()
    assert erfi(torch.zeros(1)).item() == 0


class Transcription:
    """Algorithms 1 and 2 around gradient descent, in plain numbers; the base keeps an iterate of its own."""

    def __init__(self, theta, rate, epsilon=1e-8, s_prev=1e-8):
        self.reference, self.base, self.theta, self.rate = list(theta), list(theta), list(theta), rate
        self.betas = [0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999]
        self.sigma, self.variance, self.epsilon, self.s_prev = [epsilon] * 6, [0.0] * 6, epsilon, s_prev

    def step(self, gradient):
        h = sum(g * (b - r) for g, b, r in zip(gradient, self.base, self.reference, strict=True))
        scales = []
        for j, beta in enumerate(self.betas):
            self.variance[j] = beta**2 * self.variance[j] + h * h
            self.sigma[j] = beta * self.sigma[j] - h
            bet = series(self.sigma[j] / (math.sqrt(2 * self.variance[j]) + self.epsilon))
            scales.append(self.s_prev * bet / series(math.sqrt(0.5)))
        self.scale = max(sum(scales), 0.0)
        self.base = [b - self.rate * g for b, g in zip(self.base, gradient, strict=True)]
        self.theta = [r + self.scale * (b - r) for r, b in zip(self.reference, self.base, strict=True)]


def slopes(theta, target):
    return [s * (t - c) for s, t, c in zip((1.0, 3.0), theta, target, strict=True)]


def test_the_weights_are_those_of_the_algorithm_before_and_after_a_change():
    weight = nn.Parameter(torch.tensor([0.5, -0.25], dtype=torch.float64))
    optimizer, written = TRAC(torch.optim.SGD([weight], lr=0.1)), Transcription((0.5, -0.25), rate=0.1)
    scales = []
    for update in range(120):
        target = (1.5, -0.5) if update < 60 else (-1.0, 1.0)
        weight.grad = torch.tensor(slopes(weight.tolist(), target), dtype=torch.float64)
        written.step(slopes(written.theta, target))
        optimizer.step()
        scales.append(optimizer.metrics()["trac/scale"])
        assert weight.tolist() == pytest.approx(written.theta, rel=1e-7)
        assert scales[-1] == pytest.approx(written.scale, rel=1e-7)
    assert scales[0] < 1e-6  # it sets out from the reference
    assert max(scales[:60]) > 0.01
    assert min(scales[60:]) == 0.0  # and goes back to it
    assert weight.tolist() != [0.5, -0.25]


def test_single_precision_follows_where_a_displacement_read_off_the_weights_would_be_rounded_away():
    """At a scale of 1e-7 the weights do not move by a bit; the released code divides what is left by 1e-7."""
    results = []
    for kind in (torch.float32, torch.float64):
        weight = nn.Parameter(torch.tensor([0.5, -0.25], dtype=kind))
        optimizer = TRAC(torch.optim.SGD([weight], lr=0.1))
        for _ in range(40):
            weight.grad = torch.tensor(slopes(weight.tolist(), (1.5, -0.5)), dtype=kind)
            optimizer.step()
        results.append(torch.cat([weight.detach().double(), optimizer.memory["scale"].double()[None]]))
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-6)


def test_the_base_may_be_adam_and_learns_a_regression():
    network, x = mlp(), torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    optimizer = TRAC(torch.optim.Adam(network.parameters(), lr=1e-2))
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = (network(x) - x[:, :2]).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_what_others_write_between_two_steps_stays():
    weight, plain = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
    optimizer, undisturbed = TRAC(torch.optim.SGD([weight], lr=0.1)), TRAC(torch.optim.SGD([plain], lr=0.1))
    for update in range(8):
        for each, one in ((weight, optimizer), (plain, undisturbed)):
            each.grad = torch.tensor([1.0, -1.0])
            one.step()
        if update == 3:
            with torch.no_grad():
                weight.add_(torch.tensor([5.0, 0.0]))
    torch.testing.assert_close(weight - plain, torch.tensor([5.0, 0.0]))


def test_inside_a_method_that_writes_weights_it_goes_on():
    network = mlp()
    stack = Stack((TRAC, lambda optimizer, layers=(): ShrinkPerturb(optimizer, noise_std=1e-3, seed=0)))
    train(network, stack(torch.optim.SGD(network.parameters(), lr=0.1)), 20)
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())


def test_a_parameter_without_a_gradient_and_a_frozen_one_are_left_alone():
    moved, idle, frozen = (nn.Parameter(torch.ones(2)) for _ in range(3))
    frozen.requires_grad_(False)
    optimizer = TRAC(torch.optim.SGD([moved, idle, frozen], lr=0.1))
    for _ in range(10):
        moved.grad = torch.tensor([1.0, 1.0])
        optimizer.step()
    assert (moved < 1).all()
    assert (idle == 1).all()
    assert (frozen == 1).all()


def test_a_bet_too_large_for_single_precision_is_cut_off_and_not_refused():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = TRAC(torch.optim.SGD([weight], lr=1e-6))
    for _ in range(3000):  # the same slope for ever: σ / √v grows without bound
        weight.grad = torch.ones(1)
        optimizer.step()
    assert torch.isfinite(weight).all()


def test_a_step_asks_the_device_for_nothing(monkeypatch):
    weight = nn.Parameter(torch.ones(2))
    optimizer = TRAC(torch.optim.SGD([weight], lr=0.1))
    for name in ("item", "tolist", "__float__", "__bool__"):
        monkeypatch.setattr(torch.Tensor, name, lambda *_: pytest.fail("asked for a number"))
    weight.grad = torch.ones(2)
    optimizer.step()


@pytest.mark.parametrize("settings", [{"tuners": -1}, {"s_prev": -1.0}, {"epsilon": math.inf}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        TRAC(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), **settings)


def test_a_newborn_unit_is_not_given_the_displacement_of_the_one_before_it():
    network, told = mlp(), list[UnitsReplaced]()
    layers = hidden_layers(network, torch.zeros(1, 6))
    all_at_once = partial(ContinualBackprop, replacement_rate=1.0, maturity_threshold=59)
    optimizer = Stack((TRAC, all_at_once))(torch.optim.SGD(network.parameters(), lr=0.01), layers)
    optimizer.on_replacement(told.append)
    train(network, optimizer, 60)
    assert [len(event.units) for event in told] == [16, 16]
    scale = optimizer.metrics()["trac/scale"]
    for each in network.parameters():
        each.grad = torch.zeros_like(each)
    optimizer.step()  # moves nothing but the scale
    assert optimizer.metrics()["trac/scale"] != scale
    assert not any(port.weight.any() for layer in layers for port in layer.read_by)
    assert network[4].bias.any()
