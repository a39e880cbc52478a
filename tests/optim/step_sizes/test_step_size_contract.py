"""The contract of optimisers that learn step sizes: torch's, resumable, gone when off, plain in what they refuse."""

import copy
import io
import pickle
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.forgetting import forget
from plastic_rl.optim.step_sizes import IDBD, K1, Autostep
from tests.optim.step_sizes.examples import Linear, random_examples

RULES = {
    "IDBD": IDBD,
    "normalised IDBD": partial(IDBD, normalized=True),
    "K1": K1,
    "K1 as published": partial(K1, normalized=False),
    "Autostep": Autostep,
    "Autostep as published": partial(Autostep, keeps_bound=True),
}
rules = pytest.mark.parametrize("name", RULES)


def learned(name, count=8):
    linear = Linear(RULES[name], 4)
    linear.learn_all(*random_examples(count, 4))
    return linear


def assert_goes_on_alike(one, other):
    inputs, targets = random_examples(8, 4, seed=1)
    for each in (one, other):
        each.learn_all(inputs, targets)
    assert torch.equal(one.weight, other.weight)
    assert not torch.equal(one.weight, learned("IDBD").weight)


@rules
def test_a_saved_optimizer_goes_on_bit_for_bit(name):
    whole, again = learned(name), Linear(RULES[name], 4)
    file = io.BytesIO()
    torch.save({"weight": whole.weight.detach(), "optimizer": whole.optimizer.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again.weight.data.copy_(saved["weight"])
    again.optimizer.load_state_dict(saved["optimizer"])
    assert_goes_on_alike(whole, again)


@rules
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_goes_on_bit_for_bit(name, copied):
    whole = learned(name)
    assert_goes_on_alike(whole, copied(whole))


def plain(linear, inputs, targets, move):
    """Learns by a rule without memory: the move of the weights from slopes and error."""
    for each, target in zip(inputs, targets, strict=True):
        error = linear.error(each, target).detach()
        linear.weight.data.add_(move(each, error))
    return linear


# Without a meta step each rule is a plain one: IDBD is LMS, the others LMS with steps that do not overshoot.
PLAIN = {
    "IDBD": (IDBD, lambda x, e: 0.125 * (x * e)),
    "normalised IDBD": (
        partial(IDBD, normalized=True),
        lambda x, e: 0.125 * (1 / (0.125 * x.square()).sum().clamp(min=1)) * (x * e),
    ),
    "K1": (K1, lambda x, e: 0.125 * x * (1 / ((0.125 * x * x).sum() + 1)) * e),
    "Autostep": (Autostep, lambda x, e: 0.125 * (1 / (0.125 * x.square()).sum().clamp(min=1)) * (x * e)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_without_a_meta_step_it_is_the_plain_rule_bit_for_bit(name):
    make, move = PLAIN[name]
    inputs, targets = random_examples(12, 4)
    linear = Linear(partial(make, lr=0.125, meta_step=0.0), 4)
    linear.learn_all(3 * inputs, targets)
    assert torch.equal(linear.weight, plain(Linear(make, 4), 3 * inputs, targets, move).weight)
    assert torch.equal(linear.optimizer.step_sizes()[0], torch.full((4,), 0.125).double())


def test_without_a_meta_step_idbd_is_torchs_sgd_on_half_the_squared_error_bit_for_bit():
    inputs, targets = random_examples(12, 4)
    linear, other = Linear(partial(IDBD, lr=0.125, meta_step=0.0), 4), Linear(IDBD, 4)
    linear.learn_all(inputs, targets)
    sgd = torch.optim.SGD([other.weight], lr=0.125)
    for each, target in zip(inputs, targets, strict=True):
        sgd.zero_grad()
        (other.error(each, target).square() / 2).backward()
        sgd.step()
    assert torch.equal(linear.weight, other.weight)


@rules
def test_a_step_without_an_error_is_refused_by_name(name):
    linear = learned(name)
    with pytest.raises(RuntimeError, match=rf"{type(linear.optimizer).__name__} needs the error .* call .*observe"):
        linear.optimizer.step()  # the last one counted once


def test_errors_that_do_not_belong_to_the_parameters_are_refused_before_anything_moves():
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    before = copy.deepcopy(network.state_dict())
    optimizer = K1(network.parameters())
    network(torch.randn(3)).sum().backward()
    optimizer.observe(torch.ones(2))
    with pytest.raises(ValueError, match=r"K1: errors of shape \(2,\) do not belong to a parameter of shape \(4, 3\)"):
        optimizer.step()
    optimizer.observe(torch.ones(16, 2))  # a minibatch
    with pytest.raises(ValueError, match="no axis of examples"):
        optimizer.step()
    torch.testing.assert_close(network.state_dict(), before, atol=0, rtol=0)


@pytest.mark.parametrize("settings", [{"lr": 0.0}, {"meta_step": -1.0}, {"lr": float("nan")}])
@rules
def test_settings_out_of_range_are_refused(name, settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        RULES[name]([nn.Parameter(torch.zeros(2))], **settings)


@rules
def test_a_schedule_of_the_learning_rate_scales_the_steps(name):
    linear = learned(name)
    sizes = linear.optimizer.step_sizes()[0]
    schedule = torch.optim.lr_scheduler.MultiplicativeLR(linear.optimizer, lambda _: 0.5)
    linear.learn(torch.zeros(4, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))  # nothing to learn from
    schedule.step()
    torch.testing.assert_close(linear.optimizer.step_sizes()[0], sizes / 2)


@rules
def test_a_closure_differentiates_and_observes(name):
    one, other = learned(name), learned(name)
    inputs, target = torch.ones(4, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
    one.learn(inputs, target)

    def closure():
        error = other.error(inputs, target)
        other.optimizer.zero_grad()
        (-error).backward()
        other.optimizer.observe(error)
        return error.item()

    assert isinstance(other.optimizer.step(closure), float)
    assert torch.equal(one.weight, other.weight)


@rules
def test_newborn_weights_begin_with_the_first_step_size_again(name, caplog):
    linear = learned(name)
    forget(linear.optimizer, linear.weight, 0, torch.tensor([1]))
    state = linear.optimizer.state[linear.weight]
    for tensor in (value for value in state.values() if value.shape == linear.weight.shape):
        assert tensor[1] == 0
        assert tensor[0] != 0
    assert linear.optimizer.step_sizes()[0][1] == 0.05
    assert caplog.text == ""


@rules
def test_a_parameter_without_a_gradient_is_left_alone_and_the_rest_goes_on(name):
    layer = nn.Linear(2, 1)
    optimizer = RULES[name](layer.parameters())
    for parts in ((layer.weight, layer.bias), (layer.bias,), (layer.weight, layer.bias)):
        before = [each.detach().clone() for each in (layer.weight, layer.bias)]
        optimizer.zero_grad()
        for each in parts:
            each.grad = torch.ones_like(each)
        optimizer.observe(1.0)
        optimizer.step()
        moved = [not torch.equal(one, other) for one, other in zip(before, (layer.weight, layer.bias), strict=True)]
        assert moved == [len(parts) > 1, True]


def test_it_learns_inside_continual_backprop():
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = K1(network.parameters())
    method = ContinualBackprop(
        optimizer, hidden_layers(network, torch.zeros(1, 3)), replacement_rate=0.1, maturity_threshold=2
    )
    for _ in range(20):
        said = network(torch.randn(1, 3))
        method.zero_grad()
        said.sum().backward()
        optimizer.observe(1 - said)
        method.step()
    assert method.metrics()["cbp/replaced"] > 0
    assert all(each.isfinite().all() for each in network.parameters())
