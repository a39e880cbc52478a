"""Statistics over runs, by hand."""

import numpy as np
import pytest

from plastic_rl.evaluation import (
    average_order_disparity,
    band,
    estimate,
    interquartile_mean,
    maximum_order_disparity,
    order_disparities,
    probability_of_improvement,
)


def test_interquartile_mean_is_the_mean_of_the_middle_half():
    assert interquartile_mean([1.0, 2.0, 3.0, 100.0]) == 2.5
    assert interquartile_mean([-100.0, 1, 2, 3, 4, 5, 6, 100]) == 3.5


def test_an_outlier_moves_the_mean_but_not_the_estimate():
    calm, wild = [1.0, 2, 3, 4, 5, 6, 7, 8], [1.0, 2, 3, 4, 5, 6, 7, 8e6]
    assert estimate(calm).value == estimate(wild).value == 4.5


def test_the_interval_holds_the_value_and_shrinks_with_runs():
    draws = np.random.default_rng(0).normal(10, 2, size=400)
    few, many = estimate(draws[:10]), estimate(draws)
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.4 * (few.high - few.low)
    assert many.low < 10 < many.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(1)
    covered = [low < 0 < high for _, low, high in (estimate(generator.normal(size=20)) for _ in range(100))]
    assert 0.85 <= np.mean(covered) <= 1.0


def test_equal_runs_have_no_spread():
    assert estimate([3.0, 3.0, 3.0]) == (3.0, 3.0, 3.0)


@pytest.mark.parametrize("values", [[1.0], [], [1.0, float("nan")]])
def test_an_interval_of_too_few_runs_is_refused(values: list[float]):
    with pytest.raises(ValueError, match="two runs or more"):
        estimate(values)


def test_a_band_is_an_estimate_at_each_point():
    curves = np.random.default_rng(0).normal(size=(8, 3))
    value, low, high = band(curves)
    for point in range(3):
        alone = estimate(curves[:, point])
        assert (value[point], low[point], high[point]) == pytest.approx(tuple(alone))


def test_probability_of_improvement_counts_pairs():
    assert probability_of_improvement([2.0, 4.0], [1.0, 3.0]) == 0.75
    assert probability_of_improvement([1.0, 1.0], [1.0, 1.0]) == 0.5


def test_order_disparity_by_hand():
    # Task 0 ends at 60, 70 and 66 in the mean over two runs of each order, task 1 at 80, 79 and 80.
    accuracies = [[[58, 81], [62, 79]], [[70, 79], [70, 79]], [[66, 80], [66, 80]]]
    assert order_disparities(accuracies).tolist() == [10.0, 1.0]
    assert average_order_disparity(accuracies) == 5.5
    assert maximum_order_disparity(accuracies) == 10.0


def test_order_disparity_is_of_means_not_of_runs():
    assert order_disparities([[[0.0], [1.0]], [[1.0], [0.0]]]).tolist() == [0.0]


@pytest.mark.parametrize("accuracies", [[[[0.5]]], [[0.5, 0.6]], [[[]], [[]]], [[[0.5]], [[float("nan")]]]])
def test_disparity_of_less_than_two_orders_of_complete_runs_is_refused(accuracies):
    with pytest.raises(ValueError, match="orders >= 2"):
        order_disparities(accuracies)
