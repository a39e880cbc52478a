"""Properties of rules that learn step sizes, exact wherever rounding allows."""

from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.optim.step_sizes import IDBD, K1, Autostep
from tests.optim.step_sizes.examples import Linear, random_examples

SCALE_FREE = {
    "K1": K1,
    "normalised IDBD": partial(IDBD, normalized=True, meta_step=0.1),
    "Autostep": Autostep,
    "Autostep as published": partial(Autostep, keeps_bound=True),
}
BOUNDED = {**SCALE_FREE, "K1 as published": partial(K1, normalized=False)}
ALL = {**BOUNDED, "IDBD": IDBD}


@pytest.mark.parametrize("name", SCALE_FREE)
def test_weights_follow_the_scale_of_the_targets_exactly(name: str):
    inputs, targets = random_examples(40, 6)
    plain, large, hundredfold = (Linear(SCALE_FREE[name], 6) for _ in range(3))
    plain.learn_all(inputs, targets)
    large.learn_all(inputs, 128 * targets)  # a power of two, which no rounding touches
    hundredfold.learn_all(inputs, 100 * targets)
    assert torch.equal(large.weight, 128 * plain.weight)
    assert torch.equal(large.optimizer.step_sizes()[0], plain.optimizer.step_sizes()[0])
    torch.testing.assert_close(hundredfold.weight, 100 * plain.weight, rtol=1e-9, atol=0)


def test_the_published_idbd_depends_on_the_scale_of_the_targets():
    inputs, targets = random_examples(20, 6)
    plain, large = Linear(IDBD, 6), Linear(IDBD, 6)
    plain.learn_all(inputs, targets)
    large.learn_all(inputs, 4 * targets)
    assert not torch.allclose(large.weight, 4 * plain.weight, rtol=0.01)


@pytest.mark.parametrize("name", BOUNDED)
def test_no_step_overshoots_its_own_example(name: str):
    inputs, targets = random_examples(40, 6)
    linear = Linear(partial(BOUNDED[name], lr=0.5), 6)
    for each, target in zip(10 * inputs, targets, strict=True):
        before = linear.error(each, target).item()
        linear.learn(each, target)
        after = linear.error(each, target).item()
        assert abs(after) <= abs(before) * (1 + 1e-9)
        assert after * before >= -1e-9 * before**2


def test_k1_leaves_the_share_of_an_error_that_it_takes_for_noise():
    linear = Linear(partial(K1, lr=0.25, noise=2.0))
    linear.learn(torch.tensor([2.0, 1.0], dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
    after = linear.error(torch.tensor([2.0, 1.0], dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
    assert after.item() == pytest.approx(2.0 / (2.0 + 0.25 * 5))


def test_autostep_remembers_the_scale_of_its_meta_steps():
    # A public version does not, and then moves each step size by exactly μ at each example.
    inputs, targets = random_examples(50, 6)
    linear, moved = Linear(partial(Autostep, meta_step=0.01), 6), []
    for each, target in zip(inputs, targets, strict=True):
        before = linear.optimizer.step_sizes()[0].log()
        linear.learn(each, target)
        moved.append((linear.optimizer.step_sizes()[0].log() - before).abs())
    assert (torch.stack(moved[1:]) < 0.005).float().mean() > 0.5


@pytest.mark.parametrize(("name", "meta_step"), [("IDBD", 0.05), ("K1", 0.3), ("Autostep", 0.1)])
def test_relevant_inputs_get_the_larger_steps(name: str, meta_step: float):
    draws = torch.Generator().manual_seed(1)
    inputs = torch.randn(200, 4, generator=draws, dtype=torch.float64)
    signs = torch.where(torch.arange(200) // 20 % 2 == 0, 1.0, -1.0).double()
    linear = Linear(partial(ALL[name], meta_step=meta_step), 4)
    linear.learn_all(inputs, inputs[:, 0] * signs)
    sizes = linear.optimizer.step_sizes()[0]
    assert sizes[0] > 2 * sizes[1:].max()


@pytest.mark.parametrize("name", ALL)
def test_rows_of_a_layer_learn_what_each_learns_alone(name: str):
    inputs, _ = random_examples(10, 3)
    targets = torch.stack([inputs[:, 0], 2 - inputs[:, 1]], 1)
    layer = nn.Linear(3, 2).double()
    alone = [nn.Linear(3, 1).double() for _ in range(2)]
    for row, each in enumerate(alone):
        each.load_state_dict({"weight": layer.weight[row : row + 1].clone(), "bias": layer.bias[row : row + 1].clone()})
    networks = [layer, *alone]
    optimizers = [ALL[name](network.parameters()) for network in networks]
    for x, y in zip(inputs, targets, strict=True):
        for network, optimizer, wanted in zip(networks, optimizers, (y, y[:1], y[1:]), strict=True):
            said = network(x)
            optimizer.zero_grad()
            said.sum().backward()
            optimizer.observe(wanted - said)
            optimizer.step()
    together = torch.cat([each.weight for each in alone])
    torch.testing.assert_close(layer.weight.data, together.detach(), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", ["IDBD", "K1", "Autostep"])
def test_a_network_of_one_output_learns(name: str):
    inputs, _ = random_examples(120, 3)
    targets = (inputs[:, 0] * 2).tanh()
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    optimizer = ALL[name](network.parameters())
    squares: list[float] = []
    for x, y in zip(inputs, targets, strict=True):
        said = network(x)
        optimizer.zero_grad()
        said.sum().backward()
        optimizer.observe(y - said)
        optimizer.step()
        squares.append((y - said).square().item())
    assert sum(squares[-40:]) < 0.5 * sum(squares[:40])
