"""Joint training: what each update learns from, nothing forgotten, stopped and gone on with."""

import copy
from functools import partial

import pytest
import torch
from torch.nn.functional import cross_entropy

from agents.adam import Adam
from agents.multi_task import MultiTask
from envs.split_digits import SplitDigits
from plastic_rl.learners import Backprop, Blueprint
from plastic_rl.learners.multi_task import MultiTaskLearner, minibatches
from plastic_rl.streams import Plan
from tests.streams.small import Blobs, Numbers, blueprint, go_through, mlp

BLUEPRINT = blueprint(partial(mlp, outputs=9))


def blobs(tasks=3, batch=4, **settings):
    return Blobs(Plan(tasks, epochs=2, batch_size=batch, looks_back=True), **{"is_split": True, **settings})


def test_minibatches_of_a_task_never_end_and_every_pass_has_each_example_once():
    stream = Numbers(Plan(1, batch_size=2), targets=[[0, 1, 0, 1, 1]])
    drawn = minibatches(stream, stream.task(0), 0)
    passes = [[next(drawn)[0].flatten().tolist() for _ in range(3)] for _ in range(2)]
    for each in passes:
        assert [len(batch) for batch in each] == [2, 2, 1]
        assert sorted(number for batch in each for number in batch) == [0, 1, 2, 3, 4]
    assert passes[0] != passes[1]
    assert next(minibatches(stream, stream.task(0), 4))[0].flatten().tolist() == passes[1][1]


def test_the_first_task_is_learnt_as_by_anyone():
    stream = blobs(tasks=1)
    learners = [MultiTaskLearner(BLUEPRINT, stream), Backprop(BLUEPRINT, stream, seed=stream.seed)]
    first, second = (go_through([stream], learner) for learner in learners)
    assert first == second
    assert torch.equal(learners[0].networks[0][0].weight, learners[1].networks[0][0].weight)


def test_an_update_follows_the_mean_loss_of_a_minibatch_of_every_task_from_a_fresh_network():
    stream = blobs()
    learner, expected = MultiTaskLearner(BLUEPRINT, stream), BLUEPRINT.draw_network(stream.seed, 2)
    tasks = [stream.task(index) for index in range(3)]
    for task in tasks[:2]:
        learner.begin(task, stream.plan)
        learner.update(task.train.inputs[None, :4], task.relative(task.train.targets)[None, :4], task)
    learner.begin(tasks[2], stream.plan)
    optimizer = BLUEPRINT.optimizer(expected.parameters())
    earlier = [minibatches(stream, task, 0) for task in tasks[:2]]
    for start in (0, 4):
        inputs = tasks[2].train.inputs[start : start + 4]
        targets = tasks[2].relative(tasks[2].train.targets)[start : start + 4]
        said = learner.update(inputs[None], targets[None], tasks[2])
        batches = [*map(next, earlier), (inputs, targets)]
        outputs = [expected(seen)[:, task.outputs] for task, (seen, _) in zip(tasks, batches, strict=True)]
        torch.testing.assert_close(said[0], outputs[-1])
        errors = [cross_entropy(out, sought) for out, (_, sought) in zip(outputs, batches, strict=True)]
        optimizer.zero_grad()
        (sum(errors) / 3).backward()
        optimizer.step()
    for own, other in zip(learner.networks[0].parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(own, other)


def test_a_task_that_returns_counts_once():
    stream = blobs(tasks=5, returning=2, is_split=False)
    learner = MultiTaskLearner(BLUEPRINT, stream)
    joined = []
    for index in range(5):
        learner.begin(stream.task(index), stream.plan)
        joined.append([task.identity for task, _ in learner.earlier])
    assert joined == [[], [0], [1], [0], [1]]


def test_one_network_keeps_tasks_together_of_which_in_sequence_it_keeps_the_last():
    stream = Blobs(Plan(3, epochs=30, batch_size=10, looks_back=True), shape=(8,), examples=100)
    adam = Blueprint(partial(mlp, inputs=8, width=32), partial(torch.optim.Adam, lr=0.01))
    learners = MultiTaskLearner(adam, stream), Backprop(adam, stream, seed=stream.seed)
    joint, in_sequence = (go_through([stream], learner)[-1][1][0] for learner in learners)
    assert (joint["test/average"], joint["forgetting"]) == (1, 0)
    assert in_sequence["test/accuracy"] == 1
    assert in_sequence["forgetting"] > 0.4


def test_the_first_task_still_reaches_the_gradient_in_the_last():
    """On digits little is forgotten by anyone; but outputs of the first task move where the last is learnt."""
    stream = SplitDigits(epochs=1).build(seed=0, device="cpu")
    first, last = stream.task(0), stream.task(4)
    for agent, moves in ((MultiTask(), True), (Adam(), False)):
        learner = agent.build([stream], device="cpu")
        learner.begin(last, stream.plan)
        head = [module for module in learner.networks[0].modules() if isinstance(module, torch.nn.Linear)][-1]
        before = head.weight[first.outputs].clone()
        inputs, targets = last.train.take(torch.arange(20))
        learner.update(last.view(inputs)[None], last.relative(targets)[None], last)
        assert torch.equal(before, head.weight[first.outputs]) != moves


@pytest.mark.parametrize("is_augmented", [False, True])
def test_a_run_that_is_stopped_anywhere_goes_on_bit_for_bit(is_augmented):
    stream, saved = blobs(examples=1030, is_augmented=is_augmented, batch=32), []  # two chunks a pass
    adam = Blueprint(BLUEPRINT.network, partial(torch.optim.Adam, lr=0.01))
    learner = MultiTaskLearner(adam, stream)
    whole = go_through(
        [stream], learner, pause=lambda course, lines: saved.append((copy.deepcopy(course.state_dict()), len(lines)))
    )
    stopped = saved[4], saved[-3]  # between two tasks, and within a pass of the last
    assert [(state["position"]["task"], state["position"]["place"]) for state, _ in stopped] == [(1, 0), (2, 1024)]
    for state, lines in stopped:
        other = MultiTaskLearner(adam, stream)
        assert go_through([stream], other, saved=state) == whole[lines:]
        assert torch.equal(other.networks[0][0].weight, learner.networks[0][0].weight)
