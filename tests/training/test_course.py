"""The way through a stream: what happens in which order, and what is recorded of it, worked out by hand."""

import pytest
import torch

from plastic_rl.streams import Examples, Plan, batches
from plastic_rl.training.course import Course, example_count
from tests.streams import small
from tests.streams.small import Numbers, Scripted, go_through


def as_it_comes(tasks=1, epochs=1, batch_size=1, **settings):
    return Plan(tasks, epochs, batch_size, shuffles=False, **settings)


def last(recorded):
    """What was recorded when the last task ended, of the only seed."""
    return recorded[-1][1][0]


def test_online_accuracy_counts_what_was_said_before_each_update():
    # The learner says the last target that it saw, at first 0: 0 0 0 1 1 1. Asked afterwards it would always be right.
    stream = Numbers(as_it_comes(), targets=[[0, 0, 1, 1, 1, 0]])
    assert last(go_through([stream], Scripted([stream])))["online/accuracy"] == 4 / 6


def test_in_a_minibatch_nothing_is_learned_from_the_examples_before():
    # Of (0 0 1) (1 1 0) it says 0 0 0, then 1 1 1.
    stream = Numbers(as_it_comes(batch_size=3), targets=[[0, 0, 1, 1, 1, 0]])
    assert last(go_through([stream], Scripted([stream])))["online/accuracy"] == 4 / 6
    stream = Numbers(as_it_comes(batch_size=4), targets=[[0, 0, 1, 1, 1, 0]])  # 0 0 0 0, 1 1
    assert last(go_through([stream], Scripted([stream])))["online/accuracy"] == 3 / 6


def test_online_error_is_the_mean_squared_error_before_each_update():
    # It says 0, 1, 3: errors 1, 4, 9.
    stream = Numbers(as_it_comes(), targets=[[[1.0], [3.0], [0.0]]], width=1, is_regression=True)
    numbers = last(go_through([stream], Scripted([stream])))
    assert numbers["online/error"] == pytest.approx(14 / 3)
    assert "test/error" not in numbers


def test_online_means_the_first_pass_and_train_the_last():
    # It says 0 0 1 in the first pass, and 1 0 1 in the second.
    stream = Numbers(as_it_comes(epochs=2), targets=[[0, 1, 1]])
    numbers = last(go_through([stream], Scripted([stream])))
    assert numbers["online/accuracy"] == 2 / 3
    assert numbers["train/accuracy"] == 1 / 3


def test_everything_happens_in_order():
    stream = Numbers(
        as_it_comes(tasks=2, epochs=2, batch_size=2, milestones=(1,), decay=0.5),
        targets=[[0, 0, 1], [1]],
        test=[[0], [0]],
    )
    learner = Scripted([stream])
    go_through([stream], learner)
    first = ["learn [[0.0, 1.0]]", "learn [[2.0]]"]
    assert learner.diary == [
        *("begin 0", "diagnose [[0.0, 1.0, 2.0]]", "rate 1", *first, "rate 0.5", *first, "predict [[-1.0]]"),
        *("begin 1", "diagnose [[0.0]]", "rate 1", "learn [[0.0]]", "rate 0.5", "learn [[0.0]]", "predict [[-1.0]]"),
    ]


def test_the_learning_rate_falls_at_milestones():
    factors = [Plan(1, 200, milestones=(60, 120), decay=0.2).learning_rate_factor(epoch) for epoch in (0, 59, 60, 120)]
    assert factors == pytest.approx([1.0, 1.0, 0.2, 0.04])


@pytest.mark.parametrize("name", ["tasks", "epochs", "batch_size"])
def test_a_plan_without_anything_to_do_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        Plan(**{"tasks": 1, name: 0})


def test_each_task_is_recorded_when_it_begins_and_when_it_ends():
    stream = Numbers(as_it_comes(tasks=2), 5, targets=[[0, 0], [0]], changes={1: {"parameters": {"angle": 30}}})
    recorded = go_through([stream], Scripted([stream]))
    assert [(step, numbers[0]["task/index"]) for step, numbers in recorded] == [(0, 0), (2, 0), (2, 1), (3, 1)]
    assert recorded[0][1] == [{"units/dead": 0.0, "seed": 5, "task/index": 0}]
    assert recorded[3][1] == [
        {"online/accuracy": 1.0, "cbp/replaced": 7, "seed": 5, "task/index": 1, "task/angle": 30},
    ]


def test_how_long_a_task_took_is_recorded():
    stream, recorded = Numbers(as_it_comes(), targets=[[0]]), []
    Course([stream], Scripted([stream]), lambda _, numbers: recorded.extend(numbers), lambda: None).go()
    assert 0 <= recorded[-1]["time/seconds"] < 60


def test_seeds_are_recorded_one_by_one():
    streams = [Numbers(as_it_comes(), seed, targets=[[0, label]]) for seed, label in ((3, 0), (4, 1))]
    recorded = go_through(streams, Scripted(streams))
    assert [(own["seed"], own["online/accuracy"]) for own in recorded[-1][1]] == [(3, 1.0), (4, 0.5)]


def test_the_network_is_measured_on_the_first_examples_of_the_task_before_it_learns_them(monkeypatch):
    monkeypatch.setattr("plastic_rl.training.course.EXAMPLES_TO_DIAGNOSE_ON", 2)
    stream = Numbers(Plan(1), targets=[[0] * 9], changes={0: {"augment": lambda seen, _: seen + 0.5}})
    learner = Scripted([stream])
    go_through([stream], learner)
    assert learner.diary[:2] == ["begin 0", "diagnose [[0.0, 1.0]]"]


def test_the_best_weights_on_validation_examples_are_tested_and_carried_over():
    # Orders 0 1 | 0 1: after each pass it says 1, right in validation. A second task ends with 0, which is worse.
    stream = Numbers(
        as_it_comes(tasks=2, epochs=2, carries_best=True),
        targets=[[0, 1], [1, 0]],
        test=[[1, 1, 0], [1, 0, 0]],
        validation=[[1], [1, 1, 0]],
    )
    learner = Scripted([stream])
    (_, _), (_, (first,)), (_, _), (_, (second,)) = go_through([stream], learner)
    assert (first["validation/accuracy"], first["test/accuracy"]) == (1.0, 2 / 3)
    assert (second["validation/accuracy"], second["test/accuracy"]) == (1 / 3, 2 / 3)


def test_a_later_pass_that_does_worse_is_taken_back():
    stream = Numbers(as_it_comes(epochs=2, carries_best=True), targets=[[1, 0, 1]], test=[[1]], validation=[[1]])
    learner, passes = Scripted([stream]), []

    def spoil(course, _):
        passes.append(course.position.epoch)
        if course.position.epoch == 1:
            learner.weights[0].last.data.zero_()

    numbers = last(go_through([stream], learner, spoil))
    assert 1 in passes
    assert (numbers["validation/accuracy"], numbers["test/accuracy"]) == (1.0, 1.0)


def test_looking_back_records_what_is_left_of_the_tasks_before():
    # It ends task 0 saying 0 and task 1 saying 1, which is right on half of task 0's tests.
    stream = Numbers(as_it_comes(tasks=2, looks_back=True), targets=[[0], [1]], test=[[0, 0, 0, 1], [1, 1]])
    recorded = go_through([stream], Scripted([stream]))
    assert recorded[1][1][0]["test/average"] == 0.75
    numbers = last(recorded)
    assert numbers["test/accuracy"] == 1.0
    assert numbers["test/average"] == (0.25 + 1) / 2
    assert numbers["forgetting"] == 0.5
    assert numbers["transfer/backward"] == -0.5


def test_a_task_that_returns_is_tested_before_anything_is_learned_of_it_again():
    stream = Numbers(
        as_it_comes(tasks=3),
        targets=[[0], [1], [0]],
        test=[[0, 0, 0, 1], [1, 1], [0, 0, 0, 1]],
        changes={2: {"identity": 0}},
    )
    learner = Scripted([stream])
    begins = [own for _, (own,) in go_through([stream], learner)][::2]
    assert "return/left_at" not in begins[0] | begins[1]
    assert (begins[2]["return/left_at"], begins[2]["return/found_at"]) == (0.75, 0.25)
    assert learner.diary.index("begin 2") > learner.diary.index("predict [[-1.0, -2.0, -3.0, -4.0]]")


def test_outputs_that_are_no_numbers_are_noticed_in_the_chunk_where_they_are_said():
    class Ill(Scripted):
        def update(self, inputs, targets, task):
            return super().update(inputs, targets, task) / (inputs.sum() - 3).clamp(0).sign()

    stream, healthy = Numbers(as_it_comes(), targets=[[0] * 6]), []
    go_through([stream], Ill([stream]), lambda course, _: healthy.append(course.is_healthy))
    assert healthy == [False, False]


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 2},
        {"epochs": 2, "carries_best": True},
        {"looks_back": True},
        {"epochs": 3, "carries_best": True, "looks_back": True, "milestones": (1,), "decay": 0.5},
    ],
)
def test_a_course_that_is_gone_on_with_at_any_pause_is_the_whole_one(monkeypatch, settings):
    monkeypatch.setattr(batches, "EXAMPLES_IN_A_CHUNK", 4)
    streams = [small.Blobs(Plan(3, batch_size=2, **settings), seed, examples=9, returning=2) for seed in (0, 1)]
    saved = []
    whole = go_through(
        streams, Scripted(streams), lambda course, recorded: saved.append((len(recorded), course.state_dict()))
    )
    assert len(saved) > 9
    for lines, state in saved:
        assert go_through(streams, Scripted(streams), saved=state) == whole[lines:]


def test_the_number_of_examples_to_come_is_known_beforehand():
    stream = Numbers(Plan(2, 3), targets=[[0, 0], [0, 0, 0, 0, 0]])
    assert example_count(stream) == 21


def test_targets_of_a_split_task_are_counted_from_its_first_output():
    # The learner says the output that it saw last, the first of the task's own: right from the second on.
    split = {"outputs": slice(2, 4), "train": Examples(torch.zeros(3, 1), torch.tensor([3, 3, 3]))}
    stream = Numbers(as_it_comes(), targets=[[0]], width=4, changes={0: split})
    assert last(go_through([stream], Scripted([stream])))["online/accuracy"] == 2 / 3
