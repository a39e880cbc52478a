"""Sutton's tracking problem: the target by hand, when signs flip, and that any task can be had by itself."""

import pytest
import torch

from plastic_rl.streams import Plan, SignTracking

PLAN = Plan(4, shuffles=False)


def test_the_target_is_the_sum_of_the_relevant_inputs_with_their_signs():
    stream = SignTracking(PLAN, 3, inputs=6, relevant=2, examples=50)
    for index in range(4):
        task, signs = stream.task(index), stream.signs(index)
        x = task.train.inputs
        assert x.shape == (50, 6)
        torch.testing.assert_close(task.train.targets[:, 0], signs[:, 0] * x[:, 0] + signs[:, 1] * x[:, 1])


def test_one_sign_flips_at_each_interval_across_tasks_each_of_them_at_times():
    stream = SignTracking(PLAN, 0, examples=50, flip_every=20)
    signs = torch.cat([stream.signs(index) for index in range(4)])
    assert signs.abs().eq(1).all()
    flips = (signs[1:] != signs[:-1]).sum(1)
    assert (flips.nonzero().flatten() + 1).tolist() == list(range(20, 200, 20))
    assert flips.max() == 1
    assert (SignTracking(Plan(4), 0, examples=500).signs(3) != stream.signs(0)[:1]).any(0).all()


def test_nothing_flips_at_an_interval_of_zero():
    signs = torch.cat([SignTracking(PLAN, 0, examples=50, flip_every=0).signs(index) for index in range(4)])
    assert torch.equal(signs, signs[:1].expand_as(signs))


def test_noise_is_added_to_targets_alone():
    clean, noisy = (SignTracking(PLAN, 0, noise=noise).task(2).train for noise in (0.0, 3.0))
    assert torch.equal(clean.inputs, noisy.inputs)
    assert (noisy.targets - clean.targets).std().item() == pytest.approx(3.0, rel=0.1)


def test_a_task_does_not_depend_on_how_many_there_are():
    short, long = (SignTracking(Plan(tasks), 5, flip_every=7).task(1).train for tasks in (2, 9))
    assert torch.equal(short.targets, long.targets)


def test_more_relevant_inputs_than_inputs_are_refused():
    with pytest.raises(ValueError, match="relevant must be from 1 to inputs=3, got 4"):
        SignTracking(PLAN, 0, inputs=3, relevant=4)
