"""Algorithm 1 in numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim import Adam, ContinualBackprop
from plastic_rl.optim.continual_backprop import bias_corrected, least_useful
from plastic_rl.optim.unit_clock import clock_of
from tests.optim.networks import X, frozen, remembered, step, three_unit_layer, three_units


def close(actual: torch.Tensor, expected: list[float]) -> bool:
    return torch.allclose(actual, torch.tensor(expected), rtol=1e-5, atol=1e-7)


def replaced(optimizer: ContinualBackprop) -> int:
    return int(optimizer.metrics()["cbp/replaced"])


def newborn(network: torch.nn.Sequential) -> list[int]:
    """The units whose outgoing weight is zero."""
    return (network[2].weight[0] == 0).nonzero().flatten().tolist()


def test_the_utility_is_a_running_average_of_the_contribution():
    network = three_units()
    optimizer = frozen(network, replacement_rate=0.0, decay_rate=0.9)
    step(network, optimizer, X)  # |h| |w| = [2, 1, 3] x [2, 1, 0.5] = [4, 1, 1.5]
    assert close(remembered(optimizer)["average"], [0.4, 0.1, 0.15])
    step(network, optimizer, torch.tensor([[2.0, 2.0]]))  # [2, 2, 4] x [2, 1, 0.5] = [4, 2, 2]
    assert close(remembered(optimizer)["average"], [0.76, 0.29, 0.335])


@pytest.mark.parametrize(
    ("utility", "expected"),
    [
        ("contribution", [4, 1, 1.5]),
        ("mean_corrected", [4, 1, 1.5]),  # before the first update the running mean is zero
        ("adaptable_contribution", [4, 1, 0.75]),  # divided by the incoming weights [1, 1, 2]
        ("weight", [2, 1, 0.5]),
        ("adaptation", [1, 1, 0.5]),
    ],
)
def test_the_first_value_of_each_utility(utility: str, expected: list[float]):
    network = three_units()
    optimizer = frozen(network, decay_rate=0.5, utility=utility)
    step(network, optimizer, X)
    assert close(remembered(optimizer)["average"], [0.5 * value for value in expected])


def test_the_mean_corrected_utility_takes_the_mean_of_the_updates_before():
    network = three_units()
    optimizer = frozen(network, decay_rate=0.5, utility="mean_corrected")
    step(network, optimizer, X)
    step(network, optimizer, X)
    # The bias-corrected running mean is [2, 1, 3]; |h - mean| is [1, 1, 0] for both samples, times [2, 1, 0.5].
    assert close(remembered(optimizer)["average"], [0.5 * 2 + 0.5 * 2, 0.5 * 0.5 + 0.5 * 1, 0.5 * 0.75])


def test_bias_correction_divides_by_the_weight_gathered_since_birth():
    average, age = torch.tensor([0.76, 0.29, 0.0]), torch.tensor([2.0, 1.0, 0.0])
    assert close(bias_corrected(average, age, 0.9), [4.0, 2.9, 0.0])  # 0.76 / 0.19, 0.29 / 0.1, and 0 at age 0
    assert close(bias_corrected(average.double(), age, 0.9).float(), [4.0, 2.9, 0.0])


def test_a_young_unit_that_is_useful_is_not_replaced_again():
    network = three_units()
    optimizer = frozen(network, replacement_rate=1 / 3, maturity_threshold=0, decay_rate=0.9)
    step(network, optimizer, X)
    assert newborn(network) == [1]
    with torch.no_grad():
        network[0].weight[1] = torch.tensor([0.0, 1.0])
        network[2].weight[0, 1] = 5.0  # it contributes 1 x 5, more than the others' 4 and 1.5 ...
    step(network, optimizer, X)
    assert remembered(optimizer)["average"][1] == 0.5  # ... but its average is the lowest: 0.5 < 0.15 / 0.1 ...
    assert newborn(network) == [2]  # ... so unit 2 goes, as 1.5 < 4 < 5


@pytest.mark.parametrize("mode", ["exact", "lazy", "instant"])
def test_the_least_useful_unit_goes(mode: str):
    network = three_units()
    optimizer = frozen(network, replacement_rate=1 / 3, maturity_threshold=0, mode=mode)
    step(network, optimizer, X)
    assert newborn(network) == [1]


def test_a_unit_is_mature_once_its_age_is_strictly_above_the_threshold():
    network = three_units()
    optimizer = frozen(network, replacement_rate=1.0, maturity_threshold=2)
    for expected in (0, 0, 3):  # ages 1, 2, 3
        step(network, optimizer, X)
        assert replaced(optimizer) == expected
    assert optimizer.metrics()["cbp/mature"] == 0


def test_least_useful_passes_over_the_immature():
    utility, age = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([2.0, 3.0, 3.0, 9.0])
    assert least_useful(utility, age, maturity=2, count=2).tolist() == [1, 2]


def test_the_budget_adds_up_to_whole_units():
    network = three_units()
    optimizer = frozen(network, replacement_rate=0.1, maturity_threshold=0)
    counts = []
    for _ in range(8):  # 3 mature units x 0.1: 0.3, 0.6, 0.9, 1.2 -> one; the newborn is mature again after one update
        step(network, optimizer, X)
        counts.append(replaced(optimizer))
    assert counts == [0, 0, 0, 1, 1, 1, 2, 2]  # 0.2 left, 0.5, 0.8, 1.1 -> one, 0.4


def test_only_what_belongs_to_the_unit_changes():
    network = three_units()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = frozen(network, replacement_rate=1 / 3, maturity_threshold=0)
    step(network, optimizer, X)
    after = network.state_dict()
    changed = {name: (before[name] != after[name]).nonzero().tolist() for name in before}
    assert changed == {"0.weight": [[1, 0], [1, 1]], "0.bias": [], "2.weight": [[0, 1]], "2.bias": []}


@pytest.mark.parametrize("kind", [torch.optim.Adam, Adam])
def test_without_a_clock_newborn_second_moments_are_the_mean_of_their_neighbours(kind: type[torch.optim.Adam]):
    network = three_units()
    inner = kind(network.parameters(), lr=0.0)
    optimizer = ContinualBackprop(
        inner, three_unit_layer(network), replacement_rate=1 / 3, maturity_threshold=0, unit_clock=False
    )
    step(network, optimizer, X)
    assert newborn(network) == [1]
    moments = {name: inner.state[parameter] for name, parameter in network.named_parameters()}
    assert all(moments[name]["exp_avg"][1].eq(0).all() for name in ("0.weight", "0.bias"))
    assert moments["2.weight"]["exp_avg"][0, 1] == 0
    for name, axis in (("0.weight", 0), ("0.bias", 0), ("2.weight", 1)):
        first, second, third = moments[name]["exp_avg_sq"].unbind(axis)
        torch.testing.assert_close(second, (first + third) / 2)
        assert second.gt(0).any()
    clock = clock_of(optimizer)
    assert clock is None if kind is torch.optim.Adam else clock is not None and not clock.has_young_units


def test_the_bias_of_a_newborn_unit_is_zero():
    network = three_units()
    with torch.no_grad():
        network[0].bias.fill_(0.5)
    step(network, frozen(network, replacement_rate=1 / 3, maturity_threshold=0), X)
    assert network[0].bias.tolist() == [0.5, 0.0, 0.5]


def test_a_removed_units_mean_is_moved_to_its_readers_bias():
    network = three_units()
    optimizer = frozen(network, replacement_rate=1 / 3, maturity_threshold=0, move_mean_to_bias=True)
    step(network, optimizer, X)
    assert newborn(network) == [1]
    assert close(network[2].bias, [0.25 - 1.0])  # unit 1 was 1 on average and weighed -1


def test_the_mean_is_taken_since_birth_not_damped_by_the_start_at_zero():
    network = three_units()
    optimizer = frozen(network, replacement_rate=1 / 9, maturity_threshold=0, move_mean_to_bias=True, decay_rate=0.9)
    for _ in range(3):
        step(network, optimizer, X)
    assert newborn(network) == [1]
    assert close(network[2].bias, [0.25 - 1.0])


def test_several_readers_add_up():
    network = three_units()
    second = torch.nn.Linear(3, 2)
    with torch.no_grad():
        second.weight.copy_(torch.tensor([[0.0, 10.0, 0.0], [0.0, -10.0, 0.0]]))
    layers = [HiddenLayer("hidden", network[0], [network[2], second])]
    parameters = [*network.parameters(), *second.parameters()]
    optimizer = ContinualBackprop(torch.optim.SGD(parameters, lr=0.0), layers, decay_rate=0.0)
    hidden = network[1](network[0](X))
    (network[2](hidden).sum() + second(hidden).sum()).backward()
    optimizer.step()
    assert close(remembered(optimizer)["average"], [4, 21, 1.5])  # unit 1: |h| = 1 times 1 + 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replacement_rate": 3.0}, r"replacement_rate must be in \[0, 1\], got 3"),
        ({"decay_rate": -0.1}, r"decay_rate must be in \[0, 1\], got -0.1"),
        ({"maturity_threshold": -1}, "maturity_threshold must be a whole number, 0 or more, got -1"),
        ({"utility": "magic"}, "utility must be one of contribution, mean_corrected.*got 'magic'"),
        ({"mode": "never"}, "mode must be one of exact, lazy, instant; got 'never'"),
        ({"rounding": "up"}, "rounding must be one of accumulate, bernoulli; got 'up'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        frozen(three_units(), **settings)


def test_layers_that_the_optimiser_does_not_train_are_refused():
    network = three_units()
    optimizer = torch.optim.SGD(network[2].parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"does not train all weights of \['hidden'\]"):
        ContinualBackprop(optimizer, three_unit_layer(network))
    with pytest.raises(ValueError, match="no hidden layers were given"):
        ContinualBackprop(optimizer, [])
    with pytest.raises(TypeError, match=r"Optimizer|torch optimiser"):
        ContinualBackprop(network, three_unit_layer(three_units()))
