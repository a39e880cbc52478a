"""A network for each task: alone, recalled, returning, and saved."""

import copy
from functools import partial

import pytest
import torch

from plastic_rl.learners import Backprop
from plastic_rl.learners.separate_heads import alone
from plastic_rl.learners.single_task import SingleTaskLearner
from plastic_rl.streams import Plan
from tests.streams.small import Blobs, blueprint, go_through, mlp

BLUEPRINT = blueprint(mlp, optimizer=partial(torch.optim.Adam, lr=0.01))


def blobs(tasks=3, **settings):
    return Blobs(Plan(tasks, batch_size=4, looks_back=True), **{"is_split": True, **settings})


def learn(learner, task, first=0):
    for places in torch.arange(first, first + 8).split(4):
        inputs, targets = task.train.take(places)
        learner.update(inputs[None], task.relative(targets)[None], task)


def said(learner, task):
    return learner.predict(task.test.inputs[None], task)


def test_each_task_is_learnt_by_a_fresh_network_that_no_other_task_has_touched():
    stream = blobs()
    learner = SingleTaskLearner(BLUEPRINT, stream)
    tasks = [stream.task(index) for index in range(3)]
    for task in tasks:
        learner.begin(task, stream.plan)
        learn(learner, task)
    for task in tasks:
        fresh = Backprop(BLUEPRINT, stream, seed=stream.seed)
        purpose = (task.index,) if task.index else ()
        fresh.network.load_state_dict(BLUEPRINT.draw_network(stream.seed, *purpose).state_dict())
        for places in torch.arange(8).split(4):
            inputs, targets = task.train.take(places)
            fresh.update(inputs[None], task.relative(targets)[None], alone(task))
        assert torch.equal(said(learner, task), said(fresh, alone(task)))


def test_a_task_that_returns_finds_its_network():
    stream = blobs(is_split=False, returning=2)
    learner = SingleTaskLearner(BLUEPRINT, stream)
    for index in range(2):
        learner.begin(stream.task(index), stream.plan)
        learn(learner, stream.task(index))
    before = said(learner, stream.task(0))
    learner.begin(stream.task(2), stream.plan)
    assert torch.equal(said(learner, stream.task(2)), before)
    learn(learner, stream.task(2), first=8)
    assert not torch.equal(said(learner, stream.task(2)), before)
    assert learner.metrics() == [{"networks": 2}]


def test_a_run_that_is_stopped_in_a_pass_goes_on_bit_for_bit():
    stream, saved = blobs(tasks=4, returning=3, is_split=False), []
    learner = SingleTaskLearner(BLUEPRINT, stream)
    whole = go_through(
        [stream], learner, pause=lambda course, lines: saved.append((copy.deepcopy(course.state_dict()), len(lines)))
    )
    for state, lines in saved[1::3]:
        other = SingleTaskLearner(BLUEPRINT, stream)
        assert go_through([stream], other, saved=state) == whole[lines:]
        assert torch.equal(said(other, stream.task(0)), said(learner, stream.task(0)))


def test_a_task_that_was_not_met_cannot_be_spoken_of():
    stream = blobs()
    with pytest.raises(ValueError, match=r"there is no task 2; there are \[0\]"):
        said(SingleTaskLearner(BLUEPRINT, stream), stream.task(2))
