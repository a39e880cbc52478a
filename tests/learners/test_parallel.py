"""Several seeds as one batched network, the same as single runs to rounding; or in turn, the same bit for bit."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.learners import Precision, Renewal, backprop_learner
from plastic_rl.learners.parallel.batched import BatchedBackprop
from plastic_rl.learners.parallel.choice import is_quicker_as_one
from plastic_rl.learners.parallel.one_by_one import OneByOne
from plastic_rl.networks import AID, ConvNet, Dropout, ResNet18
from plastic_rl.optim import ContinualBackprop, ShrinkPerturb
from plastic_rl.streams import Plan
from tests.streams.small import Blobs, blueprint, go_through, mlp

SEEDS = (3, 4, 8)
SGD, MOMENTUM = partial(torch.optim.SGD, lr=0.1), partial(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=1e-3)
ADAM = partial(torch.optim.Adam, lr=0.01)


shrink_perturb = partial(ShrinkPerturb, shrink=1e-3, noise_std=1e-2)


def cbp(**settings):
    return partial(ContinualBackprop, **{"replacement_rate": 0.05, "maturity_threshold": 2, **settings})


BATCH_NORM = lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))  # noqa: E731
SMALL_CONVOLUTION = lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))  # noqa: E731
ADAPTABLE = {"utility": "adaptable_contribution"}
LEARNERS = {
    "sgd": {},
    "momentum": {"optimizer": MOMENTUM},
    "adam": {"optimizer": ADAM},
    "cbp": {"plasticity": cbp()},
    "cbp, adaptable": {"plasticity": cbp(**ADAPTABLE)},
    "cbp, lazy": {"plasticity": cbp(mode="lazy", **ADAPTABLE)},
    "cbp, instant": {"plasticity": cbp(mode="instant", **ADAPTABLE)},
    "cbp, bernoulli": {"plasticity": cbp(rounding="bernoulli", utility="weight")},
    "cbp, mean moved": {"plasticity": cbp(move_mean_to_bias=True)},
    "cbp, momentum": {"plasticity": cbp(), "optimizer": MOMENTUM},
    "cbp, adam": {"plasticity": cbp(), "optimizer": ADAM},
    "cbp, adam, no clock": {"plasticity": cbp(unit_clock=False), "optimizer": ADAM},
    "cbp, adam, instant": {"plasticity": cbp(mode="instant"), "optimizer": ADAM},
    "shrink and perturb": {"plasticity": shrink_perturb, "optimizer": MOMENTUM},
    "retrained": {"renewal": Renewal.network, "optimizer": ADAM},
    "retrained, cbp": {"renewal": Renewal.network, "optimizer": ADAM, "plasticity": cbp()},
    "retrained, shrink and perturb": {"renewal": Renewal.network, "plasticity": shrink_perturb},
    "head reset": {"renewal": Renewal.head, "optimizer": MOMENTUM},
}


def streams(seeds=SEEDS, **settings):
    asked = {name: settings.pop(name) for name in list(settings) if hasattr(Plan(1), name)}
    plan = Plan(**{"tasks": 2, "epochs": 2, "batch_size": 4, **asked})
    return [Blobs(plan, seed, **settings) for seed in seeds]


def networks_agree(one, other, tolerance):
    ours, theirs = one.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], atol=tolerance, rtol=tolerance, msg=name)


def lines_agree(together, alone, place):
    """What was recorded of one of several seeds, and of the same seed alone."""
    assert [step for step, _ in together] == [step for step, _ in alone]
    for (_, all_seeds), (_, (only,)) in zip(together, alone, strict=True):
        assert all_seeds[place] == pytest.approx(only, abs=1e-3, rel=1e-2)


def check_alike(plan, made, tolerance=2e-5):
    """Each of several seeds learns what it would alone; returns the learner of all."""
    learner = BatchedBackprop(plan, made)
    together = go_through(made, learner)
    for place, stream in enumerate(made):
        single = backprop_learner(plan, [stream])
        alone = go_through([stream], single)
        networks_agree(learner.networks[place], single.networks[0], tolerance)
        lines_agree(together, alone, place)
    return learner


@pytest.mark.parametrize("kind", LEARNERS)
def test_seeds_side_by_side_learn_what_they_learn_alone(kind):
    learner = check_alike(blueprint(mlp, **LEARNERS[kind]), streams(epochs=1))
    assert all(numbers.get("cbp/replaced", 1) > 0 for numbers in learner.metrics())
    assert "cbp" not in kind or all("cbp/replaced" in numbers for numbers in learner.metrics())


@pytest.mark.parametrize(
    "settings",
    [
        {"carries_best": True, "milestones": (1,), "decay": 0.2},
        {"zeroes_head": True, "restarts_optimizer": True},
        {"looks_back": True, "is_split": True, "is_augmented": True},
    ],
)
def test_whatever_the_plan_asks_for_is_done_for_each_seed(settings):
    outputs = 6 if settings.get("is_split") else 3
    plan = blueprint(partial(mlp, outputs=outputs), optimizer=ADAM, plasticity=cbp())
    check_alike(plan, streams(**settings))


@pytest.mark.parametrize("kind", ["momentum", "cbp, lazy"])
def test_convolutions_learn_side_by_side_what_they_learn_alone(kind):
    made = streams((3, 8), shape=(3, 32, 32), examples=10)
    learner = check_alike(blueprint(lambda: ConvNet(3), **LEARNERS[kind]), made, 1e-4)
    assert "cbp" not in kind or all(numbers["cbp/replaced"] > 0 for numbers in learner.metrics())


def test_a_residual_network_moves_the_running_statistics_of_each_seed():
    # Small steps and more than one place: a norm over four numbers makes much of a rounding error.
    made, slow = streams((3, 8), tasks=1, shape=(3, 16, 16), examples=8), partial(torch.optim.SGD, lr=1e-3)
    plan = blueprint(lambda: ResNet18(3, width=4), plasticity=cbp(mode="lazy"), optimizer=slow)
    learner = check_alike(plan, made, 1e-4)
    assert all(numbers["cbp/replaced"] > 0 for numbers in learner.metrics())
    first, second = (network.state_dict() for network in learner.networks)
    fresh = plan.draw_network(3).state_dict()
    statistics = [name for name in first if "running" in name]
    assert len(statistics) == 40
    for name in statistics:
        assert not torch.equal(first[name], fresh[name])
        assert not torch.equal(first[name], second[name])
    assert {int(value) for name, value in first.items() if "tracked" in name} == {4}  # two passes of two minibatches


def test_the_number_of_batches_is_counted_for_each_seed():
    learner = check_alike(blueprint(BATCH_NORM, optimizer=MOMENTUM), streams(examples=24))
    assert [int(network[1].num_batches_tracked) for network in learner.networks] == [24] * 3  # 2 tasks, 2 passes of 6


SAVED = [
    "momentum",
    "adam",
    "cbp, bernoulli",
    "cbp, instant",
    "cbp, mean moved",
    "cbp, adam",
    "shrink and perturb",
]


@pytest.mark.parametrize("kind", [*SAVED, "retrained", "head reset"])
def test_saved_seeds_go_on_bit_for_bit(kind):
    made = streams((3, 8), returning=1)
    plan, saved, whole = blueprint(mlp, **LEARNERS[kind]), [], backprop_learner(blueprint(mlp, **LEARNERS[kind]), made)
    lines = go_through(
        made, whole, lambda course, recorded: saved.append((len(recorded), copy.deepcopy(course.state_dict())))
    )
    for count, state in saved[1:3]:
        learner = backprop_learner(plan, made)
        assert go_through(made, learner, saved=state) == lines[count:]
        for one, other in zip(whole.networks, learner.networks, strict=True):
            networks_agree(one, other, 0)


@pytest.mark.parametrize("kind", ["cbp", "cbp, lazy", "cbp, instant", "cbp, mean moved", "cbp, adam, instant"])
def test_seeds_saved_just_before_a_replacement_go_on_bit_for_bit(kind):
    made = streams()
    task, plan = [stream.task(0) for stream in made], blueprint(mlp, **LEARNERS[kind])
    learner = backprop_learner(plan, made)
    seen = [torch.stack(parts) for parts in zip(*(each.train.take(torch.arange(22)) for each in task), strict=True)]
    for start in range(9):
        other = backprop_learner(plan, made)
        other.load_state_dict(copy.deepcopy(learner.state_dict()))
        for each in (learner, other):
            each.update(*(part[:, 2 * start : 2 * start + 2] for part in seen), task[0])
        for one, same in zip(learner.networks, other.networks, strict=True):
            networks_agree(one, same, 0)
    assert learner.metrics()[0]["cbp/replaced"] > 0


def test_half_precision_is_meant_for_every_seed():
    check_alike(blueprint(mlp, precision=Precision.bfloat16, plasticity=cbp()), streams(), 2e-2)


def test_a_seed_with_numbers_gone_bad_leaves_the_others_alone():
    made = streams()
    learner, healthy = (backprop_learner(blueprint(mlp, plasticity=cbp()), made) for _ in range(2))
    with torch.no_grad():
        learner.networks[1][0].weight[0, 0] = torch.nan
    assert not learner.is_healthy()
    task = made[0].task(0)
    inputs, targets = task.train.take(torch.arange(8))
    for each in (learner, healthy):
        for _ in range(6):
            each.update(inputs.expand(3, -1, -1), targets.expand(3, -1), task)
    for place in (0, 2):
        networks_agree(learner.networks[place], healthy.networks[place], 1e-6)


@pytest.mark.parametrize(
    ("kind", "settings"), [("momentum", {}), ("cbp, lazy", {}), ("cbp, adam", {"carries_best": True})]
)
def test_seeds_that_take_turns_learn_bit_for_bit_what_they_learn_alone(kind, settings):
    made, plan, saved = streams((3, 8), **settings), blueprint(SMALL_CONVOLUTION, **LEARNERS[kind]), []
    made = [Blobs(stream.plan, stream.seed, shape=(3, 4, 4)) for stream in made]
    learner = backprop_learner(plan, made)
    assert isinstance(learner, OneByOne)
    together = go_through(
        made, learner, lambda course, recorded: saved.append((len(recorded), copy.deepcopy(course.state_dict())))
    )
    for place, stream in enumerate(made):
        single = backprop_learner(plan, [stream])
        alone = go_through([stream], single)
        networks_agree(learner.networks[place], single.networks[0], 0)
        assert [(step, own[place]) for step, own in together] == [(step, own) for step, (own,) in alone]
    count, state = saved[1]
    other = backprop_learner(plan, made)
    assert go_through(made, other, saved=state) == together[count:]
    assert learner.seeds == other.seeds == (3, 8)


@pytest.mark.parametrize("random", [nn.Dropout, Dropout, AID, nn.RReLU])
def test_seeds_whose_network_draws_random_numbers_learn_in_turn(random):
    def network():
        return nn.Sequential(nn.Linear(4, 8), random() if random is not Dropout else Dropout(0.2), nn.Linear(8, 3))

    made = streams((3, 8))
    learner = backprop_learner(blueprint(network), made)
    assert isinstance(learner, OneByOne)
    go_through(made, learner)


def test_seeds_are_one_network_where_that_is_quicker():
    convolution, dense = blueprint(SMALL_CONVOLUTION), blueprint(mlp)
    assert [is_quicker_as_one(convolution, device) for device in ("cpu", "cuda")] == [False, True]
    assert [is_quicker_as_one(dense, device) for device in ("cpu", "cuda")] == [True, True]
    assert is_quicker_as_one(blueprint(mlp, compiles=True), "cuda")
    assert not is_quicker_as_one(blueprint(mlp, plasticity=cbp(), compiles=True), "cuda")


class OfWholeTensors(torch.optim.SGD):
    """Steps of unit length for each tensor: of one seed, or of all of them."""

    def step(self, closure=None):
        for parameter in self.param_groups[0]["params"]:
            if parameter.grad is not None:
                parameter.grad /= parameter.grad.norm().clamp(min=1e-9)
        return super().step(closure)


@pytest.mark.parametrize(
    "optimizer", [partial(torch.optim.Adafactor, lr=0.01), partial(OfWholeTensors, lr=0.1)], ids=["Adafactor", "own"]
)
def test_seeds_whose_optimiser_looks_at_whole_tensors_learn_in_turn(optimizer):
    plan, made = blueprint(mlp, optimizer=optimizer), streams()
    together = backprop_learner(plan, made)
    assert isinstance(together, OneByOne)
    go_through(made, together)
    for place, seed in enumerate(SEEDS):
        (alone,) = streams((seed,))
        learner = backprop_learner(plan, [alone])
        go_through([alone], learner)
        networks_agree(together.networks[place], learner.networks[0], 0)
