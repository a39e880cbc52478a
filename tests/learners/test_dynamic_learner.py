"""Dynamic networks as learners of streams."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from plastic_rl.learners import DynamicBlueprint, DynamicLearner
from plastic_rl.learners.dynamic import class_errors, regression_errors
from plastic_rl.nn.dynamic import RandomUnits, Rules
from plastic_rl.streams import Plan
from plastic_rl.training.course import Course
from tests.streams.small import Blobs

RULES = Rules(fringe=3, every=2, maturity=3, joins=0.0, renewal_rate=0.01)
BLUEPRINT = DynamicBlueprint(RULES, RandomUnits(), slots=4, training={"learning_rate": 0.01})
PLAN = Plan(3, batch_size=2)


def blobs(seed=0, plan=PLAN, **settings):
    return Blobs(plan, seed, shape=(2, 2), examples=60, **{"is_split": True, **settings})


def course(learner, streams, pause=lambda: None):
    numbers = []
    return Course(streams, learner, lambda _, rows: numbers.extend(rows), pause), numbers


def test_errors_are_minus_the_gradients_of_the_losses():
    outputs = torch.randn(2, 3, 9, requires_grad=True)
    task = blobs().task(1)  # outputs 3 to 5
    targets = torch.tensor([[0, 1, 2], [2, 2, 0]])
    functional.cross_entropy(outputs[..., 3:6].flatten(0, 1), targets.flatten(), reduction="sum").backward()
    assert torch.allclose(class_errors(targets, outputs.detach(), task=task), -outputs.grad, atol=1e-6)
    outputs.grad, numbers = None, torch.randn(2, 3, 9)
    (0.5 * (outputs - numbers).square().sum()).backward()
    assert torch.allclose(regression_errors(numbers, outputs.detach()), -outputs.grad)


def test_seeds_side_by_side_learn_what_each_learns_alone():
    streams = [blobs(seed) for seed in (3, 4)]
    together, ends = course(DynamicLearner(BLUEPRINT, streams), streams)
    together.go()
    for place, stream in enumerate(streams):
        alone, found = course(DynamicLearner(BLUEPRINT, [stream]), [stream])
        alone.go()
        rows = [row for row in ends if row["seed"] == stream.seed]
        assert [row.get("online/accuracy") for row in found] == [row.get("online/accuracy") for row in rows]
        assert found[-1]["dynamic/units"] == rows[-1]["dynamic/units"] > 0
        weights = [
            each.networks[place if each is together.learner else 0] for each in (together.learner, alone.learner)
        ]
        task = stream.task(2)
        one, other = (network(task.test.inputs.flatten(1)) for network in weights)
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-4)


class StopError(Exception):
    pass


def test_a_course_that_was_stopped_goes_on_bit_for_bit():
    streams = [blobs(5)]
    whole, ends = course(DynamicLearner(BLUEPRINT, streams), streams)
    whole.go()
    saved = []

    def stop():
        if first.position.task == 1 and first.position.place:
            saved.append(first.state_dict())
            raise StopError

    first, _ = course(DynamicLearner(BLUEPRINT, streams), streams, stop)
    with pytest.raises(StopError):
        first.go()
    second, rest = course(DynamicLearner(BLUEPRINT, streams), streams)
    second.load_state_dict(saved[0])
    second.go()
    clock = "time/seconds"
    assert {**rest[-1], clock: 0} == {**ends[-1], clock: 0}
    for one, other in zip(whole.learner.networks[0].parameters(), second.learner.networks[0].parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_plan_may_zero_the_outputs_and_restart_all_steps():
    stream = blobs()
    learner = DynamicLearner(BLUEPRINT, [stream])
    running, _ = course(learner, [stream])
    running.go()
    population = learner.trainer.population
    learner.begin(stream.task(1), replace(PLAN, zeroes_head=True, restarts_optimizer=True))
    assert learner.trainer.network.readout.abs().sum() == 0
    assert population.optimizer.state[learner.trainer.network.weights[0]]["exp_avg"].abs().sum() == 0
    assert (population.readout_steps.log == population.readout_steps.first).all()


def test_best_weights_cannot_be_carried_over():
    with pytest.raises(ValueError, match="carries its best weights over"):
        DynamicLearner(BLUEPRINT, [blobs(plan=replace(PLAN, carries_best=True))])
