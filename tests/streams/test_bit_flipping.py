"""Slowly-changing regression: the target by hand, how the bits change, and that any task can be had by itself."""

import pytest
import torch

from plastic_rl.streams.batches import chunks
from plastic_rl.streams.bit_flipping import BitFlipping, ThresholdNetwork
from plastic_rl.streams.stream import Plan

PLAN = Plan(40, shuffles=False)


def test_the_target_is_what_its_threshold_units_add_up_to():
    """Two units on three bits, β = 0.5, so that (m + 1) β = 2.

    The first has weights +1 -1 +1 and bias +1: S = 1 + 1/2, threshold 0.5. The second -1 -1 +1 and bias -1:
    S = 2 - 1/2, threshold 0.5. Their sum has the signs +1 and -1, and bias +1.
    """
    incoming = torch.tensor([[1.0, -1.0, 1.0, 1.0], [-1.0, -1.0, 1.0, -1.0]])
    target = ThresholdNetwork(incoming, torch.tensor([1.0, -1.0, 1.0]), share=0.5)
    assert target.thresholds.tolist() == [0.5, 0.5]
    bits = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    # Sums of the first unit: 1, 0, 2, 2; of the second: -1, -2, 0, -2. So the first is on, off, on, on; the second off.
    assert target(bits).tolist() == [[2.0], [1.0], [2.0], [2.0]]
    flipped = ThresholdNetwork(-incoming, torch.tensor([1.0, -1.0, 1.0]), share=0.5)
    # Thresholds 2 - (2 - 1/2) = 0.5 and 2 - (1 + 1/2) = 0.5; sums of the second unit: 1, 2, 0, 2.
    assert flipped(bits).tolist() == [[0.0], [0.0], [1.0], [0.0]]


def test_the_papers_network_has_a_hundred_units_and_signs_for_weights():
    target = BitFlipping(PLAN, seed=0).target
    assert target.incoming.shape == (100, 21)
    assert target.outgoing.shape == (101,)
    assert target.incoming.abs().unique().tolist() == target.outgoing.abs().unique().tolist() == [1.0]
    assert abs(target.incoming.mean()) < 0.1


def slow_bits(stream, index):
    inputs = stream.task(index).train.inputs[:, : stream.slow_bits]
    assert torch.equal(inputs, inputs[:1].expand_as(inputs))
    return inputs[0]


def test_one_slow_bit_flips_from_task_to_task_each_of_them_at_times():
    stream = BitFlipping(Plan(200, shuffles=False), seed=0, examples=2)
    slow = torch.stack([slow_bits(stream, index) for index in range(200)])
    flips = slow[1:] != slow[:-1]
    assert flips.sum(1).unique().tolist() == [1]
    assert flips.any(0).all()


def test_all_slow_bits_are_redrawn_in_the_older_variant():
    stream = BitFlipping(Plan(200, shuffles=False), seed=0, examples=2, flips_one=False)
    slow = torch.stack([slow_bits(stream, index) for index in range(200)])
    flips = (slow[1:] != slow[:-1]).sum(1).float()
    # 7.5 ± 1.9 of 15 flip; the mean of 199 is within five standard deviations.
    assert abs(flips.mean() - 7.5) < 5 * 1.94 / 199**0.5


def test_the_other_bits_are_drawn_for_each_example_and_each_task():
    stream = BitFlipping(PLAN, seed=0)
    fast = [stream.task(index).train.inputs[:, 15:] for index in (0, 1)]
    assert all(abs(bits.mean(0) - 0.5).max() < 5 * 0.5 / 100 for bits in fast)
    assert not torch.equal(*fast)


@pytest.mark.parametrize("flips_one", [True, False])
def test_any_task_can_be_had_without_those_before_it_and_whatever_the_length_of_the_stream(flips_one):
    whole = BitFlipping(PLAN, seed=5, examples=7, flips_one=flips_one)
    in_turn = [whole.task(index).train for index in range(40)]
    longer = BitFlipping(Plan(60, shuffles=False), seed=5, examples=7, flips_one=flips_one)
    for index in (39, 3, 17, 0):
        train = longer.task(index).train
        assert torch.equal(train.inputs, in_turn[index].inputs)
        assert torch.equal(train.targets, in_turn[index].targets)
    other = BitFlipping(PLAN, seed=6, examples=7, flips_one=flips_one)
    assert not torch.equal(other.target.incoming, whole.target.incoming)
    assert not torch.equal(other.task(0).train.inputs, in_turn[0].inputs)


def test_the_target_stays_while_the_bits_change():
    stream = BitFlipping(PLAN, seed=0, examples=50)
    train = stream.task(11).train
    assert torch.equal(stream.target(train.inputs), train.targets)
    assert train.targets.unique().numel() > 1


def test_a_pass_comes_in_order_and_can_be_gone_on_with():
    stream = BitFlipping(Plan(2, shuffles=False), seed=0, examples=2500)
    assert (stream.shape, stream.outputs, stream.is_regression, stream.examples(1)) == ((20,), 1, True, 2500)
    task = stream.task(1)
    assert task.test is None
    whole = list(chunks([stream], [task], epoch=0))
    assert torch.equal(torch.cat([chunk.inputs[0] for chunk in whole]), task.train.inputs)
    rest = list(chunks([stream], [stream.task(1)], epoch=0, start=whole[0].end))
    assert torch.equal(torch.cat([chunk.targets[0] for chunk in rest]), task.train.targets[1024:])


def test_more_slow_bits_than_bits_are_refused():
    with pytest.raises(ValueError, match="slow_bits must be from 1 to bits=4, got 5"):
        BitFlipping(PLAN, seed=0, bits=4, slow_bits=5)
