"""Learners that consolidate a task when the next one begins."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.learners.anchored import AnchoredLearner, drawn_target
from plastic_rl.optim import ElasticWeightConsolidation
from plastic_rl.streams import Examples, Plan, Stream, Task
from tests.streams.small import Blobs, blueprint, go_through, mlp

ADAM = partial(torch.optim.Adam, lr=0.01)


def blobs(tasks=2):
    return Blobs(Plan(tasks, batch_size=4, looks_back=True))


ewc = partial(ElasticWeightConsolidation, strength=1000.0)


def anchored(stream, **settings):
    return AnchoredLearner(blueprint(mlp, optimizer=ADAM, plasticity=ewc), stream, **{"examples": 9, **settings})


def test_targets_are_drawn_as_the_network_says():
    drawn = torch.Generator().manual_seed(0)
    outputs = torch.tensor([0.7, 0.2, 0.1]).log().expand(4000, 3)
    shares = drawn_target(outputs, drawn, is_regression=False).bincount() / 4000
    torch.testing.assert_close(shares, torch.tensor([0.7, 0.2, 0.1]), atol=0.03, rtol=0)
    numbers = drawn_target(torch.full((4000, 1), 3.0), drawn, is_regression=True)
    assert numbers.mean().item() == pytest.approx(3.0, abs=0.05)
    assert numbers.var().item() == pytest.approx(0.5, abs=0.05)


class Planes(Stream):
    """Task 0 is y = 1 at (1, 0), task 1 is y = 3 at (1, 1)."""

    is_regression = True
    shape, outputs = (2,), 1

    def task(self, index):
        inputs, target = ([1.0, 0.0], 1.0) if index == 0 else ([1.0, 1.0], 3.0)
        examples = Examples(torch.tensor([inputs] * 400), torch.full((400, 1), target))
        return Task(index, examples, slice(0, 1), test=examples)


def plane():
    network = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Identity())
    nn.init.zeros_(network[0].weight)
    return network


@pytest.mark.parametrize(("strength", "weights"), [(4.0, [1.0, 2.0]), (0.0, [2.0, 1.0])])
def test_only_what_the_first_task_did_not_need_is_moved(strength, weights):
    """Without EWC both weights share the way from (1, 0) to w1 + w2 = 3; with it the second goes alone.

    The loss of task 0 is (w1 - t)², so that F = E[(2 ε)²] = 2 for w1, with ε of variance one half, and 0 for w2.
    """
    stream = Planes(Plan(2, batch_size=2, looks_back=True), seed=0)
    learner = AnchoredLearner(blueprint(plane, plasticity=partial(ewc, strength=strength)), stream, examples=400)
    (last,) = go_through([stream], learner)[-1][1]
    assert learner.anchoring[0].memory["importances"][0].flatten().tolist() == [pytest.approx(2.0, rel=0.25), 0.0]
    assert learner.backprop.network[0].weight.flatten().tolist() == pytest.approx(weights, abs=1e-3)
    assert last["transfer/backward"] == pytest.approx((weights[0] - 1) ** 2, abs=1e-3)


def test_a_task_is_consolidated_when_the_next_begins_on_no_more_examples_than_asked_for():
    stream = blobs(tasks=2)
    learner = anchored(stream, examples=5)
    learner.begin(stream.task(0), stream.plan)
    assert learner.metrics() == [{"anchor/tasks": 0, "anchor/penalty": 0.0}]
    assert len(list(learner._losses(stream.task(0)))) == 5
    learner.begin(stream.task(1), stream.plan)
    assert learner.metrics()[0]["anchor/tasks"] == 1


def test_a_run_that_is_stopped_in_a_pass_goes_on_bit_for_bit():
    stream, saved = blobs(tasks=3), []
    learner = anchored(stream)
    whole = go_through(
        [stream], learner, pause=lambda course, lines: saved.append((copy.deepcopy(course.state_dict()), len(lines)))
    )
    state, lines = saved[-2]
    assert state["position"]["place"]
    assert state["position"]["task"] == 2
    assert go_through([stream], anchored(stream), saved=state) == whole[lines:]


def test_another_method_is_refused():
    with pytest.raises(TypeError, match="must anchor weights, as EWC does; got Adam"):
        AnchoredLearner(blueprint(mlp, optimizer=ADAM), blobs())
