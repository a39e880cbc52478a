"""Local training on streams: labels by hand, what it says and when, what a task begins with, saved and gone on with."""

from functools import partial

import pytest
import torch

from plastic_rl.learners.local import LocalBlueprint, LocalLearner
from plastic_rl.networks import LocalMLP
from plastic_rl.nn.local.ridge_readout import RidgeReadout
from plastic_rl.optim import ContinualBackprop
from plastic_rl.streams import Plan, Task
from plastic_rl.training.best_weights import BestWeights
from tests.streams.small import Blobs, Numbers, go_through

MOMENTUM = partial(torch.optim.SGD, lr=0.01, momentum=0.9)


def network(inputs=4, normalization="layer"):
    return LocalMLP((inputs,), [8, 8], normalization=normalization)


continual = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)


def made(stream, *, seed=0, **settings):
    return LocalLearner(LocalBlueprint(**{"network": network, "estimator": "ridge", **settings}), stream, seed=seed)


def blobs(tasks=2, *, epochs=1, batch_size=4, **settings):
    of_plan = {name: settings.pop(name) for name in ("zeroes_head", "restarts_optimizer") if name in settings}
    return Blobs(Plan(tasks, epochs, batch_size, **of_plan), **settings)


def numbers(module):
    return [value.clone() for value in [*module.parameters(), *module.buffers()]]


def same(first, second):
    return all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def step(learner, stream, places, index=0):
    task = stream.task(index)
    inputs, targets = task.train.take(torch.tensor(places))
    return learner.update(inputs[None], task.relative(targets)[None], task)


def test_classes_are_counted_from_the_first_output_of_the_network():
    # The classes 0, 0, 1, 2 of a task whose outputs begin with the third are 3, 3, 4, 5.
    learner = made(blobs(is_split=True))
    task = Task(1, blobs().task(0).train, slice(3, 6))
    learner.update(torch.rand(1, 4, 4), torch.tensor([[0, 0, 1, 2]]), task)
    assert learner.trainer.readout.moments.target_mean.tolist() == [0, 0, 0, 0.5, 0.25, 0.25]
    assert torch.equal(learner.predict(torch.rand(1, 5, 4), task).sum(-1) > 0.99, torch.ones(1, 5, dtype=torch.bool))


def test_numbers_are_said_in_the_units_of_the_targets():
    stream = Numbers(Plan(1, batch_size=4), targets=[[[100.0], [100.0], [300.0], [300.0]]], width=1, is_regression=True)
    learner = made(stream, network=partial(network, inputs=1))
    task, inputs = stream.task(0), torch.tensor([[[-1.0], [-1.0], [1.0], [1.0]]])
    for _ in range(60):
        learner.update(inputs, torch.tensor([[[100.0], [100.0], [300.0], [300.0]]]), task)
    assert learner.predict(inputs, task).flatten().tolist() == pytest.approx([100, 100, 300, 300], abs=10)


def test_it_says_what_it_made_of_a_minibatch_before_it_learned_from_it():
    stream = blobs()
    learner = made(stream, network=partial(network, normalization="batch"))
    step(learner, stream, range(4))
    inputs, _ = stream.task(0).train.take(torch.arange(4, 8))
    expected, before = learner.predict(inputs[None], stream.task(0)), numbers(learner.trainer)
    assert same(before, numbers(learner.trainer))
    said = step(learner, stream, range(4, 8))
    assert torch.equal(said, expected)
    assert said.shape == (1, 4, 3)
    assert not torch.equal(learner.predict(inputs[None], stream.task(0)), expected)
    assert learner.trainer.training


def test_a_single_left_over_example_is_not_learned_from_where_samples_are_compared():
    stream = blobs(examples=5)
    learner = made(stream, estimator="normalized_hsic", network=partial(network, normalization="batch"))
    step(learner, stream, range(4))
    before = numbers(learner.trainer.trunk)
    assert step(learner, stream, [4]).shape == (1, 1, 3)
    assert same(before, numbers(learner.trainer.trunk))
    alone = made(stream)
    step(alone, stream, range(4))
    before = numbers(alone.trainer.trunk)
    step(alone, stream, [4])
    assert not same(before, numbers(alone.trainer.trunk))


def test_a_factor_multiplies_the_learning_rate_of_every_block():
    learner = made(blobs(), readout="softmax")
    for factor in (0.5, 0.1):
        learner.set_learning_rate_factor(factor)
    assert [each.param_groups[0]["lr"] for each in learner.trainer.optimizers] == pytest.approx([1e-4] * 3)


@pytest.mark.parametrize("readout", ["softmax", "ridge"])
def test_in_format_training_the_blocks_learn_first_and_the_readout_last(readout):
    stream = blobs(1, epochs=3)
    learner = made(stream, readout=readout, format_epochs=1)
    moved = []

    def look(course, recorded):
        now = [numbers(learner.trainer.trunk), numbers(learner.trainer.readout)]
        moved.append([not same(was, is_now) for was, is_now in zip(look.before, now, strict=True)])
        look.before = now

    look.before = [numbers(learner.trainer.trunk), numbers(learner.trainer.readout)]
    go_through([stream], learner, pause=look)
    assert moved[:3] == [[True, False], [True, False], [False, True]]


def test_a_new_task_finds_what_the_plan_wants_it_to_find():
    stream = blobs(zeroes_head=True, restarts_optimizer=True)
    learner = made(stream, readout="softmax", optimizer=MOMENTUM)
    step(learner, stream, range(4))
    learner.begin(stream.task(1), Plan(2))
    assert all(len(each.state) > 0 for each in learner.trainer.optimizers)
    learner.begin(stream.task(1), stream.plan)
    assert all(len(each.state) == 0 for each in learner.trainer.optimizers)
    assert all((parameter == 0).all() for parameter in learner.trainer.readout.parameters())
    assert learner.examples_of_task == 0


def test_a_closed_form_readout_has_nothing_to_be_zeroed():
    stream = blobs(zeroes_head=True)
    learner = made(stream)
    step(learner, stream, range(8))
    inputs, task = torch.rand(1, 3, 4), stream.task(1)
    before = learner.predict(inputs, task)
    learner.begin(task, stream.plan)
    assert torch.equal(learner.predict(inputs, task), before)


def test_weights_are_a_function_of_the_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again, other = (numbers(made(blobs(), seed=seed, estimator="similarity").trainer) for seed in (0, 0, 1))
    assert same(first, again)
    assert not same(first, other)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"estimator": "normalized_hsic", "readout": "assignment", "settings": {"beta": 100.0, "sigma": 5.0}},
        {"readout": partial(RidgeReadout, horizon=512.0, refresh_every=4)},
    ],
    ids=["ridge", "unformatted", "seldom"],
)
def test_blobs_are_learned(settings):
    stream = Blobs(Plan(1, epochs=12, batch_size=8), examples=60)
    learner = made(stream, network=partial(network, normalization="batch"), **settings)
    assert go_through([stream], learner)[-1][1][0]["test/accuracy"] >= 7 / 9


def test_hidden_layers_are_measured_and_losses_and_replacements_recorded():
    stream = blobs()
    begins, ends = go_through([stream], made(stream, plasticity=continual))[-2:]
    assert {"units/dead", "units/dormant", "rank/srank99", "weights/mean_abs"} <= set(begins[1][0])
    assert {"local/loss/0", "local/loss/1", "cbp/replaced", "online/accuracy", "test/accuracy"} <= set(ends[1][0])
    assert ends[1][0]["cbp/replaced"] > 0


def test_the_best_state_that_is_carried_over_is_that_of_blocks_and_readout():
    stream, inputs, best = blobs(), torch.rand(1, 5, 4), BestWeights()
    learner, task = made(stream), stream.task(0)
    step(learner, stream, range(8))
    said = learner.predict(inputs, task)
    best.offer(learner.networks, [0.9])
    for _ in range(5):
        step(learner, stream, range(8, 16))
    best.offer(learner.networks, [0.1])
    assert not torch.allclose(learner.predict(inputs, task), said)
    best.restore_into(learner.networks)
    assert torch.equal(learner.predict(inputs, task), said)


RESUMED = {
    "ridge": {},
    "continual": {"plasticity": continual, "optimizer": MOMENTUM},
    "format": {"readout": "softmax", "format_epochs": 1, "optimizer": MOMENTUM},
    "paper": {
        "network": partial(network, normalization="batch"),
        "estimator": "normalized_hsic",
        "readout": "assignment",
    },
}


@pytest.mark.parametrize("settings", RESUMED.values(), ids=RESUMED)
def test_a_course_is_gone_on_with_bit_for_bit_from_the_middle_of_any_pass(settings, tmp_path):
    def fresh():
        stream = Blobs(Plan(2, epochs=2, batch_size=128), examples=1500)  # two chunks a pass
        return stream, made(stream, **settings)

    def save(course, recorded):
        files.append((tmp_path / f"{len(files)}.pt", len(recorded)))
        torch.save(course.state_dict(), files[-1][0])

    files = []
    stream, learner = fresh()
    whole = go_through([stream], learner, pause=save)
    assert len(files) == 2 * (2 * 2 + 1)
    for file, already in files[::3]:
        stream, other = fresh()
        rest = go_through([stream], other, saved=torch.load(file, weights_only=True))
        assert rest == whole[already:]
        assert same(numbers(learner.trainer), numbers(other.trainer))


REFUSED = [
    (Plan(1, batch_size=1), {"network": partial(network, normalization="batch")}, "minibatches of 1 are too small"),
    (Plan(1, batch_size=1), {"estimator": "normalized_hsic"}, "minibatches of 1 are too small"),
    (Plan(1, epochs=2, batch_size=4), {"format_epochs": 2}, "must be below the 2 epochs of a task, got 2"),
    (Plan(1, epochs=2, batch_size=4), {"format_epochs": 1, "plasticity": continual}, "does not go with a method"),
]


@pytest.mark.parametrize(("plan", "settings", "message"), REFUSED, ids=[message[:20] for *_, message in REFUSED])
def test_what_local_training_does_not_offer_is_refused(plan, settings, message):
    with pytest.raises(ValueError, match=message):
        made(Blobs(plan), **settings)
