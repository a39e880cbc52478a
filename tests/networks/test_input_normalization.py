"""Inputs normalised by an exponential average: numbers worked out by hand, and that it is part of the network."""

import math

import pytest
import torch
from torch import nn

from agents.sgd import SGD
from agents.sgd_fresh import SGDFresh
from envs.permuted_digits import PermutedDigits
from plastic_rl.networks import InputNormalization
from plastic_rl.networks.input_normalization import taken_in


def after(decay, *batches):
    statistics = torch.zeros(1), torch.ones(1), torch.zeros(())
    for batch in batches:
        statistics = taken_in(*statistics, torch.tensor(batch)[:, None], decay)
    return [float(each) for each in statistics]


def test_the_moments_are_those_of_a_weighted_mean_from_the_first_input_on():
    assert after(0.5, [4.0]) == [4, 0, 1]  # the bias is corrected: not 0.5 * 0 + 0.5 * 4
    # Weights 1/2 and 1: the mean is (2 + 1) / 1.5 = 2, the variance (1/2 * 4 + 1 * 1) / 1.5 = 2.
    assert after(0.5, [4.0], [1.0]) == pytest.approx([2, 2, 1.5])
    # Weights 1/4, 1/2, 1: the mean is (1 + 0.5 + 6) / 1.75, the mean square (4 + 0.5 + 36) / 1.75.
    assert after(0.5, [4.0], [1.0], [6.0]) == pytest.approx([7.5 / 1.75, 40.5 / 1.75 - (7.5 / 1.75) ** 2, 1.75])


def test_a_minibatch_is_of_one_age_and_ages_what_was_before_by_its_length():
    # Weight 1/4 for the first, 1 for each of the two.
    assert after(0.5, [4.0], [1.0, 3.0]) == pytest.approx([5 / 2.25, 14 / 2.25 - (5 / 2.25) ** 2, 2.25])
    mean, variance, count = after(1.0, [4.0], [1.0, 3.0], [2.0, 0.0, 2.0])  # nothing is forgotten: plain moments
    assert (mean, variance, count) == pytest.approx((2, 10 / 6, 6))


def test_inputs_are_taken_in_normalised_and_clipped_while_training_alone():
    layer = InputNormalization((1,), decay=0.5, epsilon=0.0)
    layer(torch.tensor([[4.0]]))
    assert layer(torch.tensor([[1.0]])).item() == pytest.approx(-1 / math.sqrt(2))
    layer.eval()
    assert layer(torch.tensor([[6.0]])).item() == pytest.approx(4 / math.sqrt(2))
    assert layer(torch.tensor([[1e6], [-1e6]])).flatten().tolist() == [10, -10]
    assert (layer.mean.item(), layer.count.item()) == (2, 1.5)


def test_a_change_is_followed_within_the_time_that_the_decay_says():
    layer, draws = InputNormalization((3,), decay=0.9), torch.Generator().manual_seed(0)
    for offset in [0.0] * 200 + [50.0] * 50:
        layer(offset + torch.randn(1, 3, generator=draws))
    assert (layer.mean - 50).abs().max() < 1
    assert layer.variance.max() < 25


@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_a_decay_out_of_its_range_is_refused(decay):
    with pytest.raises(ValueError, match="decay must be above 0 and at most 1"):
        InputNormalization((1,), decay=decay)


def stream(seed=0):
    return PermutedDigits(tasks=2, examples=64, batch_size=4).build(seed=seed, device="cpu")


def learned(agent, *seeds, start=0, stop=8, learner=None):
    streams = [stream(seed) for seed in seeds]
    learner = learner or agent.build(streams, device="cpu")
    tasks = [each.task(0) for each in streams]
    for place in range(start, stop):
        taken = [task.train.take(torch.arange(4 * place, 4 * place + 4)) for task in tasks]
        inputs = torch.stack([task.view(kept) for task, (kept, _) in zip(tasks, taken, strict=True)])
        learner.update(inputs, torch.stack([targets for _, targets in taken]), tasks[0])
    return learner


def test_it_is_the_first_layer_of_an_agents_network_and_finding_layers_takes_nothing_in():
    agent = SGD(hidden_units=8, normalize_inputs=0.99)
    learner = agent.build([stream()], device="cpu")
    (network,) = learner.networks
    assert isinstance(network[0], InputNormalization)
    assert network[0].count == 0
    assert len(learner.layers) == 3
    learned(agent, 0, learner=learner)
    assert network[0].count == pytest.approx(sum(4 * 0.99 ** (4 * age) for age in range(8)), rel=1e-5)
    assert type(SGD(hidden_units=8).build([stream()], device="cpu").networks[0]) is not nn.Sequential


def test_several_seeds_have_statistics_of_their_own():
    agent = SGD(hidden_units=8, normalize_inputs=0.9)
    together = learned(agent, 0, 1)
    for seed, network in enumerate(together.networks):
        (alone,) = learned(agent, seed).networks
        for name, value in alone.state_dict().items():
            torch.testing.assert_close(network.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    assert not torch.equal(together.networks[0][0].mean, together.networks[1][0].mean)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_a_saved_learner_goes_on_exactly_and_a_fresh_network_has_seen_nothing(seeds):
    agent = SGDFresh(hidden_units=8, normalize_inputs=0.9)
    whole, half = learned(agent, *seeds), learned(agent, *seeds, stop=4)
    again = agent.build([stream(seed) for seed in seeds], device="cpu")
    again.load_state_dict(half.state_dict())
    learned(agent, *seeds, start=4, learner=again)
    for one, other in zip(whole.networks, again.networks, strict=True):
        assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
    whole.begin(stream().task(1), stream().plan)
    assert all(network[0].count == 0 for network in whole.networks)
