"""Local training and the regulariser on batches with odd samples, in half precision, of tokens and of labels."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.nn import CombinedTrunks, HSICRegularizer, LocalHSIC, OneHot, Standardized
from plastic_rl.nn.hsic import normalized_hsic
from plastic_rl.nn.kernels import gaussian_kernel
from plastic_rl.nn.local import choices
from tests.nn.local_networks import CLASSES, INPUTS, are_equal, clusters, mlp, numbers, trainer


def plain_mlp(width: int = 16, depth: int = 2) -> nn.Sequential:
    """Without any normalisation, which would hide what goes in."""
    torch.manual_seed(0)
    widths = [INPUTS, *[width] * depth]
    layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers)


def with_odd_one(magnitude: float) -> tuple[Tensor, Tensor]:
    inputs, labels = clusters(32)
    inputs[0] *= magnitude
    return inputs, labels


@pytest.mark.parametrize("magnitude", [1e4, 1e5, 1e10])
@pytest.mark.parametrize("readout", ["ridge", "class_means"])
@pytest.mark.parametrize("estimator", choices.OBJECTIVES)
def test_an_odd_sample_is_learnt_from(estimator: str, readout: str, magnitude: float):
    local = trainer(plain_mlp(), estimator=estimator, readout=readout)
    for _ in range(3):
        assert local.update(*with_odd_one(magnitude)).isfinite()
    assert all(number.isfinite().all() for number in numbers(local))
    assert local.predict(clusters(8)[0]).shape == (8,)


def test_the_loss_of_an_odd_sample_is_that_of_double_precision():
    inputs, labels = with_odd_one(1e5)
    losses = []
    for kind in (torch.float32, torch.float64):
        local = LocalHSIC(plain_mlp().to(kind), inputs[:1].to(kind), target_encoder=OneHot(CLASSES))
        local.update(inputs.to(kind), labels)
        losses.append(torch.stack(local.losses).double())
    torch.testing.assert_close(*losses, rtol=2e-3, atol=1e-3)


def test_what_a_ridge_readout_leaves_unexplained_is_no_more_than_there_is():
    """A covariance of 1e8 in single precision is rounded by more than λ, which is no reason to fit its rounding."""
    local = trainer(plain_mlp(), estimator="ridge", readout=None)
    local.update(*with_odd_one(1e4))
    assert all(-1 <= loss <= 0.01 for loss in torch.stack(local.losses).tolist())


@pytest.mark.parametrize("odd", [math.nan, math.inf])
@pytest.mark.parametrize("estimator", choices.OBJECTIVES)
def test_inputs_that_are_no_numbers_are_refused_before_anything_moves(estimator: str, odd: float):
    local, (inputs, labels) = trainer(estimator=estimator), clusters(32)
    local.update(inputs, labels)
    before = numbers(local)
    inputs[3, 4] = odd
    with pytest.raises(ValueError, match=f"inputs reach a magnitude of {odd}; finite numbers are expected"):
        local.update(inputs, labels)
    assert are_equal(before, numbers(local))


def test_a_block_whose_loss_is_no_number_is_named_and_not_moved():
    local = trainer(plain_mlp(), estimator="prediction", readout=None)
    with torch.no_grad():
        local.trunk.blocks[1][0].weight[0, 0] = math.inf
    before = numbers(local.trunk.blocks[1])
    with pytest.raises(ValueError, match="the loss of block 1 is nan, and its features reach a magnitude of nan"):
        local.update(*clusters(32))
    assert are_equal(before, numbers(local.trunk.blocks[1]))


@pytest.mark.parametrize("estimator", ["hsic", "linear_hsic", "random_fourier_hsic"])
def test_a_single_sample_is_refused_where_it_has_no_hsic(estimator: str):
    settings: dict[str, Any] = {"is_normalized": False} if estimator == "linear_hsic" else {}
    local = trainer(estimator=estimator, **settings)
    before = numbers(local)
    with pytest.raises(ValueError, match="a batch of two or more is expected, got 1"):
        local.update(*clusters(1))
    assert are_equal(before, numbers(local))


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("estimator", choices.OBJECTIVES)
def test_a_network_in_half_precision_learns_by_full_ones(estimator: str, half: torch.dtype):
    inputs, labels = clusters(32)
    local = LocalHSIC(
        mlp().to(half),
        inputs[:1].to(half),
        target_encoder=OneHot(CLASSES),
        estimator=estimator,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1e-2),
    )
    before = numbers(local.trunk)
    loss = local.update(inputs.to(half), labels)
    local.update(inputs.to(half), labels)  # a probe that begins at zero sends nothing back at first
    whole = trainer(mlp(), estimator=estimator)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(whole.update(inputs, labels).item(), rel=0.05, abs=0.05)
    assert not are_equal(before, numbers(local.trunk))
    assert {parameter.dtype for parameter in local.trunk.parameters()} == {half}
    assert local.predict(inputs.to(half)).shape == (32,)


@pytest.mark.parametrize("readout", ["ridge", "class_means", "softmax"])
def test_local_training_under_autocast(readout: str):
    inputs, labels = clusters(64)
    local, plain = (trainer(mlp(), estimator="normalized_hsic", readout=readout) for _ in range(2))
    with torch.autocast("cpu", torch.bfloat16):
        losses = [local.update(inputs, labels).item() for _ in range(3)]
        assert local.predict(inputs).shape == (64,)
    assert losses == pytest.approx([plain.update(inputs, labels).item() for _ in range(3)], rel=0.05)


def test_combined_trunks_in_half_precision():
    inputs, labels = clusters(32)
    trunk = LocalHSIC(mlp().bfloat16(), inputs[:1].bfloat16(), target_encoder=OneHot(CLASSES), readout=None)
    combined = CombinedTrunks([trunk], target_encoder=OneHot(CLASSES))
    assert combined.update(inputs.bfloat16(), labels).isfinite()
    assert combined.predict(inputs.bfloat16()).shape == (32,)


def reader(**settings: Any) -> LocalHSIC:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Embedding(10, 8), nn.Flatten(), nn.Linear(24, 16), nn.ReLU())
    tokens = torch.zeros(1, 3, dtype=torch.long)
    return LocalHSIC(network, tokens, target_encoder=OneHot(CLASSES), **settings)


TOKENS = torch.randint(10, (32, 3), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("settings", [{"estimator": "ridge"}, {"estimator": "normalized_hsic", "beta": math.inf}])
def test_tokens_are_learnt_from_without_a_term_of_the_inputs(settings: dict[str, Any]):
    local = reader(**settings)
    assert len(local.trunk.blocks) == 2
    before = numbers(local.trunk)
    local.update(TOKENS, torch.arange(32) % CLASSES)
    assert not are_equal(before, numbers(local.trunk))


@pytest.mark.parametrize("estimator", ["normalized_hsic", "hsic", "linear_hsic"])
def test_a_term_of_tokens_is_refused_by_name(estimator: str):
    local = reader(estimator=estimator, beta=5.0)
    with pytest.raises(TypeError, match=re.escape("leave their term out (beta=math.inf, lambda_x=0)")):
        local.update(TOKENS, torch.arange(32) % CLASSES)


# The regulariser.

INPUTS_OF_32, LABELS = clusters(32)


def regularised(inputs: Tensor = INPUTS_OF_32, targets: Tensor | None = None, **settings: Any) -> Tensor:
    """The regulariser's value, once its gradient has been sent back."""
    network = plain_mlp().to(inputs.dtype)
    regulariser = HSICRegularizer(network, [network[1]], **settings)
    regulariser.targets = targets
    network(inputs).float().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    assert regulariser.value is not None
    return regulariser.value


@pytest.mark.parametrize("magnitude", [1e4, 1e5, 1e10])
def test_an_odd_sample_is_regularised(magnitude: float):
    inputs, _ = with_odd_one(magnitude)
    single, double = (regularised(inputs.to(kind), lambda_x=1.0) for kind in (torch.float32, torch.float64))
    assert single.item() == pytest.approx(double.item(), rel=2e-3)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_activations_in_half_precision_are_regularised(half: torch.dtype):
    assert regularised(INPUTS_OF_32.to(half), lambda_x=1.0).item() == pytest.approx(
        regularised(lambda_x=1.0).item(), rel=0.02
    )


def test_class_labels_are_one_hot_columns():
    columns = nn.functional.one_hot(LABELS, CLASSES).float()
    assert torch.equal(
        regularised(targets=LABELS, lambda_y=1.0, classes=CLASSES), regularised(targets=columns, lambda_y=1.0)
    )
    with pytest.raises(TypeError, match=r"real numbers, got torch\.int64: one-hot class labels"):
        regularised(targets=LABELS, lambda_y=1.0)
    with pytest.raises(ValueError, match=r"labels are whole numbers from 0 to 2; got torch\.int64 from 0 to 3"):
        regularised(targets=LABELS, lambda_y=1.0, classes=3)


def test_numbers_may_come_without_a_column():
    numbers_of_32 = INPUTS_OF_32[:, 0]
    expected = -normalized_hsic(gaussian_kernel(plain_mlp()[:2](INPUTS_OF_32)), gaussian_kernel(numbers_of_32[:, None]))
    torch.testing.assert_close(regularised(targets=numbers_of_32, lambda_y=1.0), expected, rtol=1e-3, atol=1e-3)


def test_a_regulariser_refuses_what_is_no_number():
    inputs = INPUTS_OF_32.clone()
    inputs[0, 0] = math.nan
    with pytest.raises(ValueError, match="samples reach a magnitude of nan"):
        regularised(inputs, lambda_x=1.0)


def test_a_single_sample_is_not_regularised():
    assert regularised(INPUTS_OF_32[:1], lambda_x=1.0).item() == 0


# Targets.


@pytest.mark.parametrize("mean", [1e4, -1e6])
def test_targets_far_from_zero_are_standardised(mean: float):
    """E[y²] - E[y]² in single precision says that 10,000 ± 1 is 10,000 ± 2.8."""
    drawn = 2 * torch.randn(4096, 1, generator=torch.Generator().manual_seed(0))
    encoder = Standardized()
    columns = torch.cat([encoder(batch) for batch in (drawn + mean).split(64)])
    last = columns[-1024:]
    assert encoder.deviation.item() == pytest.approx(2, rel=0.05)
    assert last.mean().abs() < 0.15
    assert last.std().item() == pytest.approx(1, rel=0.1)
    torch.testing.assert_close(encoder.decode(encoder(drawn[:9] + mean)), drawn[:9] + mean)


def test_targets_that_drift_away_are_standardised():
    generator, encoder = torch.Generator().manual_seed(0), Standardized(2, horizon=256.0)
    for step in range(400):
        encoder(3 * torch.randn(32, 2, generator=generator) + torch.tensor([0.0, min(200.0 * step, 2e4)]))
    assert encoder.deviation.tolist() == pytest.approx([3, 3], rel=0.15)


def test_constants_are_zero_wherever_they_are():
    encoder = Standardized(3)
    for _ in range(5):
        columns = encoder(torch.tensor([0.1, 12345.678, -3e7]).expand(50, 3))
    assert encoder.deviation.tolist() == [1, 1, 1]
    assert columns[:, 0].abs().max() < 1e-6


def test_targets_may_be_whole_or_half_numbers():
    assert Standardized()(torch.tensor([1, 3])).tolist() == [[-1.0], [1.0]]
    assert Standardized()(torch.tensor([1.0, 3.0]).bfloat16()).dtype == torch.float32


def test_targets_that_are_no_numbers_are_refused_before_they_are_taken_in():
    encoder = Standardized()
    encoder(torch.tensor([1.0, 3.0]))
    before = numbers(encoder)
    with pytest.raises(ValueError, match="targets reach a magnitude of nan"):
        encoder(torch.tensor([1.0, math.nan]))
    assert are_equal(before, numbers(encoder))
    assert encoder.fading.weight == 2


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.5, 1.0]])
def test_labels_out_of_range_are_refused(labels: list[float]):
    with pytest.raises(ValueError, match="labels are whole numbers from 0 to 2; got torch"):
        OneHot(3)(torch.tensor(labels))
