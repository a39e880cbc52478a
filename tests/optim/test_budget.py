"""How many units fall due: worked out by hand, counted on ages, and never a burst."""

import random

import pytest

from plastic_rl.choices import Rounding
from plastic_rl.optim.budget import Budget


def counts(budget, steps, chance=lambda: 0.0, first=1):
    return [budget.due(step, chance()) for step in range(first, first + steps)]


def test_a_quarter_of_a_unit_a_step_is_one_unit_every_fourth():
    # 10 units mature at step 3 (older than 2); 10 * 0.025 = 0.25 is owed from then on.
    budget = Budget(units=10, rate=0.025, maturity=2)
    assert counts(budget, 6) == [0, 0, 0, 0, 0, 1]
    # Nine are mature now, 0.225 a step, until the newborn of step 6 is older than 2 at step 9.
    assert budget.owed == 0.0
    assert counts(budget, 3, first=7) == [0, 0, 0]
    assert budget.owed == pytest.approx(0.225 + 0.225 + 0.25)
    assert counts(budget, 2, first=10) == [0, 1]
    assert budget.replaced == 2


def test_maturity_is_strictly_greater():
    budget = Budget(units=4, rate=1.0, maturity=3)
    assert [budget.mature(step) for step in (1, 3, 4)] == [0, 0, 4]


def test_more_than_one_unit_can_fall_due_at_a_step():
    budget = Budget(units=10, rate=0.25, maturity=0)
    # 2.5 are owed: two, and a half is carried; a step later all ten are older than 0 again: half and 2.5 are three.
    assert counts(budget, 2) == [2, 3]
    assert budget.owed == 0.0


def test_bernoulli_replaces_one_unit_when_the_draw_is_below_the_expectation():
    budget = Budget(units=10, rate=0.025, maturity=0, rounding=Rounding.bernoulli)
    draws = iter([0.3, 0.24, 0.25])
    assert counts(budget, 3, lambda: next(draws)) == [0, 1, 0]


def test_bernoulli_drops_the_fraction_above_one():
    budget = Budget(units=10, rate=0.19, maturity=0, rounding=Rounding.bernoulli)
    assert budget.due(1, 0.99) == 1


def test_nothing_ever_falls_due_at_rate_zero():
    assert sum(counts(Budget(units=100, rate=0.0, maturity=0), 1000)) == 0


def test_maturing_of_a_layer_brings_no_burst():
    budget = Budget(units=256, rate=1e-4, maturity=1000)
    assert sum(counts(budget, 1000)) == 0
    assert max(counts(budget, 1000, first=1001)) == 1


@pytest.mark.parametrize("rounding", Rounding)
def test_the_host_counts_what_ages_would(rounding):
    units, rate, maturity, draws = 30, 0.013, 7, random.Random(0)
    budget, ages, owed = Budget(units, rate, maturity, rounding), [0] * units, 0.0
    for step in range(1, 400):
        ages = [age + 1 for age in ages]
        eligible = [unit for unit, age in enumerate(ages) if age > maturity]
        chance = draws.random()
        owed += len(eligible) * rate
        expected = int(owed) if rounding is Rounding.accumulate else int(chance < len(eligible) * rate)
        assert budget.mature(step) == len(eligible)
        assert budget.due(step, chance) == expected
        owed -= expected
        for unit in draws.sample(eligible, expected):
            ages[unit] = 0


def test_looking_ahead_changes_nothing_and_is_right():
    budget, other = (Budget(units=20, rate=0.03, maturity=5) for _ in range(2))
    for step in range(1, 200):
        assert budget.upcoming(step, 0.0) == budget.upcoming(step, 0.0)
        assert budget.upcoming(step, 0.0) == other.due(step, 0.0) == budget.due(step, 0.0)


def test_the_long_run_number_is_the_rate_times_the_mature_units():
    budget, owed = Budget(units=512, rate=1e-3, maturity=50), 0.0
    for step in range(1, 5000):
        owed += budget.mature(step) * budget.rate
        budget.due(step, 0.0)
        assert abs(owed - budget.replaced) < 1 + 1e-9


def test_a_restored_account_goes_on_the_same():
    budget, other = (Budget(units=20, rate=0.03, maturity=5) for _ in range(2))
    counts(budget, 123)
    other.load_state_dict(budget.state_dict())
    assert counts(budget, 100, first=124) == counts(other, 100, first=124)
    assert budget.state_dict() == other.state_dict()
