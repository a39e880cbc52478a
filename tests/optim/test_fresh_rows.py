"""Initialisers of torch and of one's own are tried at construction, and right for the whole layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn
from torch.nn import init

from plastic_rl import initialisers
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.fresh_rows import drawing
from plastic_rl.optim.replacement import replace_units
from tests.optim.networks import are_equal, mlp, numbers, train


def one_argument(tensor: Tensor) -> Tensor:
    return tensor.normal_(0, 0.5)


def says_nothing(tensor: Tensor, generator: Generator | None = None) -> None:
    tensor.uniform_(-1, 1, generator=generator)


def with_a_width(tensor: Tensor, width: float = 0.1) -> Tensor:
    return tensor.uniform_(-width, width)


def generator_last(tensor: Tensor, width: float = 0.1, *, generator: Generator | None = None) -> Tensor:
    return tensor.uniform_(-width, width, generator=generator)


TAKEN: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(init, name) for name in ("orthogonal_", "normal_", "uniform_", "trunc_normal_", "zeros_", "ones_")
    },
    **{name: getattr(init, name) for name in ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_")},
    "xavier_normal_": init.xavier_normal_,
    "orthogonal_, gain": partial(init.orthogonal_, gain=math.sqrt(2)),
    "kaiming_uniform_, fan out": partial(init.kaiming_uniform_, mode="fan_out", nonlinearity="relu"),
    "constant_": partial(init.constant_, val=0.5),
    "sparse_": partial(init.sparse_, sparsity=0.5),
    "one argument": one_argument,
    "a lambda": lambda tensor: init.xavier_uniform_(tensor, gain=2.0),
    "says nothing": says_nothing,
    "with a width": with_a_width,
    "generator last": generator_last,
    **{name: getattr(initialisers, name) for name in ("lecun_uniform_", "orthogonal_row_", "kaiming_normal_")},
}
taken = pytest.mark.parametrize("initialiser", TAKEN.values(), ids=TAKEN.keys())


def run(initialiser: Callable[..., Any], steps: int = 8) -> tuple[nn.Module, ContinualBackprop]:
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    settings = {"replacement_rate": 1 / 16, "maturity_threshold": 2, "seed": 3, "initialiser": initialiser}
    optimizer = ContinualBackprop(torch.optim.SGD(network.parameters(), lr=0.01), layers, **settings)
    train(network, optimizer, steps)
    return network, optimizer


@taken
def test_it_is_taken_draws_from_the_method_alone_and_draws_the_same_again(initialiser: Callable[..., Any]):
    torch.manual_seed(5)
    results = []
    for _ in range(2):
        network, optimizer = run(initialiser)
        stream = torch.get_rng_state()
        assert optimizer.metrics()["cbp/replaced"] == 10
        results.append(numbers(network))
        run(partial(initialisers.lecun_uniform_))
        assert torch.equal(stream, torch.get_rng_state())
    assert are_equal(*results)


def newborn(network: nn.Sequential, initialiser: Callable[..., Any], units: Tensor, place: int = 0) -> Tensor:
    layer = HiddenLayer("layer", network[place], [network[place + 2]])
    replace_units(layer, units, [initialiser], Generator().manual_seed(0), None)
    return layer.produced_by[0].weight[units].detach()


def test_a_row_is_one_of_an_orthogonal_weight_of_the_layer():
    wide = nn.Sequential(nn.Linear(32, 8), nn.ReLU(), nn.Linear(8, 2))
    rows = newborn(wide, init.orthogonal_, torch.tensor([1, 5]))
    torch.testing.assert_close(rows @ rows.T, torch.eye(2), atol=1e-5, rtol=0)
    tall = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 2))
    rows = newborn(tall, init.orthogonal_, torch.arange(128))
    torch.testing.assert_close(
        rows.T @ rows, torch.eye(8), atol=1e-5, rtol=0
    )  # of few rows alone all would be of length 1
    assert rows[:4].norm(dim=1).max() < 0.6


@pytest.mark.parametrize(
    ("initialiser", "bound"),
    [
        (init.kaiming_uniform_, math.sqrt(6 / 400)),
        (partial(init.kaiming_uniform_, mode="fan_out"), math.sqrt(6 / 50)),
        (init.xavier_uniform_, math.sqrt(6 / 450)),
        (lambda tensor: init.xavier_uniform_(tensor, gain=1.0), math.sqrt(6 / 450)),
    ],
    ids=["fan in", "fan out", "both", "both, by a lambda"],
)
def test_fans_are_those_of_the_layer_and_not_of_the_few_rows(initialiser: Callable[..., Any], bound: float):
    network = nn.Sequential(nn.Linear(400, 50), nn.ReLU(), nn.Linear(50, 2))
    rows = newborn(network, initialiser, torch.tensor([7, 8]))
    assert 0.99 * bound < rows.abs().max().item() <= bound


def test_a_transposed_convolution_is_drawn_as_torch_draws_its_weight():
    network = nn.Sequential(nn.ConvTranspose2d(2, 200, 3), nn.ReLU(), nn.ConvTranspose2d(200, 1, 3))
    rows = newborn(network, init.kaiming_uniform_, torch.tensor([0, 3]))
    bound = math.sqrt(6 / (200 * 9))  # the fan that torch computes for a weight of shape (2, 200, 3, 3)
    assert rows.shape == (2, 2, 3, 3)
    assert 0.8 * bound < rows.abs().max().item() <= bound


def test_several_gates_of_an_lstm_are_not_drawn_alike():
    lstm, head = nn.LSTM(3, 4), nn.Linear(4, 1)
    layer = HiddenLayer("lstm", lstm, [head])
    replace_units(layer, torch.tensor([1]), [one_argument, one_argument], Generator().manual_seed(0), None)
    rows = lstm.weight_ih_l0[[1, 5, 9, 13]]
    assert len({tuple(row.tolist()) for row in rows}) == 4
    assert not torch.equal(lstm.weight_hh_l0[1, :3], lstm.weight_ih_l0[1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("initialiser", [init.orthogonal_, init.kaiming_normal_, initialisers.lecun_uniform_])
def test_it_draws_in_the_precision_of_the_network(initialiser: Callable[..., Any], dtype: torch.dtype):
    network = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)).to(dtype)
    rows = newborn(network, initialiser, torch.tensor([1]))
    assert rows.dtype == dtype
    assert rows.isfinite().all()
    assert rows.abs().max() > 0


def in_numpy(tensor: Tensor) -> np.ndarray:
    return np.zeros(tensor.shape)


def another_tensor(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    return torch.zeros_like(tensor)


def half(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    return tensor[:, :2].zero_()


@pytest.mark.parametrize(
    ("initialiser", "message"),
    [
        (
            init.dirac_,
            r"initialiser=dirac_ fails on the weight of `0`, of shape \(16, 6\) \(ValueError: Only",
        ),
        (init.constant_, r"initialiser=constant_ fails on the weight of `0`"),
        (init.sparse_, r"initialiser=sparse_ fails .*'sparsity'"),
        (
            in_numpy,
            r"initialiser=in_numpy does not fill the weight of `0`, of shape \(16, 6\), with numbers",
        ),
        (another_tensor, r"another_tensor does not fill the weight of `0`, of shape \(1, 6\)"),
        (half, r"half does not fill the weight"),
        (lambda: None, r"fails on the weight of `0`.*it must fill a tensor in place"),
    ],
    ids=["dirac", "constant", "sparse", "in numpy", "another tensor", "half", "no argument"],
)
def test_what_cannot_be_used_is_refused_at_construction(initialiser: Any, message: str):
    network = mlp()
    with pytest.raises(ValueError, match=message):
        ContinualBackprop(
            torch.optim.SGD(network.parameters(), lr=0.1),
            hidden_layers(network, torch.zeros(1, 6)),
            initialiser=initialiser,
        )


@pytest.mark.parametrize("word", ["orthogonal", 0.5])
def test_what_is_no_function_is_refused(word: object):
    with pytest.raises(TypeError, match=rf"initialiser must be a function that fills a tensor.*got {word!r}"):
        drawing(word)


@taken
def test_trying_it_leaves_the_network_and_the_global_stream_alone(initialiser: Callable[..., Any]):
    network = mlp()
    before, stream = numbers(network), torch.get_rng_state()
    ContinualBackprop(
        torch.optim.SGD(network.parameters(), lr=0.1),
        hidden_layers(network, torch.zeros(1, 6)),
        initialiser=initialiser,
    )
    assert are_equal(before, numbers(network))
    assert torch.equal(stream, torch.get_rng_state())
