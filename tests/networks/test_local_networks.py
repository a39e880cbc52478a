"""The networks of local training: by hand, in blocks, and what they do not take."""

import pytest
import torch
from torch import nn

from plastic_rl.networks import LocalMLP, ResidualConv
from plastic_rl.networks.normalization import LenientBatchNorm
from plastic_rl.nn.local import find_blocks


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_a_perceptron_is_a_sequence_of_normalised_blocks():
    network = LocalMLP((1, 2, 3), [5, 4])
    assert count(network) == (6 * 5 + 5) + (5 * 4 + 4)
    kinds = [[type(layer) for layer in block] for block in find_blocks(network)]
    block = [nn.Linear, LenientBatchNorm, nn.ReLU]
    assert kinds == [[nn.Flatten, *block], block]
    assert network(torch.rand(7, 1, 2, 3)).shape == (7, 4)


def test_layer_normalisation_takes_a_batch_of_one_and_ends_in_the_activation_asked_for():
    network = LocalMLP((3,), [4], normalization="layer", activation=nn.Tanh)
    features = torch.atanh(network(torch.rand(1, 3)))
    assert features.mean().item() == pytest.approx(0, abs=1e-5)
    assert features.std(correction=0).item() == pytest.approx(1, abs=1e-2)


# Places that the first convolution leaves: (28 - 5) / 2 + 1 rounded down is 12, (32 - 5) / 2 + 1 is 14 (the paper's
# 144 · 64 = 9216 and 196 · 64 = 12544 features).
@pytest.mark.parametrize(("shape", "features"), [((1, 28, 28), 9216), ((3, 32, 32), 12544), ((1, 5, 6), 64)])
def test_the_residual_network_has_the_papers_shape(shape, features):
    network = ResidualConv(shape)
    blocks = find_blocks(network)
    assert len(blocks) == 7
    # The dense layer's; then one in the image's colours and five with 64 channels, of 5 x 5 taps and a bias.
    assert network[-3].in_features == features
    dense, first = features * 512 + 512, 64 * (shape[0] * 25 + 1)
    assert count(network) == dense + first + 5 * 64 * (64 * 25 + 1)
    assert network.eval()(torch.rand(2, *shape)).shape == (2, 512)


def test_a_residual_block_adds_its_input():
    block = ResidualConv((1, 8, 8), blocks=1, channels=2)[3].eval()
    nn.init.zeros_(block.conv.weight)
    nn.init.zeros_(block.conv.bias)
    x = torch.randn(1, 2, 3, 3)
    assert torch.allclose(block(x), x.relu(), atol=1e-4)  # fresh running statistics: 1 / sqrt(1 + 1e-5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LocalMLP((3,), []), r"at least one unit are expected, got widths \[\]"),
        (lambda: LocalMLP((3,), [4, 0]), r"got widths \[4, 0\] for inputs \(3,\)"),
        (lambda: LocalMLP((3,), [4], normalization="group"), "must be one of batch, layer; got 'group'"),
        (lambda: ResidualConv((12,)), r"takes images .* got inputs of \(12,\)"),
        (lambda: ResidualConv((1, 4, 9)), "5 x 5 or more"),
    ],
)
def test_what_makes_no_network_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
