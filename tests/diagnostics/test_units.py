"""Dormant and dead units, by numbers worked out by hand."""

import torch

from plastic_rl.diagnostics import dead, dormancy_score, dormant

# Mean |h| by unit: 2, 0.02, 0.98; the layer's mean is 1.
FEATURES = torch.tensor([[1.0, 0.0, -0.96], [3.0, 0.04, 1.0]])


def test_dormancy_is_relative_to_the_layer():
    torch.testing.assert_close(dormancy_score(FEATURES), torch.tensor([2.0, 0.02, 0.98]))
    assert dormant(FEATURES).tolist() == [False, True, False]


def test_the_threshold_belongs_to_the_dormant():
    assert dormant(FEATURES, threshold=dormancy_score(FEATURES)[2].item()).tolist() == [False, True, True]


def test_dormancy_does_not_depend_on_the_scale():
    torch.testing.assert_close(dormancy_score(1e3 * FEATURES), dormancy_score(FEATURES))


def test_dead_units_are_hardly_ever_above_zero():
    features = -torch.ones(200, 3)
    features[:2, 1] = 1.0  # active on 1 % of the samples
    features[:3, 2] = 1.0  # on 1.5 %
    assert dead(features).tolist() == [True, True, False]


def test_a_silent_layer_is_wholly_dormant():
    assert dormant(torch.zeros(4, 3)).all()
