"""Layers of another width: the function stays, parameters stay the objects that they were, memories follow."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.nn.dynamic import prune, widen
from plastic_rl.optim import Adam, ContinualBackprop, PlasticOptimizer
from tests.contract.methods import METHODS
from tests.nn.dynamic.growing_networks import ALL, EXACT, built, quarters

OPTIMIZERS = {
    "SGD": partial(torch.optim.SGD, lr=0.01, momentum=0.9),
    "Adam": partial(torch.optim.Adam, lr=0.01),
    "clocked Adam": partial(Adam, lr=0.01),
    "AdamW": partial(torch.optim.AdamW, lr=0.01, amsgrad=True),
    "RMSprop": partial(torch.optim.RMSprop, lr=0.01, centered=True, momentum=0.9),
    "Adagrad": torch.optim.Adagrad,
    "Adadelta": torch.optim.Adadelta,
    "Adamax": torch.optim.Adamax,
    "NAdam": torch.optim.NAdam,
    "RAdam": torch.optim.RAdam,
    "Rprop": torch.optim.Rprop,
    "ASGD": torch.optim.ASGD,
    "Adafactor": torch.optim.Adafactor,
}


def mlp(width: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, 5), nn.Tanh(), nn.Linear(5, 2))


def train(network, optimizer, steps, seed=1):
    data = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(8, 3, generator=data)).square().mean().backward()
        optimizer.step()


def layers_of(network, shape=(3,)):
    return hidden_layers(network, torch.zeros(2, *shape))


def values(network):
    return [value.detach().clone() for value in network.state_dict().values()]


def assert_equal(these, those):
    assert len(these) == len(those)
    for one, other in zip(these, those, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ALL)
def test_a_wider_layer_computes_the_same_and_so_does_each_after_it(name):
    kind = ALL[name]
    network = built(kind)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    x, parameters = quarters(6, *kind.shape, seed=7), list(network.parameters())
    before = network(x)
    for place, layer in enumerate(layers_of(network, kind.shape)):
        if not layer.is_current:  # it shares a reader with the one before it
            layer = layers_of(network, kind.shape)[place]  # noqa: PLW2901
        width = layer.units
        widen(layer, 2, optimizer, seed=place)
        assert layer.units == width + 2
        now = network(x)
        assert torch.equal(now, before) if name in EXACT else torch.allclose(now, before, rtol=1e-5, atol=1e-5)
    assert [id(each) for each in network.parameters()] == [id(each) for each in parameters]
    assert [id(each) for each in optimizer.param_groups[0]["params"]] == [id(each) for each in parameters]
    network(x).square().sum().backward()
    assert all(each.grad is not None and each.grad.shape == each.shape for each in parameters)


@pytest.mark.parametrize("name", ALL)
def test_a_layer_without_its_newborn_units_is_what_it_was(name):
    kind = ALL[name]
    network = built(kind)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    before = values(network)
    for layer in layers_of(network, kind.shape):
        if layer.is_current:
            widen(layer, 3, optimizer)
            prune(layer, range(layer.units - 3, layer.units), optimizer)
    assert_equal(values(network), before)


@pytest.mark.parametrize("name", EXACT)
def test_pruning_takes_away_what_the_units_gave_and_nothing_else(name):
    kind = EXACT[name]
    network = built(kind)
    layer, x = layers_of(network, kind.shape)[-1], quarters(6, *kind.shape, seed=7)
    silent = copy.deepcopy(network)
    twin = next(each for each in layers_of(silent, kind.shape) if each.name == layer.name)
    with torch.no_grad():
        for port in twin.read_by:
            port.silence(torch.tensor([1]))
    prune(layer, [1], torch.optim.SGD(network.parameters(), lr=0.1))
    assert torch.equal(network(x), silent(x))


def test_newborn_units_have_drawn_weights_no_bias_and_no_reader():
    network = built(EXACT["mlp"])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    old, state = network[0].weight.detach().clone(), torch.get_rng_state()
    widen(layers_of(network)[0], 2, optimizer, seed=3)
    assert torch.equal(network[0].weight[:4], old)
    assert (network[0].weight[4:] != 0).all()
    assert_equal([network[0].bias[4:], network[2].weight[:, 4:]], [torch.zeros(2), torch.zeros(5, 2)])
    assert (network[0].out_features, network[2].in_features) == (6, 6)
    assert torch.equal(torch.get_rng_state(), state)
    widen(layers_of(network)[0], 1, optimizer, initialiser=nn.init.ones_)
    assert torch.equal(network[0].weight[6], torch.ones(3))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_goes_on_as_if_newborn_units_that_left_had_never_been(name):
    networks = [mlp(), mlp()]
    optimizers = [OPTIMIZERS[name](network.parameters()) for network in networks]
    for network, optimizer in zip(networks, optimizers, strict=True):
        train(network, optimizer, 3)
    one, _, other, _, last = networks[0]
    for layer in (HiddenLayer("0", one, [other]), HiddenLayer("2", other, [last])):
        widen(layer, 2, optimizers[0])
        for parameter in networks[0].parameters():
            moments = [each for each in optimizers[0].state[parameter].values() if torch.is_tensor(each)]
            assert all(each.ndim < 2 or each.shape in shapes_of(parameter) for each in moments)
        prune(layer, [layer.units - 2, layer.units - 1], optimizers[0])
    for network, optimizer in zip(networks, optimizers, strict=True):
        train(network, optimizer, 2, seed=5)
    assert_equal(values(networks[0]), values(networks[1]))


def shapes_of(parameter):
    """The shapes of moments of a parameter, whole or as factors of rows and columns."""
    rows, columns = (*parameter.shape[:-1], 1), (*parameter.shape[:-2], 1, *parameter.shape[-1:])
    return [parameter.shape, torch.Size(rows), torch.Size(columns)]


def test_newborn_units_are_stepped_as_by_a_fresh_adam_and_young_ones_stay_young():
    network = mlp()
    optimizer = Adam(network.parameters(), lr=0.01)
    layer = layers_of(network)[0]
    train(network, optimizer, 40)
    widen(layer, 1, optimizer)
    before = network[2].weight.detach().clone()
    train(network, optimizer, 1)
    assert torch.allclose((network[2].weight - before)[:, 4].abs(), torch.full((5,), 0.01), rtol=1e-4)
    train(network, optimizer, 3)
    twin, others = copy.deepcopy((network, optimizer))
    widen(layer, 3, optimizer)
    prune(layer, [5, 6, 7], optimizer)
    assert optimizer.young.keys() == {network[0].weight, network[0].bias, network[2].weight}
    train(network, optimizer, 40, seed=2)
    train(twin, others, 40, seed=2)
    assert_equal(values(network), values(twin))


def test_young_units_that_leave_take_their_clocks_along():
    network = mlp()
    optimizer = Adam(network.parameters(), lr=0.01)
    layer = layers_of(network)[0]
    train(network, optimizer, 3)
    widen(layer, 2, optimizer)
    prune(layer, [0, 4], optimizer)
    young = optimizer.young[network[2].weight]
    assert young.positions.tolist() == [3, 7, 11, 15, 19]
    assert young.cohorts == [[20, 5]]


REFUSING = {"NaP", "InFeR", "plasticity injection", "Wasserstein init"}


def wrapped(name, network, layers=None):
    adam = Adam(network.parameters(), lr=0.01)
    optimizer = METHODS[name].on(adam, layers_of(network) if layers is None else layers)
    METHODS[name].begin(optimizer)
    return optimizer


# Its directions are looked for anew, from the same first guess.
CLOSE = {"spectral regularisation": 1e-3}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_follows_a_layer_to_another_width_or_refuses_by_name(name):
    network, twin = mlp(), mlp()
    layers = layers_of(network)
    layer, optimizers = layers[0], [wrapped(name, network, layers), wrapped(name, twin)]
    for each, optimizer in zip((network, twin), optimizers, strict=True):
        train(each, optimizer, 3)
    if name in REFUSING:
        before = values(network)
        with pytest.raises(ValueError, match=f"{type(optimizers[0]).__name__} keeps what fits"):
            widen(layer, 2, optimizers[0])
        assert_equal(values(network), before)
        return
    widen(layer, 2, optimizers[0])
    prune(layer, [4, 5], optimizers[0])
    for each, optimizer in zip((network, twin), optimizers, strict=True):
        train(each, optimizer, 4, seed=2)
    for one, other in zip(values(network), values(twin), strict=True):
        assert torch.allclose(one, other, rtol=0, atol=CLOSE.get(name, 0))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(METHODS.keys() - REFUSING))
def test_a_network_that_was_made_as_wide_goes_on_from_the_state_of_one_that_grew(name):
    network, wide = mlp(), mlp(6)
    layers = layers_of(network)
    optimizer = wrapped(name, network, layers)
    train(network, optimizer, 3)
    widen(layers[0], 2, optimizer)
    train(network, optimizer, 2, seed=3)
    resumed = wrapped(name, wide)
    state = copy.deepcopy((network.state_dict(), optimizer.state_dict()))
    wide.load_state_dict(state[0])
    resumed.load_state_dict(state[1])
    for each, method in ((network, optimizer), (wide, resumed)):
        train(each, method, 4, seed=4)
    assert_equal(values(network), values(wide))


def test_methods_that_replace_units_know_which_are_newborn():
    network = mlp()
    layers = layers_of(network)
    optimizer = ContinualBackprop(Adam(network.parameters()), layers, replacement_rate=0.01, maturity_threshold=2)
    train(network, optimizer, 4)
    average = optimizer.watched[0].average.clone()
    widen(layers[0], 2, optimizer)
    watched = optimizer.watched[0]
    assert watched.birth.tolist() == [0, 0, 0, 0, 4, 4]
    assert_equal([watched.average], [torch.cat([average, torch.zeros(2)])])
    assert (watched.budget.units, watched.budget.mature(5), watched.budget.mature(7)) == (6, 4, 6)
    prune(layers[0], [0, 4], optimizer)
    assert (watched.birth.tolist(), watched.budget.mature(5), watched.budget.mature(7)) == ([0, 0, 0, 4], 3, 4)
    assert (layers[0].units, layers[1].units, optimizer.watched[1].birth.shape) == (4, 5, (5,))


def test_layers_that_share_a_reader_are_followed_where_methods_hold_them_and_found_again_elsewhere():
    network = built(EXACT["side by side"])
    layers, strangers = layers_of(network), layers_of(network)
    optimizer = ContinualBackprop(Adam(network.parameters()), layers, mode="lazy")
    widen(layers[0], 2, optimizer)
    assert layers[1].read_by[0].index.flatten().tolist() == [6, 7]
    assert optimizer.watched[1].magnitudes[0].shape == (8,)
    assert [layer.is_current for layer in layers] == [True, True]
    assert [layer.is_current for layer in strangers] == [False, False]
    with pytest.raises(ValueError, match="`other` cannot be changed: the network has changed since"):
        widen(strangers[1], 1, optimizer)
    widen(layers[1], 1, optimizer)
    assert repr(layers_of(network)) == repr(layers)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inward, self.block, self.out = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        stream = self.inward(x)
        return self.out(stream + self.block(stream.relu()))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inward, self.again, self.out = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        hidden = self.inward(x).relu()
        return self.out(self.again(self.again(hidden).relu()).relu())


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.memory, self.out = nn.LSTM(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.memory(x)[0])


class Derived(nn.Linear):
    pass


def grouped():
    return nn.Sequential(nn.Conv1d(3, 4, 1), nn.ReLU(), nn.Conv1d(4, 4, 1, groups=2), nn.ReLU(), nn.Conv1d(4, 2, 1))


REFUSED = {
    "residual sum": (Residual, (3,), "`inward`, `block` produce its units together"),
    "layer that reads itself": (Tied, (3,), "produce its units together"),
    "recurrence": (Recurrent, (3,), "produce its units together"),
    "groups": (grouped, (3, 1), "`2` is a convolution in groups"),
    "LayerNorm": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2)),
        (3,),
        "`1` \\(LayerNorm\\) normalises over its units",
    ),
    "GroupNorm": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.GroupNorm(2, 4), nn.ReLU(), nn.Linear(4, 2)),
        (3,),
        "`1` \\(GroupNorm\\) normalises over its units",
    ),
    "derived layer": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU(), Derived(4, 2)),
        (3,),
        "`2` is a Derived, and torch's own",
    ),
    "one unit": (
        lambda: nn.Sequential(nn.Conv1d(3, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2, 2)),
        (3, 2),
        "begin with two units",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_wider_with_nothing_else_changing_is_refused_by_name(name):
    build, shape, reason = REFUSED[name]
    network = build()
    before = values(network)
    with pytest.raises(ValueError, match=reason):
        widen(layers_of(network, shape)[0], 1, torch.optim.SGD(network.parameters(), lr=0.1))
    assert_equal(values(network), before)


class Unheard(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["secret"] = torch.ones_like(parameter)
        return super().step(closure)


def test_optimisers_that_cannot_follow_are_refused_by_name():
    network = mlp()
    layer = layers_of(network)[0]
    with pytest.raises(ValueError, match="does not train all weights of \\['0'\\]"):
        widen(layer, 1, torch.optim.SGD(network[2].parameters(), lr=0.1))
    with pytest.raises(ValueError, match="LBFGS remembers"):
        widen(layer, 1, torch.optim.LBFGS(network.parameters()))
    optimizer = Unheard(network.parameters(), lr=0.1)
    train(network, optimizer, 1)
    with pytest.raises(ValueError, match="Unheard keeps `secret`"):
        widen(layer, 1, optimizer)
    prune(layer, [0], optimizer)
    assert optimizer.state[network[0].weight]["secret"].shape == (3, 3)


def test_numbers_of_units_are_checked():
    network = mlp()
    layer, optimizer = layers_of(network)[0], torch.optim.SGD(network.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="1 or more"):
        widen(layer, 0, optimizer)
    for units, message in (
        ([4], "0 to 3"),
        ([-1], "0 to 3"),
        ([], "one or more must be given"),
        (range(4), "must stay"),
    ):
        with pytest.raises(ValueError, match=message):
            prune(layer, list(units), optimizer)


def test_a_layer_written_by_hand_grows_too_and_gradients_follow():
    network = mlp()
    layer = HiddenLayer("first", network[0], [network[2]])
    network(torch.ones(2, 3)).sum().backward()
    gradient = network[2].weight.grad.clone()
    widen(layer, 2, torch.optim.SGD(network.parameters(), lr=0.1))
    assert_equal([network[2].weight.grad], [torch.cat([gradient, torch.zeros(5, 2)], 1)])


def test_all_methods_of_the_library_say_whether_they_follow():
    refusing = {
        type(METHODS[name].on(Adam(net.parameters()), layers_of(net))).__name__ for name in REFUSING if (net := mlp())
    }
    known = {kind.__name__ for kind in subclasses(PlasticOptimizer) if kind.__module__.startswith("plastic_rl.optim")}
    following = {kind.__name__ for kind in subclasses(PlasticOptimizer) if kind.follows_resizing}
    assert known - following - refusing == {"Capturable", "LossTerm", "Occasional", "ReferencedTerm", "WeightMethod"}


def subclasses(kind):
    found = set(kind.__subclasses__())
    return found.union(*(subclasses(each) for each in found))
