"""Measures of a life of many tasks, by numbers worked out by hand."""

import pytest

from plastic_rl.continual import (
    Episode,
    area_per_task,
    average,
    average_over_life,
    backward_transfer,
    drops,
    episodes_of,
    forgetting,
    forward_transfer,
    steps_to_recover,
)

MATRIX = [[0.9], [0.7, 0.8], [0.8, 0.5, 0.6]]


def test_forgetting_is_from_the_best_and_backward_transfer_from_the_first():
    assert average(MATRIX) == pytest.approx((0.8 + 0.5 + 0.6) / 3)
    assert forgetting(MATRIX) == pytest.approx(((0.9 - 0.8) + (0.8 - 0.5)) / 2)
    assert backward_transfer(MATRIX) == pytest.approx(((0.8 - 0.9) + (0.5 - 0.8)) / 2)
    assert forgetting(MATRIX[:1]) is backward_transfer(MATRIX[:1]) is None


def test_entries_of_tasks_to_come_do_not_count():
    wider = [[0.9, 0.99], [0.7, 0.8, 0.99], [0.8, 0.5, 0.6, 0.99]]
    assert (average(wider), forgetting(wider)) == (average(MATRIX), forgetting(MATRIX))


def test_forward_transfer_is_over_what_an_untrained_agent_does():
    assert forward_transfer([0.5, 0.3], [0.1, 0.2]) == pytest.approx(0.25)
    assert forward_transfer([], []) is None


# Two tasks: returns 10 and 10 in 10 steps each; then 1, 1, 9 and 10.
LIFE = [
    *(Episode(10, 10, 10.0, 0), Episode(20, 10, 10.0, 0), Episode(21, 1, 1.0, 1), Episode(22, 1, 1.0, 1)),
    *(Episode(31, 9, 9.0, 1), Episode(41, 10, 10.0, 1)),
]


def test_each_step_counts_with_the_return_of_its_episode():
    assert average_over_life(LIFE) == pytest.approx((200 + 1 + 1 + 81 + 100) / 41)
    assert area_per_task(LIFE) == {0: 10.0, 1: pytest.approx(183 / 21)}


def test_a_change_is_followed_by_a_drop_and_a_recovery():
    assert drops(LIFE, count=2) == {1: 9.0}
    assert steps_to_recover(LIFE, count=2) == {1: 21}  # 9.5 at step 41, where 9 is enough
    assert steps_to_recover(LIFE, count=1) == {1: 11}
    assert steps_to_recover(LIFE[:5], count=2) == {1: None}


def test_the_level_of_negative_returns_lies_below_them():
    costs = [Episode(1, 1, -100.0, 0), Episode(2, 1, -111.0, 1), Episode(3, 1, -110.0, 1)]
    assert steps_to_recover(costs, count=1) == {1: 2}


def test_episodes_are_read_from_metrics():
    lines = [{"global_step": 7, "episode/return": 2.5, "episode/length": 7, "task/index": 3}, {"global_step": 8}]
    assert episodes_of(lines) == [Episode(7, 7, 2.5, 3)]
