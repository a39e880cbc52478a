"""Values and schedules: worked out by hand, then by their statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plastic_rl.nonstationary import (
    At,
    Bursts,
    Clock,
    Constant,
    Cycle,
    Draws,
    Every,
    EveryEpisodes,
    LinearDrift,
    Listed,
    LogUniformValues,
    NormalValues,
    OrnsteinUhlenbeck,
    PoissonSchedule,
    Sinusoid,
    UniformValues,
    random_walk,
)


def values(source, count: int, seed: int = 0) -> list[float]:
    return [source.value(index, Draws(seed)) for index in range(count)]


def tasks(schedule, steps: list[int]) -> list[int]:
    return [schedule.task(Clock(step, 0)) for step in steps]


def test_drifts_by_hand():
    assert values(Constant(0.3), 2) == [0.3, 0.3]
    assert values(Listed([1.0, 2.0, 3.0]), 5) == [1.0, 2.0, 3.0, 1.0, 2.0]
    assert values(LinearDrift(1.0, 3.0, 4), 6) == [1.0, 1.5, 2.0, 2.5, 3.0, 3.0]
    np.testing.assert_allclose(values(Sinusoid(1.0, 0.5, 4), 5), [1.0, 1.5, 1.0, 0.5, 1.0], atol=1e-15)
    assert values(OrnsteinUhlenbeck(2.0, 0.0, 0.5), 3) == [2.0, 2.0, 2.0]


def test_a_walk_is_the_sum_of_its_moves_and_can_be_entered_anywhere():
    moves = [0.1 * Draws(5)[index].standard_normal() for index in (1, 2, 3)]
    walk = random_walk(1.0, 0.1)
    assert walk.value(3, Draws(5)) == pytest.approx(1.0 + sum(moves), rel=1e-12)
    assert walk.value(1, Draws(5)) == pytest.approx(1.0 + moves[0], rel=1e-12)
    assert walk.value(1, Draws(6)) != walk.value(1, Draws(5))


def test_a_walk_stays_within_its_bounds():
    walk = values(random_walk(0.5, 1.0, low=0.0, high=1.0), 300)
    assert min(walk) == 0.0
    assert max(walk) == 1.0


def test_what_pulls_back_keeps_the_spread_finite():
    # The stationary deviation of x' = (1 - k) x + s N is s / sqrt(1 - (1 - k)^2) = 0.1 / sqrt(0.19).
    walk = np.array(values(OrnsteinUhlenbeck(0.0, 0.1, 0.1), 4000))
    assert walk.std() == pytest.approx(0.1 / math.sqrt(0.19), rel=0.15)


def test_draws_have_their_distributions():
    assert np.mean(values(UniformValues(1.0, 3.0), 2000)) == pytest.approx(2.0, abs=0.05)
    assert np.std(values(NormalValues(0.0, 2.0), 2000)) == pytest.approx(2.0, abs=0.1)
    assert np.median(values(LogUniformValues(0.01, 1.0), 2000)) == pytest.approx(0.1, rel=0.15)


def test_numbers_of_one_change_are_drawn_independently():
    first, second = (values_of_part(part) for part in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1


def values_of_part(part: int) -> list[float]:
    return [UniformValues(0.0, 1.0).value(index, Draws(0).of(part)) for index in range(500)]


def test_schedules_by_hand():
    assert tasks(Every(10), [0, 9, 10, 25]) == [0, 0, 1, 2]
    assert tasks(At([5, 7]), [0, 4, 5, 6, 7, 99]) == [0, 0, 1, 1, 2, 2]
    assert tasks(Cycle(Every(10), 2), [0, 10, 20, 35]) == [0, 1, 0, 1]
    assert tasks(Bursts(10, 2), [0, 7, 8, 9, 10, 18, 20]) == [0, 0, 1, 1, 0, 2, 0]
    assert [EveryEpisodes(3).task(Clock(0, episode)) for episode in (0, 2, 3, 7)] == [0, 0, 1, 2]


def test_a_cycle_changes_when_its_schedule_does():
    assert Cycle(Every(10, at="step"), 2).at == "step"
    assert Cycle(Every(10), 2).at == "reset"


def test_poisson_jumps_are_a_function_of_the_seed_and_come_at_their_rate():
    schedule = PoissonSchedule(100.0, seed=3)
    late_first = [schedule.task(Clock(step, 0)) for step in (5000, 10, 5000)]
    assert late_first[0] == late_first[2] == PoissonSchedule(100.0, seed=3).task(Clock(5000, 0))
    assert late_first[1] <= late_first[0]
    assert PoissonSchedule(100.0, seed=3).task(Clock(100_000, 0)) == pytest.approx(1000, abs=100)
    assert PoissonSchedule(100.0, seed=4).task(Clock(5000, 0)) != late_first[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Every(0), "steps must be at least 1, got 0"),
        (lambda: EveryEpisodes(0), "episodes must be at least 1, got 0"),
        (lambda: At([3, 2]), "steps must ascend"),
        (lambda: Every(1, at="now"), "at must be 'reset' or 'step', got 'now'"),
        (lambda: Cycle(Every(1), 0), "tasks must be at least 1, got 0"),
        (lambda: Bursts(5, 5), "0 < length < period"),
        (lambda: PoissonSchedule(0.5), "mean_steps must be at least 1, got 0.5"),
        (lambda: LogUniformValues(0.0, 1.0), "log-uniform needs 0 < low <= high"),
        (lambda: UniformValues(2.0, 1.0), "low must not exceed high"),
        (lambda: Listed([]), "numbers must not be empty"),
        (lambda: LinearDrift(0.0, 1.0, 0), "tasks must be at least 1, got 0"),
        (lambda: Sinusoid(0.0, 1.0, 0), "tasks must be at least 1, got 0"),
        (lambda: OrnsteinUhlenbeck(0.0, 1.0, 2.0), r"pull must be in \[0, 1\], got 2"),
        (lambda: random_walk(5.0, 1.0, high=1.0), r"start must be in \[low, high\]"),
        (lambda: Draws(-1), "seed must be at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
