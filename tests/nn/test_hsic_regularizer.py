"""HSIC beside any loss: as good as a term in the loss, off means gone, and SB3's own train() is left alone."""

from __future__ import annotations

import pytest
import torch
from stable_baselines3 import PPO
from torch import Tensor, nn

from plastic_rl.nn import HSICRegularizer
from plastic_rl.nn.hsic import normalized_hsic
from plastic_rl.nn.hsic_regularizer import carry_loss
from plastic_rl.nn.kernels import gaussian_kernel
from tests.nn.local_networks import CLASSES, clusters, mlp

INPUTS, LABELS = clusters(32)
COLUMNS = nn.functional.one_hot(LABELS, CLASSES).float()


def test_an_activation_carries_a_loss_by_hand():
    z = torch.tensor([1.0, 2.0], requires_grad=True)
    carried = carry_loss(z, z.square().sum())
    assert torch.equal(carried, z)
    (3 * carried).sum().backward()
    assert z.grad is not None
    assert z.grad.tolist() == [3 + 2.0, 3 + 4.0]


def gradients(network: nn.Sequential, extra: Tensor | float = 0.0) -> list[Tensor]:
    network.zero_grad()
    (nn.functional.cross_entropy(network(INPUTS)[:, :CLASSES], LABELS) + extra).backward()
    return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]


@pytest.mark.parametrize(("lambda_x", "lambda_y"), [(0.7, 0.0), (0.0, 2.0), (0.3, 5.0)])
def test_it_is_as_good_as_a_term_in_the_loss(lambda_x: float, lambda_y: float):
    network = mlp()
    kernels = [gaussian_kernel(each) for each in (INPUTS, COLUMNS)]
    first, second = network[:3](INPUTS), network[:6](INPUTS)
    terms = [
        lambda_x * normalized_hsic(gaussian_kernel(z), kernels[0])
        - lambda_y * normalized_hsic(gaussian_kernel(z), kernels[1])
        for z in (first, second)
    ]
    expected = gradients(network, terms[0] + terms[1])
    regularizer = HSICRegularizer(network, [network[2], network[5]], lambda_x=lambda_x, lambda_y=lambda_y)
    regularizer.targets = COLUMNS
    found = gradients(network)
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=2e-3, atol=2e-4)
    assert regularizer.value is not None
    torch.testing.assert_close(regularizer.value, (terms[0] + terms[1]).detach(), rtol=1e-3, atol=1e-3)


def test_off_means_gone():
    network = mlp()
    plain = gradients(network)
    off = HSICRegularizer(network, [network[2]])
    off.targets = COLUMNS
    assert all(torch.equal(a, b) for a, b in zip(plain, gradients(network), strict=True))
    on = HSICRegularizer(network, [network[2]], lambda_x=1.0)
    assert not all(torch.equal(a, b) for a, b in zip(plain, gradients(network), strict=True))
    on.remove()
    assert all(torch.equal(a, b) for a, b in zip(plain, gradients(network), strict=True))


@pytest.mark.parametrize("why", ["no targets", "evaluation", "no gradient"])
def test_it_keeps_quiet_where_it_has_nothing_to_say(why: str):
    network = mlp()
    regularizer = HSICRegularizer(network, [network[2]], lambda_y=1.0)
    regularizer.targets = None if why == "no targets" else COLUMNS
    network.train(why != "evaluation")
    with torch.set_grad_enabled(why != "no gradient"):
        network(INPUTS)
    assert regularizer.value is None


def test_targets_of_another_batch_are_refused():
    network = mlp()
    regularizer = HSICRegularizer(network, [network[2]], lambda_y=1.0)
    regularizer.targets = COLUMNS[:5]
    with pytest.raises(ValueError, match="the regulariser has 5 targets for a batch of 32 inputs"):
        network(INPUTS)


@pytest.mark.parametrize(("layers", "weight"), [(0, 1.0), (1, -1.0)])
def test_what_makes_no_sense_is_refused(layers: int, weight: float):
    network = mlp()
    with pytest.raises(ValueError, match="weights of 0 or more and one layer or more are expected"):
        HSICRegularizer(network, list(network)[:layers], lambda_x=weight)


def learnt(lambda_x: float = 0.0, lambda_y: float = 0.0) -> tuple[PPO, list[Tensor]]:
    """A policy after an update, and what the regulariser came to in each minibatch."""
    torch.manual_seed(0)
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, batch_size=32, n_epochs=2, seed=0, device="cpu")
    trunk, buffer, values = model.policy.mlp_extractor.policy_net, model.rollout_buffer, []
    regularizer = HSICRegularizer(trunk, [trunk[1], trunk[3]], lambda_x=lambda_x, lambda_y=lambda_y, sigma=1.0)
    plain = buffer.get

    def labelled(batch_size: int | None = None):
        for samples in plain(batch_size):
            regularizer.targets = samples.returns[:, None]
            yield samples
            values.append(regularizer.value)

    buffer.get = labelled
    model.learn(64)
    return model, values


def test_stable_baselines_trains_with_it_unchanged():
    (plain, off), (regularised, values), (both, _) = learnt(), learnt(lambda_x=1.0), learnt(0.5, 1.0)
    assert off == [None] * 4
    assert len(values) == 4
    assert all(value > 0 for value in values)
    actors = [model.policy.mlp_extractor.policy_net[0].weight for model in (plain, regularised, both)]
    critics = [model.policy.mlp_extractor.value_net[0].weight for model in (plain, regularised, both)]
    assert not torch.equal(actors[0], actors[1])
    assert not torch.equal(actors[1], actors[2])
    assert critics[0].shape == critics[1].shape
