"""Lives on a grid, and what changes took, by hand."""

from pathlib import Path

import numpy as np
import pytest

from plastic_rl.compare import Run, Series, after_changes, drops, recoveries
from plastic_rl.compare.lives import grid, on_grid


def run(values, *, changes=(), score_name="return"):
    steps = np.arange(1, len(values) + 1, dtype=float)
    score = Series(steps, np.array(values, dtype=float))
    return Run(
        path=Path("x"),
        name="x",
        score=score,
        score_name=score_name,
        length=float(len(values)),
        changes=tuple(map(float, changes)),
    )


def test_bins_have_means_and_what_nobody_measured_lies_between_its_neighbours():
    series = Series(np.array([1.0, 2.0, 5.0, 9.0]), np.array([1.0, 3.0, 8.0, 5.0]))
    assert on_grid(series, np.array([2.0, 4.0, 6.0, 8.0])).tolist() == [2.0, 5.0, 8.0, 8.0]


def test_the_grid_is_the_life_that_all_have_in_common():
    assert grid([run([0] * 8), run([0] * 20)], bins=4).tolist() == [2.0, 4.0, 6.0, 8.0]


def test_a_drop_is_the_mean_before_a_change_less_that_after_it():
    """Tasks of 100: 10 before the change, 2 for 40 steps after it, then 10; a tenth of a task is 10 steps."""
    life = run([10] * 100 + [2] * 40 + [10] * 60, changes=(100,))
    assert drops(life).tolist() == [8.0]


def test_recovery_is_when_a_mean_over_ten_has_nine_tenths_of_the_loss_back():
    """2 + 0.9 x 8 = 9.2 needs nine tens and a two among ten: 10 x 9 + 2 = 92, at the ninth ten, step 40 + 9."""
    life = run([10] * 100 + [2] * 40 + [10] * 60, changes=(100,))
    assert recoveries(life).tolist() == [49.0]


def test_what_never_comes_back_took_at_least_the_task():
    life = run([10] * 100 + [2] * 100, changes=(100,))
    assert recoveries(life).tolist() == [100.0]


def test_a_change_that_takes_nothing_needs_no_recovery():
    assert recoveries(run([5] * 200, changes=(100,))).tolist() == [0.0]


def test_an_error_drops_when_it_rises():
    life = run([1] * 100 + [5] * 100, changes=(100,), score_name="online error")
    assert drops(life).tolist() == [4.0]
    assert recoveries(life).tolist() == [100.0]


def test_the_first_steps_of_a_task_that_nobody_asked_for_are_no_change():
    life = run([10] * 100 + [2] * 100 + [3] * 2, changes=(100, 200))
    assert len(drops(life)) == 1


def test_the_mean_over_changes():
    life = run([0] * 100 + [1] * 100 + [3] * 100, changes=(100, 200))
    steps, values = after_changes(life)
    assert steps[-1] == 100
    assert set(values) == {2.0}


def test_a_score_knows_which_way_is_up():
    assert run([1], score_name="online error").less_is_better
    assert not run([1], score_name="test accuracy").less_is_better


def test_no_changes_no_drops():
    assert drops(run([1, 2])).size == 0
    assert after_changes(run([1, 2]))[0].size == 0
    assert np.isnan(on_grid(Series(np.empty(0), np.empty(0)), np.array([1.0]))).all()
    assert recoveries(run([1.0])) == pytest.approx([])
