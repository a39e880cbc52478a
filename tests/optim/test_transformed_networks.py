"""Networks that change their numbers, run inside function transforms, or are scripted and exported, while watched."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ContinualBackprop, unwatched
from tests.optim.networks import X, are_equal, mlp, numbers, remembered, step, three_unit_layer, three_units

SETTINGS: list[dict[str, Any]] = [
    {},
    {"mode": "lazy", "utility": "adaptable_contribution", "move_mean_to_bias": True},
    {"mode": "instant", "utility": "mean_corrected"},
    {"utility": "weight"},
    {"utility": "adaptation", "mode": "lazy"},
]


def watched(network: nn.Module, **settings: Any) -> ContinualBackprop:
    settings = {"replacement_rate": 1 / 16, "maturity_threshold": 2, "seed": 1, **settings}
    layers = hidden_layers(network, torch.zeros(1, 6, dtype=next(network.parameters()).dtype))
    return ContinualBackprop(torch.optim.SGD(network.parameters(), lr=0.01), layers, **settings)


def train(network: nn.Module, optimizer: ContinualBackprop, steps: int, dtype: torch.dtype = torch.float32) -> None:
    data = torch.Generator().manual_seed(1)
    for _ in range(steps):
        step(network, optimizer, torch.randn(8, 6, generator=data).to(dtype))


# Numbers of another kind


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_method_follows_a_network_that_changes_its_numbers(dtype: torch.dtype, settings: dict[str, Any]):
    network = mlp()
    optimizer = watched(network, **settings)
    train(network, optimizer, 4)
    network.to(dtype)
    births = [kept.birth.clone() for kept in optimizer.watched]
    train(network, optimizer, 1, dtype)
    assert all((kept.birth == birth).sum() >= 15 for kept, birth in zip(optimizer.watched, births, strict=True))
    train(network, optimizer, 10, dtype)
    wide = torch.promote_types(dtype, torch.float32)
    assert {tensor.dtype for kept in optimizer.watched for tensor in (kept.average, *kept.means)} == {wide}
    assert optimizer.metrics()["cbp/replaced"] > 15
    assert all(value.isfinite().all() for value in numbers(network))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_network_in_sixteen_bits_can_be_wrapped(settings: dict[str, Any]):
    network = mlp().to(torch.bfloat16)
    optimizer = watched(network, **settings)
    train(network, optimizer, 12, torch.bfloat16)
    assert optimizer.metrics()["cbp/replaced"] > 15


def test_running_averages_of_sixteen_bits_do_not_stand_still():
    network = three_units().to(torch.bfloat16)
    optimizer = ContinualBackprop(
        torch.optim.SGD(network.parameters(), lr=0.0), three_unit_layer(network), replacement_rate=0.0
    )
    for _ in range(600):
        step(network, optimizer, X.to(torch.bfloat16))
    torch.testing.assert_close(remembered(optimizer)["average"], torch.tensor([4.0, 1.0, 1.5]), rtol=0.01, atol=0)


def test_a_network_without_numbers_is_named():
    network = mlp()
    optimizer = watched(network)
    network.to("meta")
    with pytest.raises(RuntimeError, match="the weights of `0` are on the meta device now"):
        optimizer.after_step()


@pytest.mark.gpu
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_method_follows_a_network_to_another_device(settings: dict[str, Any]):
    network = mlp()
    optimizer = watched(network, **settings)
    train(network, optimizer, 4)
    network.to("cuda")
    data = torch.Generator().manual_seed(1)
    for _ in range(10):
        step(network, optimizer, torch.randn(8, 6, generator=data).cuda())
    assert optimizer.metrics()["cbp/replaced"] > 15


# Function transforms


def by_functional_call(network: nn.Module, x: Tensor) -> None:
    functional_call(network, dict(network.named_parameters()), (x,)).square().mean().backward()


def by_grad(network: nn.Module, x: Tensor) -> None:
    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return functional_call(network, parameters, (x,)).square().mean()

    slopes = grad(loss)(dict(network.named_parameters()))
    for name, parameter in network.named_parameters():
        parameter.grad = slopes[name].detach()


def sample_by_sample(network: nn.Module, x: Tensor) -> None:
    def loss(parameters: dict[str, Tensor], one: Tensor) -> Tensor:
        return functional_call(network, parameters, (one[None],)).square().mean()

    slopes = vmap(grad(loss), (None, 0))(dict(network.named_parameters()), x)
    for name, parameter in network.named_parameters():
        parameter.grad = slopes[name].mean(0).detach()


def convnet() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 6, 2), nn.ReLU(), nn.Conv2d(6, 3, 2), nn.Flatten(), nn.Linear(12, 2))


@pytest.mark.parametrize("way", [by_functional_call, by_grad, sample_by_sample])
@pytest.mark.parametrize("convolves", [False, True], ids=["linear", "convolutional"])
def test_function_transforms_are_heard_as_the_network_itself(way: Callable[..., None], convolves: bool):
    results = []
    for run in (lambda network, x: network(x).square().mean().backward(), way):
        network = convnet() if convolves else mlp()
        x = torch.randn(4, 2, 4, 4) if convolves else torch.randn(4, 6)
        layers = hidden_layers(network, torch.zeros_like(x))
        sgd = torch.optim.SGD(network.parameters(), lr=0.0)
        settings = {"replacement_rate": 0.2, "maturity_threshold": 1, "utility": "mean_corrected"}
        optimizer = ContinualBackprop(sgd, layers, **settings)
        data = torch.Generator().manual_seed(0)
        for _ in range(4):
            optimizer.zero_grad()
            run(network, torch.randn(x.shape, generator=data))
            optimizer.step()
        results.append([*(kept.average for kept in optimizer.watched), *numbers(network)])
        assert optimizer.metrics()["cbp/replaced"] > 0
    torch.testing.assert_close(results[0], results[1])


# Scripts, traces and files


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_watched_network_cannot_be_scripted_and_this_is_said_with_the_way_out():
    network = mlp()
    optimizer = watched(network)
    with pytest.raises(AttributeError, match=r"with plastic_rl.optim.unwatched\(network\):"):
        torch.jit.script(network)
    with unwatched(network):
        scripted = torch.jit.script(network)
    assert torch.equal(scripted(X[:, :1].expand(2, 6)), network(X[:, :1].expand(2, 6)))
    train(network, optimizer, 8)
    assert optimizer.metrics()["cbp/replaced"] > 5


def test_hooks_come_back_in_their_order_and_those_of_others_stay():
    network, calls = mlp(), []
    network[2].register_forward_pre_hook(lambda *_: calls.append("before"))
    watched(network)
    gone = network[2].register_forward_pre_hook(lambda *_: calls.append("gone"))
    network[2].register_forward_pre_hook(lambda *_: calls.append("after"))
    order = list(network[2]._forward_pre_hooks)
    with unwatched(network):
        assert len(network[2]._forward_pre_hooks) == 3
        gone.remove()
        network[2].register_forward_pre_hook(lambda *_: calls.append("new"))
    assert list(network[2]._forward_pre_hooks)[:3] == [number for number in order if number != gone.id]
    calls.clear()
    network(torch.ones(1, 6))
    assert calls == ["before", "after", "new"]


def trace(network: nn.Module) -> None:
    torch.jit.trace(network, torch.ones(1, 6))


def export(network: nn.Module) -> None:
    torch.export.export(network, (torch.ones(2, 6),))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("look", [trace, export])
def test_tracing_and_exporting_leave_no_trace(look: Callable[[nn.Module], None]):
    results = []
    for looks in (False, True):
        network = mlp()
        optimizer = watched(network)
        train(network, optimizer, 5)
        if looks:
            look(network)
        train(network, optimizer, 5)
        results.append([*numbers(network), *(kept.average for kept in optimizer.watched)])
    assert are_equal(*results)


def test_a_network_saved_whole_takes_no_hook_along_if_it_is_saved_unwatched():
    network, file = mlp(), io.BytesIO()
    layers: list[HiddenLayer] = watched(network).layers
    with unwatched(network):
        torch.save(network, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert not any(module._forward_pre_hooks for module in loaded.modules())
    assert all(port.layer._forward_pre_hooks for layer in layers for port in layer.read_by)
