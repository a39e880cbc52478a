"""Streams of one's own: what does not fit is said before anything is learned, and what fits is learned."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from plastic_rl.errors import UserError
from plastic_rl.learners import Blueprint, backprop_learner
from plastic_rl.runs import RunFolder
from plastic_rl.streams import Examples, GivenTasks, Plan, Stream, Task
from plastic_rl.training import train_learner
from plastic_rl.training.task_check import check_streams, check_tasks

X, Y = torch.rand(12, 4, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3


class Own(Stream):
    shape, outputs = (4,), 3

    def __init__(self, train: Any, *, is_regression: bool = False, **of_task: Any) -> None:
        super().__init__(Plan(tasks=1, batch_size=4), 0)
        self.train, self.is_regression, self.of_task = train, is_regression, of_task

    def task(self, index: int) -> Any:
        return Task(index, self.train, **{"outputs": slice(0, 3), **self.of_task})


def network(inputs: int = 4, outputs: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 5), nn.ReLU(), nn.Linear(5, outputs))


def learned(path: Path, streams: Any, make: Any = network) -> RunFolder:
    folder = RunFolder(path / "run")
    blueprint = Blueprint(make, partial(torch.optim.SGD, lr=0.1))
    train_learner(streams, backprop_learner(blueprint, streams if isinstance(streams, list) else [Own(None)]), folder)
    return folder


WRONG = {
    "double": (Own(Examples(X.double(), Y)), "inputs are float64, and the network computes in float32; .*Tensor.float"),
    "bytes": (Own(Examples((X * 255).byte(), Y)), "inputs are uint8.*view=plastic_rl.streams.data.UNIT_SCALE"),
    "shape": (Own(Examples(X[:, :3], Y)), r"an input is of shape \(3,\), and the stream says shape=\(4,\)"),
    "floats": (Own(Examples(X, Y.float())), r"train targets are float32; .*targets.long\(\).*is_regression = True"),
    "one-hot": (Own(Examples(X, nn.functional.one_hot(Y))), r"of shape \(12, 3\); give class numbers, .*argmax"),
    "high": (Own(Examples(X, Y + 1)), "train targets go from 1 to 3, and the task's outputs from 0 to 2"),
    "low": (Own(Examples(X, Y - 1)), "train targets go from -1 to 1, and the task's outputs from 0 to 2"),
    "test": (Own(Examples(X, Y), test=Examples(X, Y + 3)), "test targets go from 3 to 5"),
    "flat": (Own(Examples(X, X[:, 0]), is_regression=True), r"must be \(examples, 3\): .*targets\[:, None\]"),
    "empty": (Own(Examples(X[:0], Y[:0])), "no examples to learn from"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said_with_what_to_do(tmp_path: Path, name: str):
    stream, said = WRONG[name]
    with pytest.raises(UserError, match=f"task 0 of Own: .*{said}"):
        learned(tmp_path, [stream])


def test_targets_of_one_number_are_not_spread_over_the_batch(tmp_path: Path):
    """Outputs of shape (batch, 1) and targets of shape (batch,) broadcast to (batch, batch), and torch only warns."""
    stream = Own(Examples(X, X[:, 0]), is_regression=True, outputs=slice(0, 1))
    stream.outputs = 1
    with pytest.raises(UserError, match=r"targets\[:, None\]"):
        learned(tmp_path, [stream], partial(network, outputs=1))


@pytest.mark.parametrize("streams", [DataLoader(TensorDataset(X, Y)), [TensorDataset(X, Y)], []])
def test_what_is_no_stream_is_refused(streams: Any):
    with pytest.raises(UserError, match=r"streams must be a list of Streams, .*GivenTasks"):
        check_streams(streams)


def test_what_is_no_task_is_refused():
    with pytest.raises(UserError, match=r"Own.task must return a Task, got tuple"):
        check_tasks([Own(None)], [(X, Y)], network())


def test_a_loader_is_no_examples():
    task = Task(0, Examples(X, Y), slice(0, 3))
    object.__setattr__(task, "train", DataLoader(TensorDataset(X, Y)))  # the tests check types, users' programs do not
    with pytest.raises(UserError, match=r"train must be Examples, got DataLoader; Examples.gathered"):
        check_tasks([Own(None)], [task], network())


def test_seeds_of_different_numbers_of_examples_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"as many examples for each seed, got \[10, 12\]"):
        learned(tmp_path, [Own(Examples(X, Y)), Own(Examples(X[:10], Y[:10]))])


def test_given_tasks_are_learned_and_the_run_leaves_what_a_run_leaves(tmp_path: Path):
    given = [(X.numpy(), Y.numpy()), DataLoader(TensorDataset(1 - X, Y), batch_size=5)]
    folder = learned(tmp_path, [GivenTasks(Plan(tasks=2, epochs=2, batch_size=4), 0, given)])
    assert folder.status == "finished"
    assert folder.picture_file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    config = yaml.safe_load(folder.config_file.read_text())
    assert (config["stream"], config["plan"]["epochs"], config["seeds"]) == ("GivenTasks", 2, [0])
    assert not folder.is_prepared
