"""The published algorithm, transcribed independently, replaces the same units and ends at the same weights."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop
from tests.optim.algorithm_one import AlgorithmOne, Network
from tests.optim.networks import remembered

STEPS, LEARNING_RATE, BATCH = 2000, 0.05, 4


class Draws:
    """The same fresh weights for both: one stream for each fan-in, of a reach that both are told."""

    def __init__(self) -> None:
        self.streams = defaultdict(lambda: np.random.default_rng(11))

    def __call__(self, units: int, fan_in: int) -> np.ndarray:
        return self.streams[fan_in].uniform(-1, 1, (units, fan_in)) / np.sqrt(fan_in)

    def initialise(self, tensor: Tensor, generator: torch.Generator | None = None) -> Tensor:
        fresh = self(len(tensor), tensor[0].numel())
        return tensor.copy_(torch.from_numpy(fresh).view(tensor.shape))


def chance(layer: int, step: int) -> float:
    return np.random.default_rng([layer, step]).random()


def torch_network(*, convolves: bool) -> nn.Sequential:
    torch.manual_seed(3)
    first = nn.Conv2d(1, 6, 3) if convolves else nn.Linear(5, 12)
    flat = 6 * 4 if convolves else 12
    layers = [first, nn.Tanh(), nn.Flatten(), nn.Linear(flat, 10), nn.Tanh(), nn.Linear(10, 2)]
    return nn.Sequential(*layers).double()


def numpy_network(network: nn.Sequential, *, convolves: bool) -> Network:
    ends = [layer for layer in network if isinstance(layer, nn.Linear | nn.Conv2d)]
    weights = [layer.weight.detach().flatten(1).numpy().copy() for layer in ends]
    return Network(weights, [layer.bias.detach().numpy().copy() for layer in ends], convolves=convolves)


def examples(convolves: bool):
    rng = np.random.default_rng(5)
    teacher = rng.normal(size=(2, 16 if convolves else 5))
    for step in range(STEPS):
        x = rng.normal(size=(BATCH, 4, 4) if convolves else (BATCH, 5)) + (step // 500)
        yield x, np.sin(x.reshape(BATCH, -1) @ teacher.T)


@pytest.mark.parametrize(
    ("convolves", "utility", "rounding"),
    [
        (False, "contribution", "accumulate"),
        (False, "adaptable_contribution", "bernoulli"),
        pytest.param(True, "contribution", "bernoulli", marks=pytest.mark.slow),
        (True, "adaptable_contribution", "accumulate"),
        pytest.param(False, "contribution", "bernoulli", marks=pytest.mark.slow),
        pytest.param(False, "adaptable_contribution", "accumulate", marks=pytest.mark.slow),
        pytest.param(True, "contribution", "accumulate", marks=pytest.mark.slow),
        pytest.param(True, "adaptable_contribution", "bernoulli", marks=pytest.mark.slow),
    ],
)
def test_the_published_algorithm_gives_the_same_replacements_and_weights(
    convolves: bool, utility: str, rounding: str, monkeypatch: pytest.MonkeyPatch
):
    settings = {"replacement_rate": 0.004, "maturity_threshold": 60, "decay_rate": 0.97, "utility": utility}
    network = torch_network(convolves=convolves)
    transcription = AlgorithmOne(
        numpy_network(network, convolves=convolves), **settings, rounding=rounding, draw=Draws(), chance=chance
    )
    layers = hidden_layers(network, torch.zeros((1, 1, 4, 4) if convolves else (1, 5)).double())
    order = {layer.name: place for place, layer in enumerate(layers)}
    monkeypatch.setattr(ContinualBackprop, "_chance", lambda _, layer, budget, step: chance(order[layer.name], step))
    optimizer = ContinualBackprop(
        torch.optim.SGD(network.parameters(), LEARNING_RATE),
        layers,
        **settings,
        rounding=rounding,
        initialiser=Draws().initialise,
        audit_size=10_000,
    )
    for x, y in examples(convolves):
        transcription.step(x, y, LEARNING_RATE)
        optimizer.zero_grad()
        output = network(torch.from_numpy(x[:, None] if convolves else x))
        nn.functional.mse_loss(output, torch.from_numpy(y)).backward()
        optimizer.step()

    ours = sorted((each.step, order[each.layer], each.unit) for each in optimizer.replacements())
    theirs = sorted((step, layer, unit) for step, layer, units in transcription.replaced for unit in units)
    assert ours == theirs
    assert len(ours) > 60
    mine, theirs = numpy_network(network, convolves=convolves), transcription.network
    averages = [remembered(optimizer, layer.name)["average"].numpy() for layer in layers]
    for a, b in [(mine.weights, theirs.weights), (mine.biases, theirs.biases), (averages, transcription.u)]:
        for one, other in zip(a, b, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
