"""A network that changes under a method is noticed before a replacement, and the method can go on with what is new."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.nn.additive import AdditiveDecomposition, AdditiveOptimizer
from plastic_rl.optim import ContinualBackprop, PlasticOptimizer, ShrinkPerturb, UnitsReplaced
from tests.contract.methods import METHODS, often
from tests.optim.networks import OPTIMIZERS, are_equal, mlp, numbers, step, train

X = torch.zeros(2, 6)
REPLACING = {name: method.on for name, method in METHODS.items() if method.replaces}
replacing = pytest.mark.parametrize("method", REPLACING.values(), ids=REPLACING.keys())


def found(network: nn.Module, *, ignore: tuple[str, ...] = ()) -> list[HiddenLayer]:
    return hidden_layers(network, X, ignore=ignore)


def adam(network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), lr=1e-2)


def eager(network: nn.Module, **settings: Any) -> ContinualBackprop:
    """Replaces a unit of each layer after each update."""
    settings = {"replacement_rate": 1 / 16, "maturity_threshold": 0, "seed": 7, **settings}
    return ContinualBackprop(adam(network), found(network), **settings)


def other_weight(network: nn.Sequential) -> None:
    network[2].weight = nn.Parameter(network[2].weight.detach().clone())


def wider_head(network: nn.Sequential) -> None:
    network[4] = nn.Linear(16, 4)


def equal_layer(network: nn.Sequential) -> None:
    network[2] = copy.deepcopy(network[2])


def old_weight_norm(network: nn.Sequential) -> None:
    with pytest.warns(FutureWarning):
        nn.utils.weight_norm(network[2])


def without_bias(network: nn.Sequential) -> None:
    network[2].bias = None


def assigned(network: nn.Sequential) -> None:
    network.load_state_dict(copy.deepcopy(network.state_dict()), assign=True)


CHANGES: dict[str, tuple[Callable[[nn.Sequential], Any], str]] = {
    "a head made wider": (wider_head, "`4` is another module, or gone"),
    "a layer replaced by another of equal shape": (equal_layer, "`2` is another module, or gone"),
    "a layer taken out": (lambda network: network.__delitem__(4), "`4` is another module, or gone"),
    "another weight": (other_weight, "`2` has another weight"),
    "weights assigned": (assigned, "`0` has another weight"),
    "pruned": (lambda network: prune.l1_unstructured(network[2], "weight", 0.3), "`2` has another weight, or computes"),
    "pruned head": (lambda network: prune.random_unstructured(network[4], "weight", 0.3), "`4` has another weight"),
    "weight norm": (lambda network: parametrizations.weight_norm(network[2]), "`2` has another weight, or computes"),
    "weight norm, old": (old_weight_norm, "`2` has another weight, or computes"),
    "spectral norm": (lambda network: parametrizations.spectral_norm(network[4]), "`4` has another weight"),
    "spectral norm, old": (lambda network: nn.utils.spectral_norm(network[2]), "`2` has another weight, or computes"),
    "a bias taken off": (without_bias, "weights around the units of `2` are gone"),
    "a layer added": (lambda network: network.append(nn.Linear(2, 2)), "`5` is new"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_noticed_before_a_replacement(change: Callable[[nn.Sequential], Any], message: str):
    notices(partial(often, replacement_rate=1 / 16, maturity_threshold=3), change, message)


@replacing
def test_every_method_notices(method: Callable[..., PlasticOptimizer]):
    notices(method, wider_head, "`4` is another module, or gone")


def notices(method: Callable[..., PlasticOptimizer], change: Callable[[nn.Sequential], Any], message: str) -> None:
    network, heard = mlp(), []
    optimizer = method(adam(network), found(network))
    train(network, optimizer, 3)
    optimizer.on_replacement(heard.append)
    change(network)
    add_new(network, optimizer)
    with pytest.raises(RuntimeError, match=rf"{re.escape(message)}.*reattach\(hidden_layers\(network, example\)\)"):
        train(network, optimizer, 3)
    assert heard == []


def add_new(network: nn.Module, optimizer: PlasticOptimizer) -> None:
    """Gives an optimiser the parameters of a network that it does not have yet."""
    known = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    new = [parameter for parameter in network.parameters() if id(parameter) not in known]
    if new:
        optimizer.add_param_group({"params": new})


class Twins(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.head = nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 2)
        self.right.weight = self.left.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.left(x).relu() + self.right(x).tanh())


def test_a_tied_weight_that_is_untied_is_noticed():
    network = Twins()
    optimizer = eager(network)
    train(network, optimizer, 2)
    network.right.weight = nn.Parameter(network.left.weight.detach().clone())
    add_new(network, optimizer)
    with pytest.raises(RuntimeError, match="`right` has another weight"):
        train(network, optimizer, 2)


def test_memory_that_is_taken_anew_is_the_same_weight():
    network = mlp()
    optimizer = eager(network)
    network.to_empty(device="cpu")
    network.load_state_dict(mlp(seed=3).state_dict())
    train(network, optimizer, 3)
    assert optimizer.metrics()["cbp/replaced"] == 6


def test_a_network_that_runs_through_a_copy_is_not_heard():
    network = mlp()
    optimizer = eager(network)
    double = copy.deepcopy(network)
    for parameter, twin in zip(network.parameters(), double.parameters(), strict=True):
        twin.data = parameter.data
    double(torch.ones(2, 6)).sum().backward()
    with pytest.raises(RuntimeError, match=r"units of `0` are due, but what reads them \(2\) has not run"):
        optimizer.step()


class TwoHeads(nn.Module):
    """A trunk and two heads, one of which runs at a time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.heads = nn.Linear(6, 16), nn.ModuleList(nn.Linear(16, 2) for _ in "ab")
        self.head = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.heads[self.head](self.trunk(x).relu())


class AllHeads(nn.Module):
    """The same network, with both heads at once."""

    def __init__(self, network: TwoHeads) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> list[Tensor]:
        hidden = self.network.trunk(x).relu()
        return [head(hidden) for head in self.network.heads]


def test_a_head_that_did_not_run_is_named_and_refused_once_it_does(caplog: pytest.LogCaptureFixture):
    network = TwoHeads()
    with caplog.at_level(logging.WARNING):
        optimizer = eager(network)
        found(network)
    assert [record.message for record in caplog.records] == [
        "`heads.1` did not run on the example, so that it is not known what they read: give an example on which they "
        "run, or, if they read no hidden unit, name them in ignore=['heads.1']."
    ]
    train(network, optimizer, 2)
    assert optimizer.metrics()["cbp/replaced"] == 2
    network.head = 1
    with pytest.raises(RuntimeError, match=r"`heads\.1` did not run on the example that .* and runs now"):
        train(network, optimizer, 1)


def test_with_an_example_on_which_all_heads_run_a_newborn_is_silent_in_all():
    network = TwoHeads()
    optimizer = ContinualBackprop(
        adam(network), hidden_layers(AllHeads(network), X), replacement_rate=1 / 16, maturity_threshold=0
    )
    loudest = loudness(optimizer, network)
    for head in (0, 1, 0):
        network.head = head
        train(network, optimizer, 3)
    assert optimizer.metrics()["cbp/replaced"] == 9
    assert loudest == [0.0] * 9


def loudness(optimizer: PlasticOptimizer, network: nn.Module) -> list[float]:
    """How loud newborn units are in the heads of a network that they are read by, filled as it trains."""
    heard: list[float] = []

    def listen(event: UnitsReplaced) -> None:
        heads = [module.weight for name, module in network.named_modules() if name in ("heads.0", "heads.1", "4")]
        heard.append(max(head[:, event.units].abs().max().item() for head in heads))

    optimizer.on_replacement(listen)
    return heard


def test_a_layer_that_is_said_to_read_no_hidden_unit_may_run(caplog: pytest.LogCaptureFixture):
    network = TwoHeads()
    layers = found(network, ignore=("heads.1",))
    optimizer = ContinualBackprop(adam(network), layers, replacement_rate=1 / 16, maturity_threshold=0)
    for _ in range(2):
        network.head = 1 - network.head
        network(torch.ones(2, 6)).sum().backward()
        network.head = 1 - network.head
        train(network, optimizer, 1)
    assert optimizer.metrics()["cbp/replaced"] == 2
    assert not [record for record in caplog.records if "did not run on the example" in record.message]


class Beside(nn.Module):
    """A predictor of the input's future, with layers of its own that see the input alone."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.dream = mlp(), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def test_a_layer_that_did_not_run_and_reads_the_input_alone_disturbs_nothing():
    network = Beside()
    optimizer = eager(network)
    for _ in range(3):
        optimizer.zero_grad()
        (network(torch.ones(2, 6)).sum() + network.dream(torch.ones(2, 6)).sum()).backward()
        optimizer.step()
    assert optimizer.metrics()["cbp/replaced"] == 6


def test_torchs_attention_has_parts_that_never_run_and_are_not_named(caplog: pytest.LogCaptureFixture):
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=12, batch_first=True)
    hidden_layers(nn.Sequential(nn.Linear(3, 8), layer, nn.Linear(8, 2)), torch.zeros(2, 4, 3))
    assert not [record for record in caplog.records if "did not run" in record.message]


# Going on


SETTINGS = [
    {},
    {"mode": "lazy"},
    {"mode": "instant"},
    {"utility": "mean_corrected"},
    {"utility": "adaptable_contribution", "mode": "lazy", "move_mean_to_bias": True},
    {"utility": "random", "rounding": "bernoulli"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", ["momentum", "adam"])
def test_reattaching_a_network_that_has_not_changed_goes_on_bit_for_bit(kind: str, settings: dict[str, Any]):
    results = []
    for reattaches in (False, True):
        network = mlp()
        settings = {"replacement_rate": 0.05, "maturity_threshold": 3, "seed": 7, **settings}
        optimizer = ContinualBackprop(OPTIMIZERS[kind](network), found(network), **settings)
        for part in range(4):
            train(network, optimizer, 5, seed=part)
            if reattaches:
                optimizer.reattach(found(network))
        results.append([*numbers(network), *(watched.average for watched in optimizer.watched)])
        assert optimizer.metrics()["cbp/replaced"] > 15
    assert are_equal(*results)


def test_after_a_wider_head_newborn_units_are_silent_in_it_and_ages_go_on():
    network = mlp()
    optimizer = eager(network, maturity_threshold=4)
    train(network, optimizer, 10)
    before = {watched.layer.name: (watched.birth.clone(), watched.average.clone()) for watched in optimizer.watched}
    owed = [budget.owed for budget in optimizer.budgets]
    network[4] = nn.Linear(16, 5)
    optimizer.add_param_group({"params": network[4].parameters()})
    optimizer.reattach(found(network))
    for watched in optimizer.watched:
        birth, average = before[watched.layer.name]
        assert torch.equal(watched.birth, birth)
        assert torch.equal(watched.average, average)
    assert [budget.owed for budget in optimizer.budgets] == owed
    loudest, count = loudness(optimizer, network), optimizer.metrics()["cbp/replaced"]
    train(network, optimizer, 10)
    assert optimizer.metrics()["cbp/replaced"] > count
    assert set(loudest[1::2]) == {0.0}  # layers are announced in turn: 0, which the head does not read, and 2


def test_units_of_a_layer_that_is_new_are_newborn():
    network = mlp()
    optimizer = eager(network, maturity_threshold=5)
    train(network, optimizer, 20)
    network[2] = nn.Linear(16, 12)
    network[4] = nn.Linear(12, 2)
    add_new(network, optimizer)
    optimizer.reattach(found(network))
    old, new = optimizer.watched
    assert old.birth.min() < 20
    assert new.birth.tolist() == [20.0] * 12
    train(network, optimizer, 5)
    assert new.budget.replaced == 0
    assert new.birth.tolist() == [20.0] * 12
    train(network, optimizer, 5)
    assert new.budget.replaced > 0


def test_a_stack_hands_the_layers_on_and_lets_go_of_the_old_ones():
    network = mlp()
    outer = ShrinkPerturb(eager(network), noise_std=0.0)
    network[4] = nn.Linear(16, 3)
    add_new(network, outer)
    outer.reattach(found(network))
    train(network, outer, 3)
    assert outer.metrics()["cbp/replaced"] == 6
    assert isinstance(outer.optimizer, ContinualBackprop)
    outer.optimizer.remove()
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_layers_that_the_optimiser_does_not_have_are_refused_and_nothing_is_lost():
    network = mlp()
    optimizer = eager(network)
    train(network, optimizer, 2)
    network[4] = nn.Linear(16, 3)
    with pytest.raises(ValueError, match=r"does not train all weights of \['2'\].*add_param_group"):
        optimizer.reattach(found(network))
    optimizer.add_param_group({"params": network[4].parameters()})
    optimizer.reattach(found(network))
    train(network, optimizer, 2)
    assert optimizer.metrics()["cbp/replaced"] == 8


def test_a_reattached_method_is_saved_and_loaded():
    network = mlp()
    optimizer = eager(network)
    train(network, optimizer, 4)
    network[4] = nn.Linear(16, 3)
    add_new(network, optimizer)
    optimizer.reattach(found(network))
    train(network, optimizer, 4)
    again, other = pickle.loads(pickle.dumps((network, optimizer)))
    for net, one in ((network, optimizer), (again, other)):
        train(net, one, 4, seed=2)
    assert are_equal(numbers(network), numbers(again))


@pytest.mark.parametrize("replaced", [False, True])
def test_a_head_replaced_between_tasks_of_a_decomposition_is_noticed(replaced: bool):
    network = mlp()
    tasks = AdditiveDecomposition(network, heads=["4"])
    optimizer = AdditiveOptimizer(eager(network), decomposition=tasks)
    train(network, optimizer, 2)
    before = network(X).detach()
    tasks.new_task()
    if replaced:
        network[4] = nn.Linear(16, 2)
        optimizer.add_param_group({"params": network[4].parameters()})
        with pytest.raises(RuntimeError, match="`4` is another module, or gone"):
            train(network, optimizer, 1)
    else:
        train(network, optimizer, 2)
        with tasks.task(0):
            assert torch.equal(network(X), before)


@pytest.mark.parametrize("prunes", [prune.l1_unstructured, prune.random_unstructured])
def test_the_advice_for_a_pruned_layer_can_be_followed(prunes: Callable[..., Any]):
    torch.manual_seed(0)
    network = nn.Sequential(*mlp()[:4], nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = eager(network)
    train(network, optimizer, 2)
    prunes(network[2], "weight", 0.5)
    with pytest.raises(ValueError, match="`2`: its weight is computed from other parameters") as refusal:
        found(network)
    advised = tuple(re.findall(r"'(\d)'", str(refusal.value).partition("ignore=")[2]))
    optimizer.reattach(found(network, ignore=advised))
    masked = network[2].weight_mask.clone()
    train(network, optimizer, 3)
    assert [layer.name for layer in optimizer.layers] == ["4", "6"]
    assert torch.equal((network[2].weight != 0).float(), masked)


def test_the_reason_names_the_reader_whose_weight_cannot_be_written_to():
    network = mlp()
    parametrizations.weight_norm(network[2])
    with pytest.raises(ValueError, match=r"`0`: `2` reads its units, and its weight is computed from other parameters"):
        found(network)
    with pytest.raises(ValueError, match=r"`0`: `2` reads its units.*There is nothing else to replace"):
        found(network, ignore=("2",))
    step(network, adam(network), X)
