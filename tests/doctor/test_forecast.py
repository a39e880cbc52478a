"""When continual backprop begins and how fast it goes: by hand, and by running it."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from plastic_rl.doctor import Pace, doctor
from plastic_rl.doctor.pace import pace_of
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ContinualBackprop
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
    report = doctor(method())
    # 16 * 0.01 = 0.16 a step: the seventh after maturity. 160 / 1.1 = 145.
    assert (
        report.line == "continual backprop: first replacement at update 17, then 145 units per layer per 1,000 updates"
    )
    assert report.warnings == []


def test_the_text_has_a_line_for_each_layer_and_warning():
    lines = str(doctor(method(replacement_rate=0.0))).splitlines()
    assert lines[1:3] == [
        "  0      16 units  first never, then 0 per 1,000 updates",
        "  2      16 units  first never, then 0 per 1,000 updates",
    ]
    assert lines[3] == "  warning: replacement_rate is 0: no unit is ever replaced."


def test_a_run_that_ends_before_maturity_is_warned_of():
    (warning,) = doctor(method(maturity_threshold=5000), run_length=2000).warnings
    assert warning.startswith("The run has 2,000 updates and the maturity threshold is 5,000: no unit is replaced")
    assert doctor(method(maturity_threshold=5000), run_length=20_000).warnings == []


def test_a_norm_that_mixes_units_is_warned_of():
    net = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 1))
    (warning,) = doctor(method(net=net)).warnings
    assert warning.startswith("0: a norm that mixes units")


def test_a_wrapped_method_is_found():
    net = network()
    inner = method(net=net)
    outer = ContinualBackprop(inner, [HiddenLayer("again", net[0], [net[2]])], replacement_rate=0.5)
    assert [layer.name for layer in doctor(outer).layers] == ["again", "0", "2"]


def test_an_optimiser_without_the_method_has_nothing_to_forecast():
    assert doctor(torch.optim.SGD(network().parameters(), lr=0.1)).line == "continual backprop: not in use"


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="examines an optimiser or an SB3 model, got int"):
        doctor(3)


def test_the_papers_ppo_has_160_updates_for_2048_environment_steps():
    pace = pace_of(SimpleNamespace(n_steps=2048, n_envs=1, batch_size=128, n_epochs=10), None)
    assert pace == Pace(steps=2048, updates=160)
    # Update 10,040 is in the 63rd rollout.
    assert pace.environment_step(10_040) == 63 * 2048
    assert pace.updates_by(2_000_000) == 976 * 160


def test_a_last_small_minibatch_is_an_update_too():
    pace = pace_of(SimpleNamespace(n_steps=100, n_envs=2, batch_size=64, n_epochs=3), None)
    assert pace == Pace(steps=200, updates=12)


def off_policy(**settings):
    frequency = SimpleNamespace(frequency=4, unit=SimpleNamespace(value="step"))
    return SimpleNamespace(
        **{"train_freq": frequency, "gradient_steps": 2, "n_envs": 1, "learning_starts": 100, **settings}
    )


def test_off_policy_algorithms_make_gradient_steps_every_so_many_steps():
    pace = pace_of(off_policy(), None)
    assert pace == Pace(steps=4, updates=2, start=100)
    assert pace.environment_step(3) == 108
    assert pace_of(off_policy(gradient_steps=-1, n_envs=3), None) == Pace(steps=12, updates=12, start=100)


def test_the_delayed_actor_of_td3_makes_half_the_updates():
    actor = object()
    assert pace_of(off_policy(policy_delay=2, actor=actor), actor) == Pace(steps=4, updates=1, start=100)
    assert pace_of(off_policy(policy_delay=2, actor=actor), None) == Pace(steps=4, updates=2, start=100)


def test_episodes_set_no_pace():
    episodes = SimpleNamespace(frequency=1, unit=SimpleNamespace(value="episode"))
    assert pace_of(off_policy(train_freq=episodes), None) is None
