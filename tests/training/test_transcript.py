"""Forgetting and transfer, worked out by hand from a matrix of accuracies."""

import pytest

from plastic_rl.streams import Plan
from plastic_rl.training import transcript
from plastic_rl.training.transcript import Transcript
from tests.streams import small


def written_as(*rows):
    """One of one seed."""
    written = Transcript()
    written.rows = [[[value] for value in row] for row in rows]
    return written


def test_average_forgetting_and_backward_transfer_by_hand():
    # Task 0 was best at 0.9 and is 0.6 now; task 1 was 0.7 when new and is 0.9 now.
    numbers = written_as([0.9], [0.8, 0.7], [0.6, 0.9, 0.5]).metrics(0)
    assert numbers == {
        "test/average": pytest.approx((0.6 + 0.9 + 0.5) / 3),
        "forgetting": pytest.approx((0.3 + (0.7 - 0.9)) / 2),
        "transfer/backward": pytest.approx(((0.6 - 0.9) + (0.9 - 0.7)) / 2),
    }


def test_the_best_of_a_task_may_be_later_than_when_it_was_new():
    numbers = written_as([0.5], [0.9, 0.7], [0.6, 0.7, 0.5]).metrics(0)
    assert numbers["forgetting"] == pytest.approx((0.3 + 0.0) / 2)
    assert numbers["transfer/backward"] == pytest.approx((0.1 + 0.0) / 2)


def test_after_one_task_there_is_nothing_to_forget():
    assert written_as([0.9]).metrics(0) == {"test/average": 0.9}
    assert Transcript().metrics(0) == {}


def test_seeds_are_told_apart():
    written = Transcript()
    written.rows = [[[0.9, 0.5]], [[0.6, 0.7], [0.8, 1.0]]]
    assert [written.metrics(seed)["forgetting"] for seed in (0, 1)] == pytest.approx([0.3, -0.2])


def test_looking_back_tests_on_every_task_so_far():
    stream = small.Numbers(Plan(3), targets=[[0]] * 3, test=[[0, 0, 0, 1], [1, 1, 1, 1], [0, 1, 0, 1]])
    learner, written = small.Scripted([stream]), Transcript()
    written.look_back(learner, [stream], 2)
    assert written.rows == [[[0.75], [0.0], [0.5]]]


def test_a_saved_transcript_goes_on_alike():
    written, other = written_as([0.9], [0.6, 0.8]), Transcript()
    written.left = {3: [0.25]}
    other.load_state_dict(written.state_dict())
    assert (other.rows, other.left) == (written.rows, written.left)
    other.rows.append([])
    assert len(written.rows) == 2


def test_a_task_without_test_examples_is_refused_by_its_number():
    stream = small.Numbers(Plan(1), targets=[[0]])
    with pytest.raises(ValueError, match="task 0 has no examples to be tested on"):
        transcript.tested(small.Scripted([stream]), [stream.task(0)], False)


def test_many_test_examples_are_looked_at_a_part_at_a_time_and_all_are_counted(monkeypatch):
    monkeypatch.setattr("plastic_rl.training.scoring.MOST_AT_ONCE", 2)
    stream = small.Numbers(Plan(1), targets=[[0]], test=[[0, 1, 0, 1, 0]])
    learner = small.Scripted([stream])
    assert transcript.tested(learner, [stream.task(0)], False) == [0.6]
    assert learner.diary == ["predict [[-1.0, -2.0]]", "predict [[-3.0, -4.0]]", "predict [[-5.0]]"]


def test_a_regression_is_tested_by_its_mean_squared_error():
    stream = small.Numbers(Plan(1), targets=[[[0.0]]], test=[[[1.0], [3.0]]], width=1, is_regression=True)
    assert transcript.tested(small.Scripted([stream]), [stream.task(0)], True) == [5.0]
