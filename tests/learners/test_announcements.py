"""Learners tell the methods of their optimisers when a task begins, but for the first and for fresh networks."""

import copy
from functools import partial

import pytest
import torch

from plastic_rl.choices import Renewal
from plastic_rl.learners import Blueprint, OneByOne, backprop_learner
from plastic_rl.learners.local import LocalBlueprint, LocalLearner
from plastic_rl.learners.parallel.batched import BatchedBackprop
from plastic_rl.networks import LocalMLP
from plastic_rl.optim import Stack
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from tests.optim.halving import Halving
from tests.streams.small import Blobs, go_through, mlp, plan


class HalvingOfSeveral(Halving):
    vectorized = SeedBySeed


def blobs(seeds, tasks=3):
    return [Blobs(plan(tasks, batch_size=11), seed) for seed in seeds]


def still(method, renewal=Renewal.nothing):
    return Blueprint(mlp, partial(torch.optim.SGD, lr=0.0), method, renewal=renewal)


def mean_weights(learner):
    return [torch.cat([each.detach().abs().flatten() for each in net.parameters()]).mean() for net in learner.networks]


@pytest.mark.parametrize(("method", "kind"), [(Halving, OneByOne), (HalvingOfSeveral, BatchedBackprop)])
def test_each_seed_hears_of_each_task_after_the_first(method, kind):
    learner = backprop_learner(still(Stack([method, partial(method, on_change=False)])), blobs((3, 4)))
    assert isinstance(learner, kind)
    before = mean_weights(learner)
    go_through(blobs((3, 4)), learner)
    for now, then in zip(mean_weights(learner), before, strict=True):
        torch.testing.assert_close(now, then / 4)
    assert [numbers["halving/times"] for numbers in learner.metrics()] == [0, 0]  # the outer one's, which does not act


def test_a_network_that_is_drawn_afresh_meets_no_change():
    learner = backprop_learner(still(Halving, Renewal.network), blobs((3,)))
    go_through(blobs((3,)), learner)
    assert learner.metrics() == [{"halving/times": 0}]


def test_a_run_that_goes_on_in_the_middle_of_a_task_hears_of_no_task_twice():
    saved = []
    whole, again = (backprop_learner(still(Halving), blobs((3,))) for _ in range(2))
    go_through(blobs((3,)), whole, lambda course, _: saved.append(copy.deepcopy(course.state_dict())))
    middle = next(state for state in saved if state["position"]["task"] == 1)
    go_through(blobs((3,)), again, saved=middle)
    assert again.metrics() == whole.metrics() == [{"halving/times": 2}]


def test_blocks_trained_by_local_losses_hear_of_tasks_too():
    stream = blobs((3,))[0]
    blueprint = LocalBlueprint(
        network=lambda: LocalMLP((4,), [8], normalization="layer"),
        estimator="ridge",
        optimizer=partial(torch.optim.SGD, lr=0.0),
        plasticity=Halving,
    )
    learner = LocalLearner(blueprint, stream, seed=3)
    go_through([stream], learner)
    assert learner.metrics()[0]["halving/times"] == 2
