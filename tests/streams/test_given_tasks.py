"""Tasks that somebody has already: arrays, data sets and loaders, as they come."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from plastic_rl.streams import Examples, GivenTasks, Plan, Task

X, Y = torch.arange(12.0).view(6, 2), torch.tensor([0, 2, 1, 0, 2, 1])
PLAN = Plan(tasks=2, batch_size=2)


def test_arrays_become_tensors_of_the_numbers_that_networks_compute_in():
    examples = Examples(X.double().numpy(), Y.to(torch.int32).numpy())
    assert (examples.inputs.dtype, examples.targets.dtype) == (torch.float32, torch.int64)
    assert torch.equal(examples.inputs, X)
    assert torch.equal(examples.targets, Y)
    assert Examples(X.double(), Y).inputs.dtype == torch.float64  # what is a tensor is meant so


@pytest.mark.parametrize("inputs", [X.tolist(), DataLoader(TensorDataset(X, Y))])
def test_what_is_no_array_is_refused(inputs):
    with pytest.raises(TypeError, match=f"inputs must be a tensor or a NumPy array, got {type(inputs).__name__}"):
        Examples(inputs, Y)


def test_fewer_targets_than_inputs_are_refused():
    with pytest.raises(ValueError, match="a target for each input, got 5 for 6"):
        Examples(X, Y[:5])


@pytest.mark.parametrize(
    "source",
    [
        DataLoader(TensorDataset(X, Y), batch_size=4),
        TensorDataset(X, Y),
        [(each, int(target)) for each, target in zip(X.numpy(), Y, strict=True)],
        ((each, target) for each, target in zip(X, Y, strict=True)),
    ],
    ids=["loader", "data set", "list", "generator"],
)
def test_data_sets_loaders_and_iterables_are_gathered_in_their_order(source):
    examples = Examples.gathered(source)
    assert torch.equal(examples.inputs, X)
    assert torch.equal(examples.targets, Y)


@pytest.mark.parametrize(("source", "said"), [([], "there are none"), ([X[0]], "of type Tensor")])
def test_what_holds_no_pairs_is_refused(source, said):
    with pytest.raises(ValueError, match=f"pairs of inputs and target.*{said}"):
        Examples.gathered(source)


def test_tasks_of_all_kinds_make_one_stream():
    stream = GivenTasks(PLAN, 0, [(X.numpy(), Y.numpy()), DataLoader(TensorDataset(X + 1, Y), batch_size=3)])
    assert (stream.shape, stream.outputs, stream.is_regression) == ((2,), 3, False)
    first, second = stream.task(0), stream.task(1)
    assert (first.index, second.index, second.outputs) == (0, 1, slice(0, 3))
    assert torch.equal(second.train.inputs, X + 1)


def test_a_task_keeps_what_it_says_and_gets_its_place():
    stream = GivenTasks(PLAN, 0, [Examples(X, Y), Task(0, Examples(X, Y - Y.min() + 3), slice(3, 6))])
    assert stream.outputs == 6
    assert (stream.task(1).index, stream.task(1).outputs) == (1, slice(3, 6))


def test_bytes_are_looked_at_as_numbers_from_zero_to_one():
    images = np.array([[0, 255], [51, 102]], dtype=np.uint8)
    task = GivenTasks(Plan(tasks=1), 0, [(images, np.array([0, 1]))]).task(0)
    seen = task.view(task.train.inputs)
    torch.testing.assert_close(seen, torch.tensor([[0.0, 1.0], [0.2, 0.4]]))


def test_a_number_for_each_example_is_one_output():
    stream = GivenTasks(Plan(tasks=1), 0, [(X, X[:, 0])])
    assert (stream.is_regression, stream.outputs) == (True, 1)
    assert stream.task(0).train.targets.shape == (6, 1)


def test_fewer_tasks_than_planned_and_empty_ones_are_refused():
    with pytest.raises(ValueError, match="the plan has 2 tasks, and 1 are given"):
        GivenTasks(PLAN, 0, [(X, Y)])
    with pytest.raises(ValueError, match="task 1 has no examples"):
        GivenTasks(PLAN, 0, [(X, Y), (X[:0], Y[:0])])
