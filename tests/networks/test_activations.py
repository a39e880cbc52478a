"""Non-linearities, by hand."""

import copy
import math
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.diagnostics import flatness
from plastic_rl.layers import has_slopes, hidden_layers, is_dropout
from plastic_rl.networks import network_for, nonlinearity
from plastic_rl.networks.activations import AID, Dropout
from plastic_rl.networks.activations.masks import expected_interval_dropout, interval_dropout
from plastic_rl.networks.activations.rational import polynomial, rational


def of(inputs, **settings):
    (module,) = nonlinearity(**settings)
    return module(torch.tensor(inputs))


def test_a_leaky_relu_has_a_slope_below_zero():
    assert of([-2.0, 0.0, 3.0], activation="leaky_relu", slope=0.1).tolist() == pytest.approx([-0.2, 0, 3])


def test_a_prelu_learns_one_slope_for_the_layer():
    """dh/da is the input where it is below zero: of -2, 1 and -3 the sum is -5."""
    (module,) = nonlinearity(activation="prelu")
    outputs = module(torch.tensor([[-2.0, 1.0, -3.0]]))
    assert outputs.tolist() == [[-0.5, 1.0, -0.75]]
    outputs.sum().backward()
    assert [(each.shape, each.grad.item()) for each in module.parameters()] == [((1,), -5.0)]


def test_smooth_leaky_is_equation_1_of_its_paper():
    """a = 0.1, s = 1: 0.2 + 0.9 · 2 · σ(2), and σ(2) = 0.8807971."""
    values = of([-2.0, 0.0, 2.0], activation="smooth_leaky_relu", slope=0.1, sharpness=1.0)
    assert values.tolist() == pytest.approx([-0.2 - 1.8 * 0.1192029, 0.0, 0.2 + 1.8 * 0.8807971])
    far = of([-60.0, 60.0], activation="smooth_leaky_relu").tolist()
    assert far == pytest.approx([-6.0, 60.0])


def test_crelu_gives_both_sides_of_each_unit():
    assert of([[-2.0, 3.0], [0.0, -1.0]], activation="crelu").tolist() == [[0, 3, 2, 0], [0, 0, 0, 1]]


def test_fourier_features_are_sine_and_cosine():
    """sin 0 = 0, cos 0 = 1; sin π/6 = 1/2, cos π/6 = √3/2."""
    values = of([[0.0, math.pi / 6]], activation="fourier")[0]
    assert values.tolist() == pytest.approx([0.0, 0.5, 1.0, 3**0.5 / 2])


def test_a_unit_that_gives_two_numbers_is_never_stuck_but_at_zero():
    for activation, stuck in (("crelu", [True, False]), ("fourier", [False, False])):
        network = nn.Sequential(nn.Linear(3, 2), *nonlinearity(activation=activation), nn.Linear(4, 1))
        network[0].weight.data.zero_()
        network[0].bias.data = torch.tensor([0.0, -math.pi / 2])
        (found,) = flatness(hidden_layers(network, torch.randn(5, 3)), lambda: network(torch.randn(5, 3))).values()  # noqa: B023
        assert found.stuck.tolist() == stuck


def test_a_network_that_doubles_has_half_as_many_units_and_the_same_columns():
    network = network_for("mlp", (5,), 3, hidden_layers=2, hidden_units=8, width=1, activation="crelu")
    shapes = [tuple(module.weight.shape) for module in network if isinstance(module, nn.Linear)]
    assert shapes == [(4, 5), (4, 8), (3, 8)]
    for layer in hidden_layers(network, torch.zeros(1, 5)):
        assert layer.read_by[0].index.tolist() == [[unit, unit + 4] for unit in range(4)]
    with pytest.raises(ValueError, match="the width of a layer must be even, got 7"):
        network_for("mlp", (5,), 3, hidden_layers=2, hidden_units=7, width=1, activation="fourier")


@pytest.mark.parametrize("activation", ["leaky_relu", "smooth_leaky_relu", "prelu"])
def test_a_slope_below_zero_leaves_no_unit_stuck(activation):
    network = nn.Sequential(nn.Linear(3, 4), *nonlinearity(activation=activation), nn.Linear(4, 1))
    network[0].bias.data.fill_(-100.0)  # all below zero, on every sample
    inputs = torch.randn(20, 3)
    (found,) = flatness(hidden_layers(network, inputs), lambda: network(inputs)).values()
    assert not found.flat.any()
    assert not found.dead.any()
    assert not found.saturated.any()


def test_interval_dropout_by_hand():
    inputs, mask = torch.tensor([-2.0, -2.0, 3.0, 3.0, 0.0]), torch.tensor([False, True, False, True, True])
    assert interval_dropout(inputs, mask).tolist() == [-2, 0, 0, 3, 0]
    assert expected_interval_dropout(inputs, 0.75).tolist() == pytest.approx([-0.5, -0.5, 2.25, 2.25, 0])


@pytest.mark.parametrize("module", [AID(probability=0.7), Dropout(0.3)], ids=["AID", "dropout"])
def test_in_evaluation_mode_it_is_the_mean_over_masks(module):
    inputs = torch.tensor([[-1.0, 2.0]]).expand(20_000, 2)
    mean = module.train()(inputs).mean(0)
    assert module.draws == 1
    torch.testing.assert_close(mean, module.eval()(inputs)[0], atol=0.03, rtol=0)
    assert module.draws == 1


def test_aid_is_relu_at_one_and_dropout_on_a_line_at_a_half():
    inputs = torch.randn(50, 4)
    for mode in (True, False):
        assert torch.equal(AID(probability=1.0).train(mode)(inputs), inputs.relu())
    torch.testing.assert_close(AID(probability=0.5).eval()(inputs), inputs / 2)
    halved = AID(probability=0.5)(inputs)
    assert ((halved == 0) | (halved == inputs)).all()
    assert 0 < (halved == 0).float().mean() < 1


def test_dropout_keeps_a_share_and_scales_it_up():
    dropped = Dropout(0.75)(torch.ones(4000))
    assert set(dropped.tolist()) == {0.0, 4.0}
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("make", [partial(AID, probability=0.8), partial(Dropout, 0.3)], ids=["AID", "dropout"])
def test_masks_are_the_modules_own_and_go_on_where_it_was_saved(make):
    torch.manual_seed(0)
    one, other = make(), make()
    inputs, before = torch.randn(6, 8), torch.get_rng_state()
    masks = [one(inputs) for _ in range(3)]
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], other(inputs))
    saved = one.state_dict()
    ahead = one(inputs)
    other.load_state_dict(saved)
    assert torch.equal(other(inputs), ahead)
    assert torch.equal(copy.deepcopy(other)(inputs), one(inputs))


def test_a_compiled_network_draws_the_same_masks_anew_each_time():
    torch.manual_seed(0)
    module = Dropout(0.5)  # shapes that are checked while tests run cannot be compiled
    compiled, inputs = torch.compile(copy.deepcopy(module), backend="eager"), torch.ones(4, 8)
    outputs = [compiled(inputs) for _ in range(3)]
    assert not torch.equal(outputs[0], outputs[1])
    assert all(torch.equal(output, module(inputs)) for output in outputs)


def test_a_rational_activation_by_hand():
    """(1 + 2 · 2) / (1 + |-3 · 2|) = 5 / 7, and where the polynomial below is positive (1 + 2 x) / (1 + 3 |x|)."""
    numerator, denominator = torch.tensor([1.0, 2, 0, 0, 0, 0]), torch.tensor([-3.0, 0, 0, 0])
    values = rational(torch.tensor([2.0, -1.0, 0.0]), numerator, denominator)
    assert values.tolist() == pytest.approx([5 / 7, -1 / 4, 1.0])
    assert polynomial(torch.tensor([3.0]), torch.tensor([1.0, 2, 5])).tolist() == [1 + 6 + 45]


def test_a_rational_activation_begins_as_a_leaky_relu_and_learns_all_coefficients():
    inputs = torch.linspace(-3, 3, 101)
    (module,) = nonlinearity(activation="rational")
    torch.testing.assert_close(module(inputs), of(inputs.tolist(), activation="leaky_relu"), atol=0.034, rtol=0)
    module(inputs).square().sum().backward()
    assert all((parameter.grad != 0).all() for parameter in module.parameters())
    assert [parameter.shape for parameter in module.parameters()] == [(6,), (4,)]


@pytest.mark.parametrize(
    ("settings", "drops", "learns"),
    [
        ({"activation": "aid"}, True, False),
        ({"activation": "aid", "probability": 1.0}, False, False),
        ({"activation": "rational"}, False, True),
        ({"activation": "prelu"}, False, True),
        ({"activation": "crelu"}, False, False),
    ],
)
def test_whoever_has_to_know_what_drops_and_what_learns_is_told(settings, drops, learns):
    (module,) = nonlinearity(**settings)
    assert (is_dropout(module), has_slopes(module)) == (drops, learns)
    (behind,) = nonlinearity(dropout=0.1)[1:]
    assert is_dropout(behind)
