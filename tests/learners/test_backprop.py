"""One network that learns by backpropagation: by hand, at changes of tasks, and saved and gone on with."""

import copy
import sys
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.learners import Backprop, Precision, Renewal
from plastic_rl.learners.learner import head, take_over, zero
from plastic_rl.optim import ContinualBackprop, L2Init, ShrinkPerturb, Stack, methods_in
from plastic_rl.streams import Plan
from tests.streams.small import Blobs, Numbers, blueprint, go_through, mlp

ADAM = partial(torch.optim.Adam, lr=0.01)
MOMENTUM = partial(torch.optim.SGD, lr=0.05, momentum=0.9)


def one_weight():
    """The function y = w x, with w = 1."""
    network = nn.Sequential(nn.Linear(1, 1, bias=False))
    nn.init.ones_(network[0].weight)
    return network


continual = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)


def blobs(tasks=2, **settings):
    return Blobs(Plan(tasks, batch_size=4, **settings))


def weights(network):
    return [value.clone() for value in network.state_dict().values()]


def same(first, second):
    return all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def differ(first, second):
    return [not torch.equal(one, other) for one, other in zip(first, second, strict=True)]


def test_an_update_by_hand():
    # x = 2, y = 0: it says 2, the loss is 4, its gradient 2 * 2 * 2 = 8, and w becomes 1 - 0.1 * 8.
    stream = Numbers(Plan(1), targets=[[[0.0]]], width=1, is_regression=True)
    learner = Backprop(blueprint(one_weight), stream, seed=0)
    said = learner.update(torch.tensor([[[2.0]]]), torch.tensor([[[0.0]]]), stream.task(0))
    assert said.tolist() == [[[2.0]]]
    assert not said.requires_grad
    assert learner.network[0].weight.item() == pytest.approx(0.2)
    assert learner.predict(torch.tensor([[[2.0]]]), stream.task(0)).item() == pytest.approx(0.4)


def test_a_factor_multiplies_the_learning_rate_that_the_learner_was_made_with():
    learner = Backprop(blueprint(mlp), blobs(), seed=0)
    rates = []
    for factor in (0.5, 0.5, 0.2, 1.0):
        learner.set_learning_rate_factor(factor)
        rates.append(learner.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.05, 0.05, 0.02, 0.1])


def test_only_the_outputs_of_the_task_are_moved():
    stream = Blobs(Plan(2, batch_size=4), is_split=True)
    learner = Backprop(blueprint(partial(mlp, outputs=6)), stream, seed=0)
    task, before = stream.task(1), weights(learner.network)
    inputs, targets = task.train.take(torch.arange(4))
    said = learner.update(inputs[None], task.relative(targets)[None], task)
    assert said.shape == (1, 4, 3)
    assert torch.equal(head(learner.network).weight[:3], before[-2][:3])
    assert not torch.equal(head(learner.network).weight[3:], before[-2][3:])
    assert torch.equal(learner.predict(inputs[None], task)[0], learner.network(inputs)[:, 3:])


def test_predictions_are_made_in_evaluation_mode_and_any_number_at_once(monkeypatch):
    monkeypatch.setattr(sys.modules[Backprop.__module__], "MOST_AT_ONCE", 3)  # a function hides the module's name
    network = lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))  # noqa: E731
    learner, inputs = Backprop(blueprint(network), blobs(), seed=0), torch.randn(1, 7, 4)
    before = weights(learner.network)
    said = learner.predict(inputs, blobs().task(0))
    assert same(before, weights(learner.network))
    assert learner.network.training
    assert torch.allclose(said[0], learner.network.eval()(inputs[0]), atol=1e-6)


def test_weights_are_a_function_of_the_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    networks = [Backprop(blueprint(mlp), blobs(), seed=seed).network for seed in (0, 0, 1)]
    assert same(weights(networks[0]), weights(networks[1]))
    assert all(differ(weights(networks[0]), weights(networks[2])))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("renewal", "changed"),
    [
        (Renewal.nothing, [False] * 6),
        (Renewal.head, [False] * 4 + [True] * 2),
        (Renewal.network, [True] * 6),
    ],
)
def test_what_is_drawn_afresh_when_a_task_begins(renewal, changed):
    stream = blobs()
    learner = Backprop(blueprint(mlp, renewal=renewal), stream, seed=0)
    drawn = weights(learner.network)
    learner.begin(stream.task(0), stream.plan)
    assert same(drawn, weights(learner.network))  # the first task finds everything fresh
    learner.begin(stream.task(1), stream.plan)
    assert differ(drawn, weights(learner.network)) == changed
    renewed = weights(learner.network)
    other = Backprop(blueprint(mlp, renewal=renewal), stream, seed=0)
    other.begin(stream.task(1), stream.plan)
    assert same(renewed, weights(other.network))


def test_a_retrained_network_is_a_new_learner_at_each_task():
    stream = blobs()
    plain, retrained = blueprint(mlp, optimizer=ADAM), blueprint(mlp, optimizer=ADAM, renewal=Renewal.network)
    learner, fresh = Backprop(retrained, stream, seed=0), Backprop(plain, stream, seed=0)
    take_over(fresh.network, plain.draw_network(0, 1))
    go_through([stream], learner)
    stream.task = lambda index, task=stream.task: task(1)
    stream.plan = Plan(1, batch_size=4)
    go_through([stream], fresh)
    assert same(weights(learner.network), weights(fresh.network))


def test_a_retrained_networks_methods_remember_nothing_of_the_old_one():
    stream, method = blobs(), Stack([continual, L2Init, ShrinkPerturb])
    plan = blueprint(mlp, optimizer=ADAM, plasticity=method, renewal=Renewal.network)
    learner = Backprop(plan, stream, seed=0)
    go_through([blobs(1)], learner)
    assert learner.metrics()[0]["cbp/replaced"] > 0
    learner.begin(stream.task(1), stream.plan)
    l2_init = next(each for each in methods_in(learner.optimizer) if isinstance(each, L2Init))
    assert same(l2_init.memory["start"], weights(learner.network))
    fresh = Backprop(plan, stream, seed=0)
    fresh.begin(stream.task(1), stream.plan)
    assert str(learner.optimizer.state_dict()) == str(fresh.optimizer.state_dict())


@pytest.mark.parametrize("zeroes", [False, True])
def test_the_head_is_zeroed_at_each_task_if_the_plan_says_so(zeroes):
    learner = Backprop(blueprint(mlp), blobs(), seed=0)
    for index in (0, 1):
        learner.begin(blobs().task(index), Plan(2, zeroes_head=zeroes))
        is_zero = [bool((parameter == 0).all()) for parameter in learner.network.parameters()]
        assert is_zero == [False] * 4 + [zeroes] * 2
        go_through([blobs(1)], learner)


@pytest.mark.parametrize("optimizer", [MOMENTUM, ADAM])
@pytest.mark.parametrize("wrap", [None, continual])
def test_an_optimiser_that_restarts_goes_on_as_a_fresh_one(optimizer, wrap):
    stream = blobs(restarts_optimizer=True)
    learner = Backprop(blueprint(mlp, optimizer=optimizer, plasticity=wrap), stream, seed=0)
    go_through([blobs(1)], learner)
    fresh = Backprop(blueprint(mlp, optimizer=optimizer, plasticity=wrap), stream, seed=0)
    take_over(fresh.network, learner.network)
    if wrap is not None:
        fresh.optimizer.load_memory(learner.optimizer.state_dict()["ContinualBackprop"])
    for each in (learner, fresh):
        each.begin(stream.task(1), stream.plan)
        for places in torch.arange(12).split(4):
            inputs, targets = stream.task(1).train.take(places)
            each.update(inputs[None], targets[None], stream.task(1))
    assert same(weights(learner.network), weights(fresh.network))


def test_an_optimiser_that_does_not_restart_keeps_its_moments():
    stream = blobs()
    learner = Backprop(blueprint(mlp, optimizer=MOMENTUM), stream, seed=0)
    go_through([blobs(1)], learner)
    learner.begin(stream.task(1), stream.plan)
    assert all(state["momentum_buffer"].abs().sum() > 0 for state in learner.optimizer.state.values())


def test_a_network_without_a_linear_layer_has_no_head():
    with pytest.raises(ValueError, match="Conv2d has no linear layer to be its head"):
        head(nn.Conv2d(1, 1, 1))


def test_zeroing_reaches_weights_and_biases():
    layer = nn.Linear(2, 2)
    zero(layer)
    assert all((parameter == 0).all() for parameter in layer.parameters())


def test_a_linear_model_learns_and_has_no_hidden_layers_to_measure():
    stream = blobs()
    learner = Backprop(blueprint(lambda: nn.Linear(4, 3)), stream, seed=0)
    begins, ends = go_through([stream], learner)[:2]
    assert begins[1] == [{"seed": 0, "task/index": 0}]
    assert ends[1][0]["online/accuracy"] > 0.5


def test_a_network_that_is_taught_learns():
    stream = Blobs(Plan(1, epochs=20, batch_size=2))
    numbers = go_through([stream], Backprop(blueprint(mlp), stream, seed=0))[-1][1][0]
    assert numbers["train/accuracy"] == 1.0
    assert numbers["test/accuracy"] >= 8 / 9


def test_what_a_method_counts_is_recorded():
    stream = blobs()
    numbers = go_through([stream], Backprop(blueprint(mlp, plasticity=continual), stream, seed=0))[-1][1][0]
    assert numbers["cbp/replaced"] > 0
    assert {"units/dead", "units/dormant", "rank/srank99", "rank/effective", "rank/stable", "weights/mean_abs"} <= set(
        go_through([stream], Backprop(blueprint(mlp), stream, seed=0))[0][1][0]
    )


WRAPS = {
    "plain": None,
    "exact": continual,
    "lazy": partial(continual, mode="lazy"),
    "instant": partial(continual, mode="instant", rounding="bernoulli"),
    "shrink and perturb": partial(ShrinkPerturb, noise_std=1e-3),
}


@pytest.mark.parametrize("optimizer", [MOMENTUM, ADAM])
@pytest.mark.parametrize("wrap", WRAPS)
def test_a_saved_learner_goes_on_bit_for_bit(optimizer, wrap):
    stream = blobs()
    plan = blueprint(mlp, optimizer=optimizer, plasticity=WRAPS[wrap])
    learner, other = Backprop(plan, stream, seed=0), Backprop(plan, stream, seed=0)
    task = stream.task(0)
    minibatches = [task.train.take(places) for places in torch.arange(20).split(2)]
    for step, (inputs, targets) in enumerate(minibatches):
        if step == 4:
            other.load_state_dict(copy.deepcopy(learner.state_dict()))
        for each in (learner, other) if step >= 4 else (learner,):
            each.update(inputs[None], targets[None], task)
    assert same(weights(learner.network), weights(other.network))
    assert learner.metrics() == other.metrics()


def test_half_precision_learns_nearly_the_same_with_weights_of_full_precision():
    stream = Blobs(Plan(2, epochs=3, batch_size=4))
    full, half = (
        Backprop(blueprint(mlp, precision=kind), stream, seed=0) for kind in (Precision.float32, Precision.bfloat16)
    )
    for learner in (full, half):
        go_through([stream], learner)
    pairs = list(zip(weights(full.network), weights(half.network), strict=True))
    assert all(other.dtype == torch.float32 for _, other in pairs)
    assert 1e-6 < max((one - other).abs().max() for one, other in pairs) < 0.05


def test_weights_are_measured_against_those_that_the_network_began_with():
    learner = Backprop(blueprint(mlp), Blobs(Plan(2, 1, 4)), seed=0)
    (before,) = learner.diagnose(torch.zeros(1, 2, 4))
    with torch.no_grad():
        learner.network[0].bias += 3.0  # 8 units: a distance of √(8 · 9)
    (after,) = learner.diagnose(torch.zeros(1, 2, 4))
    assert before["weights/distance"] == 0
    assert after["weights/distance"] == pytest.approx(72**0.5)
    weights = [each.square().sum().item() for each in learner.network.parameters()]
    assert after["weights/norm"] == pytest.approx(sum(weights) ** 0.5)
