"""Readouts: closed form, assignment, softmax; and newborn units, which no readout hears."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.nn import LocalHSIC, OneHot, Standardized
from plastic_rl.nn.local.readouts import AssignmentReadout, ClassMeansReadout, SoftmaxReadout
from plastic_rl.nn.local.ridge_readout import RidgeReadout
from plastic_rl.optim import ContinualBackprop, UnitsReplaced
from tests.nn.local_networks import CLASSES, INPUTS, clusters, convnet, images, mlp, trainer

CBP = partial(ContinualBackprop, replacement_rate=0.02, maturity_threshold=5, audit_size=100)
SGD = partial(torch.optim.SGD, lr=0.01, momentum=0.9)


def test_ridge_readout_by_hand():
    # Means 2 and 10, covariance 1 and cross-covariance 4; λ = 1 (relative to the mean variance, 1) gives 4 / 2.
    readout = RidgeReadout(1, Standardized(1), ridge=1.0)
    readout.observe(torch.tensor([[1.0], [3.0]]), torch.tensor([[6.0], [14.0]]))
    torch.testing.assert_close(readout(torch.tensor([[2.0], [3.0]])), torch.tensor([[10.0], [12.0]]))


def test_ridge_readout_is_linear_regression_on_what_is_linear():
    draw = torch.Generator().manual_seed(0)
    z = torch.randn(200, 5, generator=draw) * torch.tensor([1.0, 2.0, 3.0, 1.0, 0.5]) + 3
    y = z @ torch.randn(5, 2, generator=draw) - 1
    readout = RidgeReadout(5, Standardized(2), ridge=1e-6)
    for start in range(0, 200, 8):
        readout.observe(z[start : start + 8], y[start : start + 8])
    torch.testing.assert_close(readout(z), y, rtol=1e-3, atol=1e-3)


def test_the_ridge_readout_is_solved_when_asked_and_no_more_often_than_said(monkeypatch: pytest.MonkeyPatch):
    readout, solved = RidgeReadout(3, OneHot(2), refresh_every=2), []
    plain = readout.refresh
    monkeypatch.setattr(readout, "refresh", lambda: solved.append(1) or plain())
    z, y = torch.randn(8, 3), torch.eye(2).repeat(4, 1)
    for count in (0, 1, 1, 2):
        readout.observe(z, y)
        readout(z)
        readout(z)
        assert len(solved) == count


def test_before_anything_is_known_the_ridge_readout_says_nothing():
    assert RidgeReadout(3, OneHot(2))(torch.ones(4, 3)).tolist() == [[0.0, 0.0]] * 4


def test_assignment_is_the_best_one_and_not_the_greedy_one():
    # Mean activations of three units: the first class is best at unit 0 by a little, the second by far.
    readout = AssignmentReadout(3, OneHot(2))
    z, y = torch.tensor([[5.0, 4.9, 0.0], [4.0, 0.0, 1.0]]), torch.eye(2)
    readout.observe(z, y)
    assert readout.units().tolist() == [1, 0]
    assert readout(torch.tensor([[7.0, 8.0, 9.0]])).tolist() == [[8.0, 7.0]]


def test_assignment_compares_means_and_not_sums():
    # The second class is seen ten times as often; its mean at unit 0 is the lower one.
    readout = AssignmentReadout(2, OneHot(2))
    readout.observe(torch.tensor([[2.0, 0.0], *[[1.0, 0.0]] * 10]), torch.eye(2)[[0] + [1] * 10])
    assert readout.units().tolist() == [0, 1]


def test_a_class_that_silences_all_units_has_a_mean_but_no_unit():
    features, targets = torch.tensor([[3.0, 2.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]), torch.eye(3)
    by_mean, by_unit = ClassMeansReadout(3, OneHot(3)), AssignmentReadout(3, OneHot(3))
    for readout in (by_mean, by_unit):
        readout.observe(features, targets)
    assert by_mean(features).argmax(1).tolist() == [0, 1, 2]
    assert by_mean(torch.tensor([[0.0, 2.0, 0.0]])).tolist() == [[-3.0, 0.0, -2.0]]
    assert by_unit(features)[2].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("kind", [AssignmentReadout, ClassMeansReadout, SoftmaxReadout])
def test_numbers_are_no_classes(kind):
    with pytest.raises(ValueError, match='needs classes, got Standardized targets; use readout="ridge"'):
        kind(8, Standardized(1))


def test_assignment_needs_units_enough():
    with pytest.raises(ValueError, match="assignment needs a unit for each of 4 classes; the last block has 3"):
        AssignmentReadout(3, OneHot(4))


def test_softmax_readout_is_trained_by_cross_entropy_alone():
    local = trainer(readout="softmax", optimizer=partial(torch.optim.SGD, lr=0.5))
    inputs, labels = clusters(32)
    head, features = local.readout.linear, local.trunk.frozen(inputs)[-1]
    loss = nn.functional.cross_entropy(head(features), labels)
    expected = head.weight - 0.5 * torch.autograd.grad(loss, head.weight)[0]
    local.update(inputs, labels, trunk=False)
    torch.testing.assert_close(head.weight.detach(), expected.detach())


def test_a_readout_may_have_settings_and_an_optimiser_of_its_own():
    local = trainer(readout=partial(RidgeReadout, refresh_every=7))
    assert local.readout.refresh_every == 7
    local = trainer(readout="softmax", readout_optimizer=partial(torch.optim.SGD, lr=0.123))
    assert [type(each).__name__ for each in local.optimizers] == ["Adam", "Adam", "Adam", "SGD"]
    assert local.optimizers[-1].param_groups[0]["lr"] == 0.123


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"readout": "ridge"}, "this readout is not trained by gradients"),
        ({"readout": "softmax", "plasticity": CBP}, "with plasticity there is one optimiser for everything"),
    ],
)
def test_an_optimiser_for_nothing_is_refused(settings: dict, reason: str):
    with pytest.raises(ValueError, match=f"readout_optimizer was given, but {reason}; leave it out"):
        trainer(readout_optimizer=SGD, **settings)


def test_one_optimiser_for_all_blocks_does_what_one_for_each_does():
    """A method that is off: the same weights, bit for bit."""
    apart = trainer(readout="softmax", optimizer=SGD)
    together = trainer(readout="softmax", optimizer=SGD, plasticity=partial(CBP, replacement_rate=0.0))
    together.readout.load_state_dict(apart.readout.state_dict())
    for step in range(10):
        for local in (apart, together):
            local.update(*clusters(16, seed=step))
    for mine, its in zip(apart.parameters(), together.parameters(), strict=True):
        assert torch.equal(mine, its)


@pytest.mark.parametrize("readout", ["ridge", "softmax"])
def test_the_readout_is_a_reader_of_hidden_layers(readout: str):
    local = trainer(mlp(8, 6), readout=readout)
    layers = hidden_layers(local, torch.zeros(1, INPUTS))
    assert [layer.units for layer in layers] == [8, 6]
    readers = [{port.name for port in layer.read_by} for layer in layers]
    assert readers == [
        {"trunk.blocks.1.0", "readout.linear"} if readout == "ridge" else {"trunk.blocks.1.0"},
        {"readout.linear"},
    ]


def without_norms() -> nn.Sequential:
    """LayerNorm lets its units hear one another, newborn ones too."""
    return nn.Sequential(*(module for module in mlp(16, 16, 16) if not isinstance(module, nn.LayerNorm)))


@pytest.mark.parametrize("readout", ["ridge", "softmax"])
@pytest.mark.parametrize("refresh", [False, True])
def test_newborn_units_are_silent(readout: str, refresh: bool):
    local = trainer(without_norms(), readout=readout, optimizer=SGD, plasticity=CBP)
    inputs, labels = clusters(200)
    optimizer, replaced, step = local.optimizers[0], 0, 0
    while not replaced:
        local.update(inputs[step : step + 8], labels[step : step + 8])
        step += 4
        replaced = len(optimizer.replacements())
    assert replaced == 3
    if refresh and readout == "ridge":
        local.readout.refresh()
    before = local(inputs).detach()
    for birth in optimizer.replacements():
        layer = next(watched.layer for watched in optimizer.watched if watched.layer.name == birth.layer)
        with torch.no_grad():  # whatever the newborn says, nobody listens
            layer.produced_by[0].weight[birth.unit] += 5
    assert (local.features(inputs)[0] != 0).any()
    torch.testing.assert_close(local(inputs).detach(), before)


def test_newborn_units_are_heard_once_they_have_a_past():
    local = trainer(without_norms(), optimizer=SGD, plasticity=CBP)
    inputs, labels = clusters(400)
    while not local.optimizers[0].replacements():
        local.update(inputs[:8], labels[:8])
    local.predict(inputs)
    silent = (local.readout.linear.weight == 0).all(0)
    assert silent.sum() >= 3
    for start in range(0, 400, 8):
        local.update(inputs[start : start + 8], labels[start : start + 8])
    local.predict(inputs)
    births = {birth.layer for birth in local.optimizers[0].replacements()}
    assert len(births) == 3
    assert (local.readout.linear.weight[:, silent] != 0).any()


def test_objectives_forget_newborn_units_too():
    local = trainer(without_norms(), optimizer=SGD, plasticity=CBP)
    inputs, labels = clusters(8)
    while not local.optimizers[0].replacements():
        local.update(inputs, labels)
    for birth in local.optimizers[0].replacements():
        place = int(birth.layer.split(".")[2])
        assert local.objectives[place].moments.products[birth.unit].abs().max() == 0
        assert local.readout.moments.products[16 * place + birth.unit].abs().max() == 0


def test_a_frozen_trunk_and_plasticity_exclude_each_other():
    with pytest.raises(ValueError, match="trunk=False with plasticity"):
        trainer(plasticity=CBP, optimizer=SGD).update(*clusters(8), trunk=False)


def test_nothing_predicts_without_a_readout():
    local = trainer(readout=None)
    local.update(*clusters(8))
    assert local(clusters(8)[0]).shape == (8, 16)
    with pytest.raises(ValueError, match="there is no readout to predict with"):
        local.predict(clusters(8)[0])


def test_features_carry_no_gradient_back():
    local = trainer(mlp(8, 6), readout=None)
    features = local.features(clusters(5)[0])
    assert [tuple(each.shape) for each in features] == [(5, 8), (5, 6)]
    assert not any(each.requires_grad for each in features)
    assert local.encoder.width == CLASSES


@pytest.mark.parametrize("estimator", ["prediction", "similarity", "prediction_similarity"])
@pytest.mark.parametrize("readout", ["ridge", "softmax", None])
def test_newborn_units_are_silent_in_the_probes_that_train_their_blocks(estimator: str, readout: str | None):
    local = trainer(without_norms(), estimator=estimator, readout=readout, optimizer=SGD, plasticity=CBP)
    (method,) = local.optimizers
    probes = [name.removesuffix(".weight") for name, _ in local.objectives.named_parameters("objectives")]
    probes = [name.removesuffix(".bias") for name in probes]
    read = {port.name for layer in method.layers for port in layer.read_by}
    assert {name for name in probes if readout or not name.startswith("objectives.2")} <= read
    loudest: list[float] = []

    def listen(event: UnitsReplaced) -> None:
        ports = [port for port in event.layer.read_by if port.name.startswith("objectives")]
        loudest.extend(port.parameter[:, port.columns(event.units)].abs().max().item() for port in ports)

    method.on_replacement(listen)
    for seed in range(12):
        local.update(*clusters(8, seed))
    assert loudest
    assert max(loudest) == 0.0


def test_convolutional_blocks_have_silent_probes_too():
    pictures, labels = images(16)
    local = LocalHSIC(
        convnet(), pictures[:1], target_encoder=OneHot(CLASSES), estimator="prediction", optimizer=SGD, plasticity=CBP
    )
    for _ in range(12):
        local.update(pictures, labels)
    assert local.optimizers[0].metrics()["cbp/replaced"] > 0
