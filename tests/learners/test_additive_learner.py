"""Additive decomposition on streams: what is recalled, what returns, and runs that are saved and gone on with."""

import copy
from functools import partial

import pytest
import torch

from plastic_rl.learners import Backprop
from plastic_rl.learners.additive import AdditiveLearner
from plastic_rl.learners.separate_heads import alone, outputs_of_a_task
from plastic_rl.nn import AdditiveDecomposition
from plastic_rl.optim import ContinualBackprop
from plastic_rl.streams import Examples, Plan, Task
from tests.streams.small import Blobs, blueprint, go_through, mlp

ADAM = partial(torch.optim.Adam, lr=0.01)


def blobs(tasks=3, **settings):
    plan = Plan(tasks, epochs=2, batch_size=6, restarts_optimizer=True, looks_back=True)
    return Blobs(plan, **{"is_split": True, **settings})


continual = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)


def additive(stream, plasticity=None, **settings):
    settings = {"sparsity": 0.3, **settings}
    return AdditiveLearner(
        blueprint(mlp, optimizer=ADAM, plasticity=plasticity),
        lambda network, first: AdditiveDecomposition(network, first_task=first, **settings),
        stream,
    )


def said(learner, stream, index):
    task = stream.task(index)
    return learner.predict(task.view(task.test.inputs)[None], task)


@pytest.mark.parametrize("plasticity", [None, continual])
def test_what_is_said_of_an_old_task_is_bit_for_bit_what_was_said_when_it_was_left(plasticity):
    stream = blobs()
    learner, left = additive(stream, plasticity), {}

    def note(course, recorded):
        if not course.position.has_begun and course.position.task > 0:
            left[course.position.task - 1] = said(learner, stream, course.position.task - 1)

    go_through([stream], learner, pause=note)
    assert set(left) == {0, 1, 2}
    assert all(torch.equal(said(learner, stream, index), then) for index, then in left.items())
    assert learner.metrics()[0].get("cbp/replaced", 1) > 0


def test_the_first_task_is_learnt_as_by_backpropagation():
    stream = blobs(tasks=1)
    learner, plain = additive(stream), Backprop(blueprint(mlp, optimizer=ADAM), stream, seed=stream.seed)
    numbers, expected = go_through([stream], learner), go_through([stream], plain)
    assert torch.equal(said(learner, stream, 0), said(plain, stream, 0))
    assert all(numbers[-1][1][0][name] == value for name, value in expected[-1][1][0].items())


def test_without_a_price_each_task_is_learnt_as_by_backpropagation_from_the_shared_weights():
    stream = blobs(tasks=2)
    learner = additive(stream, sparsity=0.0)
    learner.begin(stream.task(0), stream.plan)
    learner.begin(stream.task(1), stream.plan)
    plain = Backprop(blueprint(mlp, optimizer=ADAM), stream, seed=stream.seed)
    plain.network.load_state_dict(learner.backprop.network.state_dict())
    inputs, targets = stream.task(1).train.take(torch.arange(8))
    for each, task in ((learner, stream.task(1)), (plain, alone(stream.task(1)))):
        each.update(inputs[None], stream.task(1).relative(targets)[None], task)
    assert torch.equal(said(learner, stream, 1), plain.predict(stream.task(1).test.inputs[None], alone(stream.task(1))))


def test_a_task_that_returns_goes_on_from_the_weights_that_it_had():
    stream = blobs(tasks=4, returning=2, is_split=False)
    learner = additive(stream)
    for index in range(3):
        before = said(learner, stream, 0) if index else None
        learner.begin(stream.task(index), stream.plan)
        if index == 2:
            break
        inputs, targets = stream.task(index).train.take(torch.arange(8))
        learner.update(inputs[None], targets[None], stream.task(index))
    assert learner.tasks.tasks == [0, 1]
    assert learner.tasks.active == 0
    assert torch.equal(said(learner, stream, 2), before)


def test_a_prediction_leaves_the_task_in_hand_as_it_is():
    stream = blobs()
    learners = [additive(stream) for _ in range(2)]
    for learner in learners:
        for index in range(2):
            learner.begin(stream.task(index), stream.plan)
            for places in torch.arange(12).split(4):
                inputs, targets = stream.task(index).train.take(places)
                learner.update(inputs[None], stream.task(index).relative(targets)[None], stream.task(index))
                if learner is learners[0] and index:
                    said(learner, stream, 0)
    assert torch.equal(said(learners[0], stream, 1), said(learners[1], stream, 1))
    assert learners[0].metrics() == learners[1].metrics()


def test_a_task_that_was_not_met_cannot_be_spoken_of():
    stream = blobs()
    with pytest.raises(ValueError, match=r"there is no task 2; there are \[0\]"):
        said(additive(stream), stream, 2)


@pytest.mark.parametrize(
    ("plasticity", "settings"),
    [(None, {}), (continual, {}), (None, {"reference": True, "sparsity": 1e-3, "drift": 100.0})],
)
def test_a_run_that_is_stopped_in_a_pass_goes_on_bit_for_bit(plasticity, settings):
    stream, saved = blobs(), []
    learner = additive(stream, plasticity, **settings)

    def save(course, recorded):
        saved.append((copy.deepcopy(course.state_dict()), len(recorded)))

    whole = go_through([stream], learner, pause=save)
    middles = [each for each in saved if each[0]["position"]["task"] == 1 and each[0]["position"]["place"]]
    state, lines = middles[0]
    other = additive(stream, plasticity, **settings)
    assert go_through([stream], other, saved=state) == whole[lines:]
    assert all(torch.equal(said(learner, stream, index), said(other, stream, index)) for index in range(3))


def test_metrics_tell_the_capacity():
    stream = blobs()
    learner = additive(stream)
    (last,) = go_through([stream], learner)[-1][1]
    assert last["apd/tasks"] == 3
    assert last["apd/capacity"] == learner.tasks.capacity().percent > 100
    assert last["forgetting"] == 0


def test_a_network_has_the_outputs_of_one_task():
    stream = blobs()
    assert (stream.outputs, outputs_of_a_task(stream)) == (9, 3)
    task = Task(4, Examples(torch.zeros(1, 1), torch.zeros(1)), slice(6, 8), identity=2)
    assert (alone(task).outputs, alone(task).identity, alone(task).index) == (slice(0, 2), 2, 4)


def test_a_task_that_returns_keeps_its_head_where_new_ones_begin_at_zero():
    stream = Blobs(Plan(3, zeroes_head=True), returning=2)
    learner = additive(stream)
    head = learner.backprop.network[-1]
    for index, is_zero in ((0, True), (1, True), (2, False)):
        learner.begin(stream.task(index), stream.plan)
        assert bool((head.weight == 0).all()) is is_zero
        head.weight.data.fill_(1.0)
        learner.update(torch.ones(1, 2, 4), torch.zeros(1, 2, dtype=torch.long), stream.task(index))


def test_a_plan_that_carries_the_best_weights_over_is_refused():
    stream = Blobs(Plan(2, carries_best=True))
    with pytest.raises(ValueError, match="carries its best weights over"):
        additive(stream)
