"""The record of replacements: what was replaced when, how useful and how old it was."""

import csv

import pytest
import torch
from torch import nn

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim import ContinualBackprop, UnitsReplaced
from plastic_rl.optim.audit import AuditLog, Replacement, write_csv


def three_units(**settings):
    """Contributions |h| |w_out| of three ReLU units on an input of ones: 2 * 3, 1 * 1 and 4 * 0.5."""
    net = nn.Sequential(nn.Linear(1, 3, bias=False), nn.ReLU(), nn.Linear(3, 1))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[2.0], [1.0], [4.0]]))
        net[2].weight.copy_(torch.tensor([[3.0, -1.0, 0.5]]))
    settings = {"replacement_rate": 0.1, "maturity_threshold": 1, **settings}
    layers = [HiddenLayer("hidden", net[0], [net[2]])]
    return net, ContinualBackprop(torch.optim.SGD(net.parameters(), lr=0.0), layers, **settings)


def layer():
    return HiddenLayer("layer", nn.Linear(1, 3), [nn.Linear(3, 1)])


def train(net, optimizer, steps):
    for _ in range(steps):
        net(torch.ones(1, 1)).sum().backward()
        optimizer.step()


def test_each_replacement_is_noted_with_step_layer_unit_utility_and_age():
    # 0.3 of a unit falls due at each step from the second on: at the fifth it is 1.2, and the least useful goes.
    net, optimizer = three_units(audit_size=10)
    train(net, optimizer, 5)
    (replacement,) = optimizer.replacements()
    assert (replacement.step, replacement.layer, replacement.unit, replacement.age) == (5, "hidden", 1, 5)
    assert replacement.utility == pytest.approx(1.0)


def test_nothing_is_kept_unless_asked_for():
    net, optimizer = three_units()
    train(net, optimizer, 20)
    assert optimizer.metrics()["cbp/replaced"] > 0
    assert optimizer.replacements() == []


def test_the_audit_changes_nothing():
    runs = []
    for size in (0, 5):
        net, optimizer = three_units(audit_size=size, seed=0)
        train(net, optimizer, 40)
        runs.append(net[0].weight.detach().clone())
    assert torch.equal(*runs)


def test_the_latest_are_kept_in_their_order():
    log, values = AuditLog(2), torch.tensor([0.5, 0.25, 0.75])
    for step in (1, 2, 3):
        log.add(UnitsReplaced(step, layer(), torch.tensor([step - 1]), values, torch.full((3,), 10.0 + step)))
    assert log.replacements() == [Replacement(2, "layer", 1, 0.25, 12), Replacement(3, "layer", 2, 0.75, 13)]


def test_two_units_of_one_step_are_two_replacements():
    log = AuditLog(2)
    utility, age = torch.tensor([0.5, 0.25, 0.125]), torch.tensor([30.0, 20.0, 10.0])
    log.add(UnitsReplaced(7, layer(), torch.tensor([2, 0]), utility, age))
    assert log.replacements() == [Replacement(7, "layer", 2, 0.125, 10), Replacement(7, "layer", 0, 0.5, 30)]


def test_the_table_has_a_line_for_each(tmp_path):
    write_csv([Replacement(5, "hidden", 1, 0.25, 5)], tmp_path / "replacements.csv")
    with (tmp_path / "replacements.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row == {"step": "5", "layer": "hidden", "unit": "1", "utility": "0.25", "age": "5"}


def test_metrics_tell_the_lowest_utility_and_the_mean_age():
    net, optimizer = three_units()
    train(net, optimizer, 4)
    metrics = optimizer.metrics()
    assert metrics["cbp/utility_min/hidden"] == pytest.approx(1.0)
    assert metrics["cbp/age_mean/hidden"] == 4
    train(net, optimizer, 1)
    assert optimizer.metrics()["cbp/age_mean/hidden"] == pytest.approx((5 + 5 + 0) / 3)
    # The second unit is newborn and therefore not among the mature; the third contributes 4 * 0.5.
    assert optimizer.metrics()["cbp/utility_min/hidden"] == pytest.approx(2.0)


def test_without_a_mature_unit_there_is_no_lowest_utility():
    net, optimizer = three_units(maturity_threshold=100)
    train(net, optimizer, 4)
    assert "cbp/utility_min/hidden" not in optimizer.metrics()


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="audit_size must be a whole number, 0 or more, got -1"):
        three_units(audit_size=-1)
