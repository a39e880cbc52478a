"""In every network of the zoo a newborn unit is silent, and what is found is what the architecture says."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer, assert_function_preserving, hidden_layers
from plastic_rl.layers.proof import is_silent
from plastic_rl.networks import ConvNet, ResNet18
from plastic_rl.networks.resnet import authors_pairing
from plastic_rl.optim import ContinualBackprop
from tests.layers import zoo
from tests.layers.zoo import ZOO


def find(name: str) -> tuple[nn.Module, tuple, dict[str, HiddenLayer]]:
    torch.manual_seed(0)
    network, example = ZOO[name]()
    return network, example, {layer.name: layer for layer in hidden_layers(network, *example)}


def test_the_zoo_is_large():
    assert len(ZOO) >= 30


@pytest.mark.parametrize("name", ZOO)
def test_newborn_units_are_silent(name: str):
    network, example, layers = find(name)
    silent = [layer for layer in layers.values() if not layer.is_audible]
    assert silent
    assert_function_preserving(network, silent, *example)


@pytest.mark.parametrize("name", ZOO)
def test_units_that_are_read_are_heard(name: str):
    """The proof proves something: with one reader passed over, newborn units move the output."""
    network, example, layers = find(name)
    for layer in layers.values():
        others = HiddenLayer(layer.name, layer.produced_by[0], layer.read_by, layer.produced_by[1:], layer.normed_by)
        object.__setattr__(others, "read_by", others.read_by[1:])
        assert not is_silent(network, others, *example)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_training_with_replacements_runs_and_newborn_units_stay_silent(name: str, kind: str):
    network, example, layers = find(name)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    inner = torch.optim.SGD(parameters, 1e-3, momentum=0.9) if kind == "sgd" else torch.optim.Adam(parameters, 1e-3)
    optimizer = ContinualBackprop(inner, layers.values(), replacement_rate=0.4, maturity_threshold=1)
    for _ in range(4):
        optimizer.zero_grad()
        outputs = [output for output in zoo_outputs(network, example) if output.requires_grad]
        torch.stack([output.float().square().mean() for output in outputs]).sum().backward()
        optimizer.step()
    metrics = optimizer.metrics()
    assert all(metrics[f"cbp/replaced/{layer}"] > 0 for layer in layers)
    assert all(torch.isfinite(parameter).all() for parameter in parameters)


def zoo_outputs(network: nn.Module, example: tuple) -> list[Tensor]:
    from plastic_rl.layers.tracing import tensors_in

    return tensors_in(network(*copy.deepcopy(example)))


def names(layer: HiddenLayer) -> tuple[set[str], set[str]]:
    return {port.name for port in layer.produced_by}, {port.name for port in layer.read_by}


@pytest.mark.parametrize(("name", "rows"), [("ppo, crelu", [4, 3, 4, 3]), ("sac critics, fourier", [4, 3, 4, 3])])
def test_a_unit_that_gives_two_numbers_is_read_at_two_columns(name: str, rows: list[int]):
    _, _, layers = find(name)
    for layer, units in zip(layers.values(), rows, strict=True):
        assert layer.units == units
        assert all(port.index.tolist() == [[unit, unit + units] for unit in range(units)] for port in layer.read_by)


def test_a_gated_perceptron_has_two_rows_for_each_unit():
    _, _, layers = find("gated")
    assert names(layers["gate"]) == ({"gate", "up"}, {"out"})
    _, _, layers = find("gated, fused")
    assert layers["fused"].produced_by[0].index.tolist() == [[unit, 5 + unit] for unit in range(5)]


@pytest.mark.parametrize("name", ["vit", "vit, fused qkv"])
def test_the_values_of_attention_are_units_and_its_queries_and_keys_are_not(name: str):
    _, _, layers = find(name)
    assert set(layers) == {"patch", "mlp.0", "attention.qkv" if "fused" in name else "attention.parts.2"}
    if "fused" in name:
        assert layers["attention.qkv"].produced_by[0].index.flatten().tolist() == list(range(16, 24))
    assert layers["patch"].is_audible
    assert names(layers["patch"])[0] == {"patch", "attention.out", "mlp.2"}


def test_torchs_own_encoder_has_values_and_a_perceptron_in_each_block():
    _, _, layers = find("transformer encoder, pre-norm")
    assert [layer.units for layer in layers.values()] == [8, 12, 12, 8, 8]
    values = layers["encoder.layers.0.self_attn.values"]
    assert values.produced_by[0].index.flatten().tolist() == list(range(16, 24))


@pytest.mark.parametrize(("name", "gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
def test_a_recurrent_unit_has_a_row_for_each_gate_and_reads_itself(name: str, gates: int):
    _, _, layers = find(name)
    layer = layers["recurrent"]
    assert [port.weight_name for port in layer.produced_by] == ["weight_ih_l0", "weight_hh_l0"]
    assert layer.produced_by[0].index.tolist() == [[unit + 5 * gate for gate in range(gates)] for unit in range(5)]
    assert names(layer)[1] == {"out", "recurrent.recurrence"}


def test_a_written_recurrent_layer_is_the_one_that_is_found():
    network, example, layers = find("lstm")
    written = HiddenLayer("recurrent", network.recurrent, [network.out])
    for mine, found in zip(written.produced_by + written.read_by, layers["recurrent"].produced_by + layers["recurrent"].read_by, strict=True):  # fmt: skip  # noqa: E501
        assert mine.weight_name == found.weight_name
        assert torch.equal(mine.index, found.index)
    assert_function_preserving(network, [written], *example)


def test_tied_layers_are_one():
    _, _, layers = find("tied")
    assert names(layers["left"]) == ({"left", "right"}, {"first", "second"})
    assert len(layers["left"].parameters()) == 5  # one weight, two biases, two readers


def test_units_of_a_grouped_convolution_own_columns_of_their_group_alone():
    _, _, layers = find("grouped and depthwise")
    reader = layers["0"].read_by[0]  # 8 channels in 4 groups of 2, read by 3 rows each
    before = reader.parameter.detach().clone()
    reader_columns = reader.columns(torch.tensor([5]))
    with torch.no_grad():
        reader.silence(torch.tensor([5]))  # the second channel of the third group
    changed = (before != reader.parameter).nonzero()
    assert {(row, column) for row, column, *_ in changed.tolist()} == {(6, 1), (7, 1), (8, 1)}
    assert len(reader_columns) == 3 * 9
    summed = before.abs().view(4, 3, 2, 9).sum((1, 3)).flatten()
    assert torch.allclose(before.new_tensor(reader_weight_sums(before)), summed)
    assert [layer.units for layer in layers.values()] == [8, 12, 12, 4]


def reader_weight_sums(weight: Tensor) -> list[float]:
    """Σ|w| of each of 8 input channels, one by one."""
    return [weight[3 * (c // 2) : 3 * (c // 2) + 3, c % 2].abs().sum().item() for c in range(8)]


def test_a_residual_group_of_resnet_18_has_all_producers_readers_and_norms():
    _, _, layers = find("resnet-18")
    producers, readers = names(layers["blocks.2.conv2"])
    assert producers == {"blocks.2.conv2", "blocks.2.skip.0", "blocks.3.conv2"}
    assert readers == {"blocks.3.conv1", "blocks.4.conv1", "blocks.4.skip.0"}
    assert {port.name for port in layers["blocks.2.conv2"].normed_by} == {"blocks.2.bn2", "blocks.2.skip.1", "blocks.3.bn2"}  # fmt: skip  # noqa: E501
    assert sum(layer.units for layer in layers.values()) == (64 + 3 * 64 + 3 * 128 + 3 * 256 + 3 * 512 - 64) // 8


def test_the_papers_pairing_of_resnet_18_is_reproduced_and_heard_on_the_residual_stream():
    """The authors' code takes each convolution to be read by the next: 17 layers, 3,904 channels."""
    network = ResNet18()
    layers = authors_pairing(network)
    assert (len(layers), sum(layer.units for layer in layers)) == (17, 3904)
    small = ResNet18(10, width=8)
    heard = {layer.name for layer in authors_pairing(small) if not is_silent(small, layer, torch.randn(2, 3, 16, 16))}
    on_the_stream = {"conv1"} | {f"blocks.{place}.conv2" for place in range(7)}
    assert heard == on_the_stream  # the last block's output is read by the linear layer alone


def test_the_published_networks_have_the_published_sizes():
    assert sum(parameter.numel() for parameter in ConvNet().parameters()) == 177_218
    found = hidden_layers(ConvNet(), torch.zeros(1, 3, 32, 32))
    assert [layer.units for layer in found] == [32, 64, 128, 128, 128]
    assert found[2].read_by[0].index.shape == (128, 4)


class Functional(nn.Module):
    """Norms its units without a module, so that nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.out = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(nn.functional.layer_norm(self.inward(x), (3,)))


def stacked_lstm() -> nn.Module:
    return zoo.Recurrent(lambda inputs, units, **settings: nn.LSTM(inputs, units, num_layers=2, **settings))


@pytest.mark.parametrize(
    ("network", "example", "message"),
    [
        (Functional(), torch.ones(2, 4), "`inward`: its units are mixed before any layer reads them"),
        (stacked_lstm(), torch.ones(2, 4, 3), "`recurrent`: a LSTM of several layers or directions"),
        (
            nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), nn.ReLU(), nn.Linear(3, 2)),
            torch.ones(2, 4),
            "`0`: its weight is computed from other parameters",
        ),
        (
            nn.Sequential(nn.Linear(4, 3), nn.Softmax(1), nn.Linear(3, 2)),
            torch.ones(2, 4),
            "`0`: its units are mixed before any layer reads them",
        ),
    ],
    ids=["functional norm", "stacked lstm", "weight norm", "softmax"],
)
def test_what_cannot_be_replaced_is_refused_by_name(network: nn.Module, example: Tensor, message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        hidden_layers(network, example)


def test_group_norm_with_a_group_for_each_channel_mixes_nothing():
    for groups, is_audible in ((6, False), (2, True)):
        network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.GroupNorm(groups, 6), nn.ReLU(), nn.Conv2d(6, 2, 3))
        layer = hidden_layers(network, torch.randn(1, 1, 8, 8))[0]
        assert layer.is_audible is is_audible
        assert is_silent(network, layer, torch.randn(1, 1, 8, 8)) is not is_audible


def test_an_rms_norm_makes_newborn_units_audible():
    network = nn.Sequential(nn.Linear(4, 3), nn.RMSNorm(3), nn.Linear(3, 2))
    layer = hidden_layers(network, torch.ones(1, 4))[0]
    assert layer.is_audible
    assert layer.normed_by[0].index.tolist() == [[0], [1], [2]]
