"""When continual backprop begins and how fast it goes: by hand, and by running it."""

import pytest
import torch
from torch import nn

from plastic_rl.forecast import Forecast, Pace, forecast
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import (
    ContinualBackprop,
    HareAndTortoise,
    NormalizeAndProject,
    OptimizerReset,
    SelectiveWeightReinitialization,
)
from plastic_rl.optim.budget import Budget


def network(width=16):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))


def method(optimizer=torch.optim.SGD, net=None, **settings):
    net = net or network()
    settings = {"replacement_rate": 0.01, "maturity_threshold": 10, **settings}
    return ContinualBackprop(optimizer(net.parameters(), lr=0.01), hidden_layers(net, torch.zeros(2, 3)), **settings)


def test_the_papers_ppo_by_hand():
    # 256 units at 1e-4: one falls due every 1 / 0.0256 = 39.06 updates, the first 40 after maturity at 10,000.
    budget = Budget(256, 1e-4, 10_000)
    assert budget.first_due == 10_040
    # r = 0.0256 / (1 + 1e-4 * 10,000) in the long run, because half of the units are immature.
    assert 1000 * budget.long_run == pytest.approx(12.8)


@pytest.mark.parametrize(("units", "rate", "maturity"), [(256, 1e-3, 100), (10, 0.1, 5), (4, 1.0, 0), (30, 0.013, 7)])
def test_the_forecast_comes_true(units, rate, maturity):
    budget = Budget(units, rate, maturity)
    counts = [budget.due(step, 0.0) for step in range(1, 20_001)]
    assert next(step for step, count in enumerate(counts, start=1) if count) == budget.first_due
    assert sum(counts[10_000:]) / 10_000 == pytest.approx(budget.long_run, rel=0.02)


def test_one_line_says_when_it_begins_and_how_fast_it_goes():
    found = forecast(method())
    # 16 * 0.01 = 0.16 a step: the seventh after maturity. 160 / 1.1 = 145.
    assert (
        found.line == "continual backprop: first replacement at update 17, then 145 units per layer per 1,000 updates"
    )
    assert found.warnings == []


def test_the_text_has_a_line_for_each_layer_and_warning():
    lines = str(forecast(method(replacement_rate=0.0))).splitlines()
    assert lines[1:3] == [
        "  0      16 units  first never, then 0 per 1,000 updates",
        "  2      16 units  first never, then 0 per 1,000 updates",
    ]
    assert lines[3] == "  warning: replacement_rate is 0: no unit is ever replaced."


def test_a_run_that_ends_before_maturity_is_warned_of():
    (warning,) = forecast(method(maturity_threshold=5000), run_length=2000).warnings
    assert warning.startswith("The run has 2,000 updates and the maturity threshold is 5,000: no unit is replaced")
    assert forecast(method(maturity_threshold=5000), run_length=20_000).warnings == []


def test_a_norm_that_mixes_units_is_warned_of():
    net = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 1))
    (warning,) = forecast(method(net=net)).warnings
    assert warning.startswith("0: a norm that mixes units")


def test_a_wrapped_method_is_found():
    net = network()
    inner = method(net=net)
    outer = ContinualBackprop(inner, [HiddenLayer("again", net[0], [net[2]])], replacement_rate=0.5)
    assert [layer.name for layer in forecast(outer).layers] == ["again", "0", "2"]


def test_a_method_that_replaces_no_unit_says_what_is_amiss_all_the_same():
    resting = OptimizerReset(torch.optim.Adam(network().parameters()), on_change=False)
    assert forecast(resting).line == "on_change is False and every is 0: OptimizerReset never acts by itself."
    assert not forecast(resting).is_empty
    assert forecast(OptimizerReset(torch.optim.Adam(network().parameters()))).is_empty


def test_an_optimiser_without_the_method_has_nothing_to_forecast():
    assert forecast(torch.optim.SGD(network().parameters(), lr=0.1)).line == "no method replaces units"


def test_something_else_is_refused():
    with pytest.raises(TypeError, match=r"is of an optimiser, got int; .* plastic_rl\.sb3\.forecast_model"):
        forecast(3)


def test_with_a_pace_the_run_is_counted_in_environment_steps():
    # Two updates for each ten steps: the 17th, which replaces first, is in the ninth round.
    found = forecast(method(), pace=Pace(steps=10, updates=2), run_length=40)
    assert "at update 17 = environment step 90, then" in found.line
    assert found.warnings[0].startswith("The run has 8 updates and the maturity threshold is 10")


def test_two_forecasts_add_up_and_warn_once():
    one = forecast(method(replacement_rate=0.0))
    both = one + one
    assert [layer.name for layer in both.layers] == ["0", "2", "0", "2"]
    assert both.warnings == one.warnings
    assert Forecast([], []) + one == one


@pytest.mark.parametrize("kind", [HareAndTortoise, SelectiveWeightReinitialization, NormalizeAndProject])
def test_a_method_with_an_interval_says_that_the_run_is_shorter(kind):
    net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 1))
    adam, layers = torch.optim.Adam(net.parameters()), hidden_layers(net, torch.zeros(2, 3))
    assert forecast(kind(adam, layers, every=100), run_length=100).is_empty
    said = forecast(kind(adam, layers, every=100), run_length=99).line
    assert said == f"The run has 99 updates and every is 100: {kind.__name__} never acts."
    assert forecast(kind(adam, layers, every=0)).line == f"every is 0: {kind.__name__} never acts."
