"""The LeNet of Additive Parameter Decomposition."""

import pytest
import torch
from torch import nn

from plastic_rl.networks import LeNet


def weights(network):
    return [parameter.numel() for parameter in network.parameters() if parameter.ndim > 1]


def test_it_has_the_published_number_of_weights():
    """5·5·3·20 + 5·5·20·50 + 3200·800 + 800·500 = 2,986,500, the denominator of APD's capacity; then the head."""
    assert weights(LeNet(10)) == [1_500, 25_000, 2_560_000, 400_000, 5_000]
    assert sum(weights(LeNet(10))[:-1]) == 2_986_500


def test_the_omniglot_size_reads_grey_images_of_28_pixels():
    network = LeNet(12, shape=(1, 28, 28), channels=(4, 6), units=(10, 8))
    assert weights(network) == [100, 600, 6 * 7 * 7 * 10, 80, 96]
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 12)


def test_pooling_is_the_same_padding_of_tensorflow():
    """Of eight places: windows of three from places 0, 2, 4 and 6, the last of which ends at the end."""
    pool = next(module for module in LeNet() if isinstance(module, nn.MaxPool2d))
    row = torch.tensor([9.0, 1, 2, 3, 4, 5, 6, 7]).expand(1, 1, 8, 8)
    assert pool(row)[0, 0, 0].tolist() == [9.0, 4.0, 6.0, 7.0]
    assert pool(row).shape == (1, 1, 4, 4)


def test_normalisation_is_that_of_tensorflow():
    """x / (1 + α/9 · the sum of squares over nine channels about it) ** 0.75, with α = 0.001."""
    norm = next(module for module in LeNet() if isinstance(module, nn.LocalResponseNorm))
    x = torch.arange(1.0, 21.0).view(1, 20, 1, 1) * 10
    about = torch.arange(5, 14) + 1  # of channel 9: those from 5 to 13
    expected = 100 / (1 + 0.001 / 9 * (about * 10.0).square().sum()) ** 0.75
    assert norm(x)[0, 9].item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_size_that_cannot_be_halved_twice_is_refused():
    with pytest.raises(ValueError, match="divisible by 4, got 30 x 32"):
        LeNet(shape=(3, 30, 32))
