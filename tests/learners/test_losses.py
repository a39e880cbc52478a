"""What is minimised and how answers are scored, worked out by hand."""

import math

import pytest
import torch

from plastic_rl.learners.losses import loss, scores

# Odds of 3 to 1 for the first class, then even odds.
OUTPUTS = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]])


def test_cross_entropy_is_the_mean_surprise_in_nats():
    assert loss(OUTPUTS, torch.tensor([0, 1]), False).item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    assert loss(OUTPUTS[:1], torch.tensor([1]), False).item() == pytest.approx(math.log(4))


def test_squared_errors_are_summed_over_outputs_and_averaged_over_examples():
    outputs, targets = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 3.0]])
    assert loss(outputs, targets, True).item() == (1 + 4 + 9) / 2


def test_with_several_seeds_each_has_the_loss_of_its_own_minibatch():
    targets = torch.tensor([[0, 1], [1, 1]])
    found = loss(torch.stack([OUTPUTS, OUTPUTS]), targets, False)
    assert found.tolist() == pytest.approx([loss(OUTPUTS, own, False).item() for own in targets])
    numbers = torch.tensor([[[1.0], [3.0]], [[0.0], [2.0]]])
    assert loss(numbers, torch.zeros(2, 2, 1), True).tolist() == [5.0, 2.0]


def test_the_loss_of_one_seed_has_no_gradient_for_another():
    outputs = torch.zeros(2, 1, 3, requires_grad=True)
    loss(outputs, torch.tensor([[0], [1]]), False)[0].backward()
    assert outputs.grad[0].abs().sum() > 0
    assert outputs.grad[1].abs().sum() == 0


def test_the_score_of_classes_is_how_many_are_right():
    outputs = torch.tensor([[[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]], [[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]]])
    assert scores(outputs, torch.tensor([[0, 0, 0], [1, 0, 1]]), False).tolist() == [2.0, 0.0]


def test_the_score_of_numbers_is_the_sum_of_squared_errors_in_double_precision():
    outputs = torch.tensor([[[1.0, 2.0], [0.0, 3.0]]])
    found = scores(outputs, torch.zeros(1, 2, 2), True)
    assert found.tolist() == [14.0]
    assert found.dtype == torch.float64
