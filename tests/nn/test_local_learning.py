"""It learns: classes that no line separates, pictures, numbers; by every objective and in every kind of training."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.nn import CombinedTrunks, DivisiveNorm, Joint, LocalHSIC, OneHot, Standardized
from plastic_rl.nn.local import choices
from tests.nn.local_networks import CLASSES, INPUTS, clusters, convnet, images, mlp, normed, trainer

TRAIN, TEST = clusters(2048), clusters(1000, seed=1)
ADAM, FROZEN = partial(torch.optim.Adam, lr=3e-3), partial(torch.optim.SGD, lr=0.0)
HEAD = partial(torch.optim.Adam, lr=0.02)


def train(local, epochs: int = 3, size: int = 64, **what) -> None:
    inputs, labels = TRAIN
    for epoch in range(epochs):
        order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(epoch))
        for chosen in order.split(size):
            local.update(inputs[chosen], labels[chosen], **what)


def accuracy(local) -> float:
    return (local.predict(TEST[0]) == TEST[1]).float().mean().item()


def test_the_problem_is_not_linear_and_a_frozen_trunk_does_not_solve_it():
    inputs, labels = TRAIN
    head = nn.Linear(INPUTS, CLASSES)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(inputs), labels).backward()
        optimizer.step()
    assert (head(TEST[0]).argmax(1) == TEST[1]).float().mean() < 0.88
    for readout in ("ridge", "softmax"):
        of_readout = HEAD if readout == "softmax" else None
        frozen = trainer(normed(16, 16), optimizer=FROZEN, readout=readout, readout_optimizer=of_readout)
        train(frozen)
        assert accuracy(frozen) < 0.88


@pytest.mark.parametrize("estimator", choices.OBJECTIVES)
def test_every_objective_learns(estimator: str):
    local = trainer(normed(16, 16), estimator=estimator, optimizer=ADAM)
    train(local)
    assert accuracy(local) > (0.91 if estimator in ("hsic", "linear_hsic", "plausible_hsic") else 0.94)


def test_unformatted_training_reads_units_as_classes():
    local = trainer(normed(64, 64, CLASSES), readout="assignment", optimizer=ADAM)
    train(local)
    assert accuracy(local) > 0.93


def test_format_training_puts_a_softmax_on_a_frozen_trunk():
    local = trainer(
        normed(16, 16), readout="softmax", estimator="normalized_hsic", optimizer=ADAM, readout_optimizer=HEAD
    )
    train(local, readout=False)
    assert accuracy(local) < 0.8
    trunk = [parameter.clone() for parameter in local.trunk.blocks.parameters()]
    train(local, trunk=False)
    assert accuracy(local) > 0.94
    assert all(torch.equal(a, b) for a, b in zip(trunk, local.trunk.blocks.parameters(), strict=True))


def test_trunks_of_several_bandwidths_under_one_head():
    right = []
    for optimizer in (FROZEN, ADAM):
        build = partial(LocalHSIC, target_encoder=OneHot(CLASSES), readout=None, optimizer=optimizer)
        trunks = [build(normed(16, 16, seed=seed), TRAIN[0][:1], sigma=10.0 / seed) for seed in (1, 2, 10)]
        combined = CombinedTrunks(trunks, target_encoder=OneHot(CLASSES), optimizer=HEAD)
        train(combined, readout=False)
        train(combined, trunk=False)
        right.append(accuracy(combined))
    assert right[1] > right[0] + 0.05


def test_combined_trunks_are_averaged_and_normalised():
    trunks = [trainer(mlp(8, seed=place), readout=None) for place in range(2)]
    combined = CombinedTrunks(trunks, target_encoder=OneHot(CLASSES))
    mean = (trunks[0].features(TEST[0])[0] + trunks[1].features(TEST[0])[0]) / 2
    expected = (mean - mean.mean(0)) / (mean.var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(combined.features(TEST[0]), expected, rtol=1e-4, atol=1e-5)


def test_trunks_of_different_widths_are_not_combined():
    trunks = [trainer(mlp(width), readout=None) for width in (8, 9)]
    with pytest.raises(ValueError, match=r"of one width; got \[8, 9\]"):
        CombinedTrunks(trunks, target_encoder=OneHot(CLASSES))


def test_several_bandwidths_in_one_trunk():
    local = trainer(normed(16, 16), estimator="normalized_hsic", sigma=(1.0, 5.0, 10.0), optimizer=ADAM)
    train(local)
    assert accuracy(local) > 0.94


@pytest.mark.parametrize(("estimator", "margin"), [("ridge", 0.1), ("normalized_hsic", 15)])
def test_every_block_of_a_convolutional_network_learns(estimator: str, margin: float):
    (inputs, labels), (pictures, expected) = images(1024), images(400, seed=1)
    final, right = [], []
    for optimizer in (FROZEN, ADAM):
        encoder = OneHot(CLASSES)
        local = LocalHSIC(convnet(), inputs[:1], target_encoder=encoder, estimator=estimator, optimizer=optimizer)
        for chosen in torch.randperm(1024, generator=torch.Generator().manual_seed(0)).repeat(4).split(64):
            local.update(inputs[chosen], labels[chosen])
        final.append(torch.stack(local.losses))
        right.append((local.predict(pictures) == expected).float().mean().item())
    assert (final[1] < final[0] - margin).all()
    assert right[1] > right[0] + 0.05


def test_grouping_and_divisive_normalisation():
    right = []
    for optimizer in (FROZEN, ADAM):
        torch.manual_seed(0)
        layers = (nn.Linear(INPUTS, 16), nn.ReLU(), DivisiveNorm(4), nn.Linear(16, 16), nn.ReLU())
        local = trainer(nn.Sequential(*layers), estimator="plausible_hsic", groups=4, optimizer=optimizer)
        train(local)
        right.append(accuracy(local))
    assert right[1] > right[0] + 0.05


@pytest.mark.parametrize(
    ("size", "count", "rate", "most"),
    [(1, 600, 3e-3, 0.6), (8, 1600, 3e-3, 0.45), (64, 5000, 1e-3, 0.45), (64, 5000, 0.0, 1.0)],
)
def test_numbers_from_batches_of_any_size(size: int, count: int, rate: float, most: float):
    inputs = torch.randn(3000, INPUTS, generator=torch.Generator().manual_seed(0))
    returns = 50 + 10 * (inputs[:, 0].abs() + inputs[:, 1] * inputs[:, 2])
    local = trainer(
        mlp(32, 32), target_encoder=Standardized(), estimator=None, optimizer=partial(torch.optim.Adam, lr=rate)
    )
    for start in range(0, count, size):
        chosen = torch.arange(start, start + size) % 2000
        local.update(inputs[chosen], returns[chosen])
    error = local.predict(inputs[2000:]).squeeze(1) - returns[2000:]
    unexplained = (error.square().mean() / returns[2000:].var()).item()
    assert unexplained < most
    assert rate or unexplained > 0.65  # what a frozen trunk leaves: the others have learnt


def test_several_targets_at_once():
    inputs, labels = TRAIN
    encoder = Joint(action=OneHot(CLASSES), returns=Standardized())
    local = trainer(normed(48, 48), target_encoder=encoder, estimator=None, optimizer=ADAM)
    returns = 3 * inputs[:, 0] + 5
    for chosen in torch.arange(len(inputs)).repeat(2).split(64):
        local.update(inputs[chosen], {"action": labels[chosen], "returns": returns[chosen]})
    predicted = local.predict(TEST[0])
    assert (predicted["action"] == TEST[1]).float().mean() > 0.9
    assert torch.corrcoef(torch.stack([predicted["returns"].squeeze(1), TEST[0][:, 0]]))[0, 1] > 0.95
