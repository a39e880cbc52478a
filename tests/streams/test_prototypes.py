"""Prototypes: inputs around patterns, one of which is replaced from task to task, and the control without any."""

import math

import pytest
import torch

from plastic_rl.streams.prototypes import Prototypes
from plastic_rl.streams.stream import Plan

PLAN = Plan(30, shuffles=False)


def test_without_noise_an_input_is_a_pattern_and_its_target_that_of_the_pattern():
    stream = Prototypes(PLAN, 0, prototypes=5, noise=0.0, examples=100)
    patterns, targets = stream.patterns(3)
    train = stream.task(3).train
    is_the_pattern = (train.inputs[:, None] == patterns).all(2)
    assert is_the_pattern.sum(1).tolist() == [1] * 100
    assert is_the_pattern.any(0).all()
    assert torch.equal(train.targets[:, 0], is_the_pattern.float() @ targets)
    assert targets.abs().unique().tolist() == patterns.abs().unique().tolist() == [1.0]


def test_a_share_of_the_bits_is_wrong():
    stream = Prototypes(PLAN, 0, prototypes=1, bits=40, noise=0.05, examples=2000)
    wrong = (stream.task(0).train.inputs != stream.patterns(0)[0]).float().mean()
    assert abs(wrong - 0.05) < 5 * math.sqrt(0.05 * 0.95 / 80_000)


def test_one_pattern_is_replaced_from_task_to_task_each_of_them_at_times():
    stream = Prototypes(Plan(60, shuffles=False), 0, prototypes=4)
    patterns = torch.stack([stream.patterns(index)[0] for index in range(60)])
    differs = (patterns[1:] != patterns[:-1]).any(2)
    assert differs.sum(1).unique().tolist() == [1]
    assert differs.any(0).all()
    still = Prototypes(PLAN, 0, prototypes=4, changes=False)
    assert torch.equal(still.patterns(29)[0], patterns[0])
    assert not torch.equal(still.task(1).train.inputs, still.task(0).train.inputs)


def test_without_clusters_units_that_have_the_patterns_for_weights_vote():
    """A unit that is on votes for its pattern's target, one that is off for the opposite; the first breaks ties."""
    stream = Prototypes(PLAN, 0, prototypes=2, bits=3, examples=200, clustered=False)
    patterns, targets = stream.patterns(7)
    train = stream.task(7).train
    for bits, target in zip(train.inputs, train.targets, strict=True):
        votes = [
            float(goal) * (1 if float(bits @ pattern) > 0 else -1)
            for pattern, goal in zip(patterns, targets, strict=True)
        ]
        assert float(target) == (votes[0] if sum(votes) == 0 else math.copysign(1, sum(votes)))
    wide = Prototypes(PLAN, 0, examples=500, clustered=False).task(0).train.inputs
    likeness = (wide @ wide.T).fill_diagonal_(0) / 40
    assert likeness.max() < 0.9  # around patterns, two of the same differ in 10 % of the bits: 0.8 on average


def test_any_task_can_be_had_without_those_before_it_and_whatever_the_length_of_the_stream():
    for clustered in (True, False):
        whole = Prototypes(PLAN, 5, examples=7, clustered=clustered)
        in_turn = [whole.task(index).train for index in range(30)]
        longer = Prototypes(Plan(60, shuffles=False), 5, examples=7, clustered=clustered)
        for index in (29, 0, 11):
            assert torch.equal(longer.task(index).train.inputs, in_turn[index].inputs)
            assert torch.equal(longer.task(index).train.targets, in_turn[index].targets)
        assert not torch.equal(
            Prototypes(PLAN, 6, examples=7, clustered=clustered).task(0).train.inputs, in_turn[0].inputs
        )


def test_the_shape_is_that_of_the_settings():
    stream = Prototypes(PLAN, 0, bits=8, examples=9)
    assert (stream.shape, stream.outputs, stream.is_regression, stream.examples(0)) == ((8,), 1, True, 9)
    with pytest.raises(ValueError, match="at least one of each, got prototypes=0"):
        Prototypes(PLAN, 0, prototypes=0)
