"""Feature search: the target by hand, its exact mean and variance, and networks that change or stay."""

import math

import pytest
import torch

from plastic_rl.streams.draws import source
from plastic_rl.streams.feature_search import (
    FeatureSearch,
    StandardizedThresholdNetwork,
    draw_standardized_network,
    threshold_covariance,
)
from plastic_rl.streams.stream import Plan

PLAN = Plan(5, shuffles=False)


def test_the_covariance_of_threshold_units_is_that_of_an_angle():
    """cos 0, 1 and -1: arcsin is 0, π/2 and -π/2, over 2π; with 1/2 (four weights, three of them alike) π/6."""
    incoming = torch.tensor([[1.0, 1, 1, 1], [1, 1, -1, -1], [-1, -1, -1, -1], [1, 1, 1, -1]])
    covariance = threshold_covariance(incoming)
    assert covariance[0].tolist() == pytest.approx([1 / 4, 0, -1 / 4, 1 / 12])
    assert torch.equal(covariance, covariance.T)


def test_the_target_is_the_standardised_sum_of_its_units():
    """Two units at a right angle: each varies by 1/4, the sum with signs +1 and -1 by 1/2 around 0."""
    target = StandardizedThresholdNetwork(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), torch.tensor([1.0, -1.0]))
    assert (target.mean, target.variance) == (0.0, pytest.approx(0.5))
    inputs = torch.tensor([[2.0, 1.0], [1.0, 2.0], [-2.0, 1.0], [1.0, -2.0]])  # on on, on off, off off, off on
    assert target(inputs).flatten().tolist() == pytest.approx([0, math.sqrt(2), 0, -math.sqrt(2)])


def test_an_error_of_1_is_that_of_the_mean():
    for seed in range(5):
        targets = FeatureSearch(PLAN, seed, examples=20_000).task(0).train.targets
        assert abs(targets.mean()) < 5 / math.sqrt(20_000)
        assert abs(targets.var() - 1) < 0.06  # of 20,000 draws, five standard deviations and a heavy tail


def test_a_network_whose_units_cancel_is_drawn_again():
    assert all(draw_standardized_network(1, 2, source(seed)).variance > 0.1 for seed in range(20))


def test_networks_change_from_task_to_task_or_stay_while_inputs_always_change():
    still, switching = (FeatureSearch(PLAN, 3, examples=6, changes=changes) for changes in (False, True))
    assert torch.equal(still.target(4).incoming, still.target(0).incoming)
    assert torch.equal(still.target(0).incoming, switching.target(0).incoming)
    assert not torch.equal(switching.target(1).incoming, switching.target(0).incoming)
    assert [still.task(2).identity, switching.task(2).identity] == [0, 2]
    for stream in (still, switching):
        tasks = [stream.task(index).train for index in (0, 1)]
        assert not torch.equal(tasks[0].inputs, tasks[1].inputs)
        assert torch.equal(stream.target(1)(tasks[1].inputs), tasks[1].targets)


def test_any_task_can_be_had_without_those_before_it_and_whatever_the_length_of_the_stream():
    whole = FeatureSearch(PLAN, 5, examples=7, changes=True)
    in_turn = [whole.task(index).train for index in range(5)]
    longer = FeatureSearch(Plan(60, shuffles=False), 5, examples=7, changes=True)
    for index in (4, 0):
        assert torch.equal(longer.task(index).train.inputs, in_turn[index].inputs)
        assert torch.equal(longer.task(index).train.targets, in_turn[index].targets)
    other = FeatureSearch(PLAN, 6, examples=7, changes=True).task(0).train
    assert not torch.equal(other.inputs, in_turn[0].inputs)


def test_the_shape_is_that_of_the_settings():
    stream = FeatureSearch(PLAN, 0, inputs=3, target_units=4, examples=9)
    assert (stream.shape, stream.outputs, stream.is_regression, stream.examples(0)) == ((3,), 1, True, 9)
    assert stream.target(0).incoming.shape == (4, 3)
    with pytest.raises(ValueError, match="at least one of each, got inputs=20, target_units=0"):
        FeatureSearch(PLAN, 0, target_units=0)
