"""The examples of a pass: in which order, in what portions, and the same however often the pass is interrupted."""

import pytest
import torch

from plastic_rl.streams import Examples, Plan, Task, batches
from plastic_rl.streams.batches import chunks, order
from tests.streams import small

LABELS = [0, 1, 0, 1, 1, 0, 1]


def numbers(epochs=1, batch_size=1, seed=0, **settings):
    return small.Numbers(Plan(2, epochs, batch_size, **settings), seed, targets=[LABELS, LABELS])


def the_pass(stream, task=0, epoch=0, start=0):
    """All inputs and targets of a pass, and where its chunks end."""
    got = list(chunks([stream], [stream.task(task)], epoch, start))
    return (
        torch.cat([chunk.inputs[0] for chunk in got]),
        torch.cat([chunk.targets[0] for chunk in got]),
        [chunk.end for chunk in got],
    )


@pytest.fixture
def few_examples_in_a_chunk(monkeypatch):
    monkeypatch.setattr(batches, "EXAMPLES_IN_A_CHUNK", 5)


def test_without_shuffling_examples_come_as_they_are():
    inputs, targets, _ = the_pass(numbers(shuffles=False))
    assert inputs.flatten().tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert targets.tolist() == LABELS


def test_shuffling_shows_every_example_once_with_its_own_target():
    inputs, targets, _ = the_pass(numbers())
    assert sorted(inputs.flatten().tolist()) == [0, 1, 2, 3, 4, 5, 6]
    assert [LABELS[int(number)] for number in inputs] == targets.tolist()


def test_the_order_differs_by_seed_task_and_pass_and_is_otherwise_the_same():
    def drawn(seed=0, task=0, epoch=0):
        stream = small.Numbers(Plan(2), seed, targets=[[0] * 50] * 2)
        return order(stream, stream.task(task), epoch).tolist()

    assert drawn() == drawn()
    assert len({tuple(each) for each in (drawn(), drawn(seed=1), drawn(task=1), drawn(epoch=1))}) == 4


def test_a_chunk_holds_whole_minibatches_and_the_last_one_what_is_left(few_examples_in_a_chunk):
    stream = numbers(batch_size=2, shuffles=False)
    first, second = chunks([stream], [stream.task(0)], epoch=0)
    assert [inputs.flatten().tolist() for inputs, _ in first.minibatches()] == [[0, 1], [2, 3]]
    assert [inputs.flatten().tolist() for inputs, _ in second.minibatches()] == [[4, 5], [6]]
    assert [targets.flatten().tolist() for _, targets in second.minibatches()] == [[1, 0], [1]]
    assert (first.start, first.end, second.start, second.end) == (0, 4, 4, 7)


def test_a_minibatch_that_is_larger_than_a_chunk_is_not_cut(few_examples_in_a_chunk):
    stream = numbers(batch_size=6)
    sizes = [
        inputs.shape[1] for chunk in chunks([stream], [stream.task(0)], epoch=0) for inputs, _ in chunk.minibatches()
    ]
    assert sizes == [6, 1]


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_a_pass_that_is_gone_on_with_at_any_chunk_is_the_whole_one(few_examples_in_a_chunk, batch_size):
    stream = small.Blobs(Plan(2, 2, batch_size), examples=23, is_augmented=True)
    inputs, targets, ends = the_pass(stream, task=1, epoch=1)
    assert len(ends) > 3
    for end in ends[:-1]:
        rest, their_targets, _ = the_pass(stream, task=1, epoch=1, start=end)
        assert torch.equal(rest, inputs[end:])
        assert torch.equal(their_targets, targets[end:])
    assert list(chunks([stream], [stream.task(1)], 1, start=ends[-1])) == []


def test_each_seed_sees_its_own_examples_in_its_own_order():
    streams = [numbers(seed=seed) for seed in (0, 1, 2)]
    (together,) = chunks(streams, [stream.task(0) for stream in streams], epoch=0)
    assert together.inputs.shape == (3, 7, 1)
    for place, stream in enumerate(streams):
        assert torch.equal(together.inputs[place], the_pass(stream)[0])


def test_inputs_are_looked_at_first_and_augmented_then():
    stream = numbers(shuffles=False)
    stream.changes = {0: {"view": lambda kept: kept + 1, "augment": lambda seen, _: seen * 100}}
    assert the_pass(stream)[0].flatten().tolist() == [100, 200, 300, 400, 500, 600, 700]


def test_what_is_drawn_for_an_image_differs_by_pass_and_chunk(few_examples_in_a_chunk):
    stream = small.Numbers(Plan(1, 2, 5, shuffles=False), targets=[[0] * 10])
    noise = {"view": torch.zeros_like, "augment": lambda seen, drawn: seen + torch.rand(5, 1, generator=drawn)}
    stream.changes = {0: noise}
    (first, second), (again, _) = (the_pass(stream, epoch=epoch)[0].split(5) for epoch in (0, 1))
    assert not torch.equal(first, second)
    assert not torch.equal(first, again)


def test_targets_are_counted_from_the_first_output_of_the_task():
    stream = numbers(shuffles=False)
    stream.changes = {0: {"outputs": slice(4, 6), "train": Examples(torch.zeros(3, 1), torch.tensor([4, 5, 4]))}}
    assert the_pass(stream)[1].tolist() == [0, 1, 0]


def test_numbers_to_regress_on_are_not_counted_from_anywhere():
    task = Task(0, Examples(torch.zeros(1, 1), torch.tensor([[3.5]])), slice(2, 3))
    assert task.relative(torch.tensor([[3.5]])).tolist() == [[3.5]]


def test_examples_that_share_tensors_are_taken_by_their_rows():
    kept = Examples(torch.arange(10.0)[:, None], torch.arange(10), rows=torch.tensor([7, 3, 5]))
    inputs, targets = kept.take(torch.tensor([2, 0]))
    assert (len(kept), inputs.flatten().tolist(), targets.tolist()) == (3, [5, 7], [5, 7])
    assert kept.only(torch.tensor([1])).take(torch.tensor([0]))[1].tolist() == [3]
