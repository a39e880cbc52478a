"""What a policy says, and how far it moved, by numbers worked out by hand and by torch's distributions."""

import math

import pytest
import torch
from torch.distributions import Categorical, Normal, kl_divergence

from plastic_rl.diagnostics import (
    categorical_entropy,
    categorical_kl,
    changed_share,
    clip_share,
    feature_change,
    feature_shift,
    gaussian_kl,
    logit_range,
    probability_churn,
    ratios,
    value_churn,
)

EVEN = torch.zeros(1, 2)
SKEWED = torch.tensor([[math.log(3.0), 0.0]])  # probabilities 3/4 and 1/4


def test_the_size_of_logits_does_not_see_a_shift():
    logits = torch.tensor([[1.0, 3.0, -1.0], [0.0, 0.0, 0.0]])
    assert logit_range(logits).item() == 2  # 4 and 0
    assert logit_range(logits + 7).item() == 2


def test_entropy_and_divergence_of_two_actions():
    assert categorical_entropy(EVEN).item() == pytest.approx(math.log(2))
    assert categorical_entropy(SKEWED).item() == pytest.approx(math.log(4) - 0.75 * math.log(3))
    # ½ log(½ / ¾) + ½ log(½ / ¼) = ½ log(4/3)
    assert categorical_kl(EVEN, SKEWED).item() == pytest.approx(0.5 * math.log(4 / 3))
    assert categorical_kl(SKEWED, SKEWED + 5).item() == pytest.approx(0, abs=1e-6)
    expected = kl_divergence(Categorical(logits=SKEWED), Categorical(logits=EVEN))
    assert categorical_kl(SKEWED, EVEN).item() == pytest.approx(expected.item())


def test_the_divergence_of_normal_distributions_is_the_sum_over_actions():
    before, after = (torch.zeros(1, 2), torch.ones(1, 2)), (torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 2.0]]))
    # ½ of the first mean's shift; log 2 + 1/8 - 1/2 of the second spread.
    assert gaussian_kl(before, after).item() == pytest.approx(0.5 + math.log(2) - 0.375)
    assert gaussian_kl(before, after).item() == pytest.approx(
        kl_divergence(Normal(*before), Normal(*after)).sum().item()
    )


def test_ratios_and_the_share_that_is_clipped():
    ratio = ratios(torch.log(torch.tensor([0.5, 0.6, 0.9])), torch.log(torch.tensor([0.5, 0.5, 0.6])))
    torch.testing.assert_close(ratio, torch.tensor([1.0, 1.2, 1.5]))
    assert clip_share(torch.tensor([1.0, 1.1, 1.5, 0.7]), 0.2).item() == 0.5


def test_churn_is_what_changes_in_actions_and_values():
    assert probability_churn(EVEN, SKEWED).item() == pytest.approx(0.25)
    assert changed_share(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 1.0], [2.0, 1.0]])).item() == 0.5
    assert value_churn(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 0.0])).item() == 1.5


def test_features_change_in_direction_and_in_size():
    before = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    after = torch.tensor([[0.0, 1.0], [3.0, 0.0], [0.0, 0.0]])
    assert feature_change(before, after).item() == pytest.approx(1 / 3)  # a quarter turn, none, and nothing at all
    assert feature_shift(before, after).item() == pytest.approx((2 + 4) / 2)
