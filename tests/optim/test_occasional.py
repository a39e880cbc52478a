"""Methods that act at changes and at intervals: when they do, how they are told, and what they remember."""

import pytest
import torch
from torch import nn

from plastic_rl.optim import PlasticOptimizer, methods_in
from tests.optim.halving import Halving


def around(weight, **settings):
    return Halving(torch.optim.SGD([weight], lr=0.0), **settings)


def stepped(optimizer, weight, updates):
    seen = []
    for _ in range(updates):
        optimizer.step()
        seen.append(weight.item())
    return seen


def test_at_an_interval_it_acts_after_every_so_many_updates():
    weight = nn.Parameter(torch.ones(1))
    assert stepped(around(weight, every=2), weight, 5) == [1, 0.5, 0.5, 0.25, 0.25]


def test_at_a_change_it_acts_if_it_was_asked_to():
    for on_change, expected in ((True, 0.5), (False, 1.0)):
        weight = nn.Parameter(torch.ones(1))
        optimizer = around(weight, on_change=on_change)
        optimizer.begin_task()
        assert weight.item() == expected
        assert optimizer.metrics() == {"halving/times": int(on_change)}


def test_all_methods_of_a_stack_hear_of_tasks_and_rollouts_the_innermost_first():
    weight = nn.Parameter(torch.ones(1))
    optimizer = PlasticOptimizer(Halving(PlasticOptimizer(around(weight))))
    heard = []
    inner, outer = (method for method in list(methods_in(optimizer))[::-1] if isinstance(method, Halving))
    inner.act, outer.act = (lambda: heard.append("inner")), (lambda: heard.append("outer"))
    optimizer.begin_task()
    optimizer.begin_rollout()
    assert heard == ["inner", "outer"]
    assert (inner.rollouts, outer.rollouts) == ([0], [0])


def test_it_counts_on_where_a_saved_one_was_and_not_in_the_same_dict():
    weight, other = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    saved, loaded = around(weight, every=3), around(other, every=3)
    saved.step()
    saved.step()
    loaded.load_state_dict(saved.state_dict())
    saved.step()
    assert other.item() == 1
    loaded.step()
    assert (weight.item(), other.item()) == (0.5, 0.5)


def test_it_says_when_it_will_never_act():
    weight = nn.Parameter(torch.ones(1))
    assert len(list(around(weight, on_change=False).concerns())) == 1
    assert "1,000" in next(around(weight, on_change=False, every=1000).concerns(100))
    assert list(around(weight).concerns(100)) == list(around(weight, every=10).concerns(100)) == []


def test_an_interval_that_is_none_is_refused():
    with pytest.raises(ValueError, match="every"):
        around(nn.Parameter(torch.ones(1)), every=-1)
