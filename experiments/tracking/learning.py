"""The runs: every method on every stream at once, as rows of one weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from experiments.tracking.methods import FIRST_STEPS, METHODS, SETTINGS_OF_FIRST_STEPS, Make
from experiments.tracking.problem import FAST, ROWS, STILL, Lanes
from plastic_rl.optim.step_sizes import SlopeOptimizer

Key = tuple[Any, ...]
Found = tuple[Tensor, Tensor]


def comparison(seeds: Sequence[int], tasks: int) -> list[dict[str, Any]]:
    """All methods with all values that are tried, in all rows."""
    makes: dict[Key, Make] = {
        (name, value, ""): method.at(value) for name, method in METHODS.items() for value in method.values
    }
    lanes = Lanes(ROWS, seeds, tasks)
    return table_of(learn(makes, lanes), lanes)


def first_step_runs(seeds: Sequence[int], tasks: int) -> list[dict[str, Any]]:
    """All runs in which the first step size is varied over three orders of magnitude."""
    makes: dict[Key, Make] = {}
    for name, value in SETTINGS_OF_FIRST_STEPS.items():
        for first in FIRST_STEPS:
            method = METHODS[name]
            makes[name, value, first] = method.at(first) if name == "LMS" else method.at(value, lr=first)
    lanes = Lanes((FAST, STILL), seeds, tasks)
    return table_of(learn(makes, lanes), lanes)


def learn(makes: Mapping[Key, Make], lanes: Lanes) -> dict[Key, Found]:
    """For each method and lane the mean squared distance from the signal over the last third, and the step sizes."""
    weights = {key: nn.Parameter(torch.zeros(len(lanes.names), lanes.inputs)) for key in makes}
    optimizers = {key: make([weights[key]]) for key, make in makes.items()}
    squares = {key: torch.zeros(len(lanes.names), dtype=torch.float64) for key in makes}
    late = range(lanes.tasks * 2 // 3, lanes.tasks)
    count = 0
    for task in range(lanes.tasks):
        examples = list(lanes.examples(task))
        count += len(examples) * (task in late)
        for key, optimizer in optimizers.items():
            for inputs, signal, target in examples:
                predicted = (weights[key].detach() * inputs).sum(1)
                move(optimizer, weights[key], inputs, target - predicted)
                if task in late:
                    squares[key] += (signal - predicted).square()
        print(f"task {task + 1} of {lanes.tasks}", flush=True)
    return {key: (squares[key] / count, sizes(optimizers[key], weights[key])) for key in makes}


def sizes(optimizer: Optimizer, weight: nn.Parameter) -> Tensor:
    """The step size of each weight; not a number where an optimiser has none of its own."""
    return optimizer.step_sizes()[0] if isinstance(optimizer, SlopeOptimizer) else torch.full_like(weight, torch.nan)


def move(optimizer: Optimizer, weight: nn.Parameter, inputs: Tensor, errors: Tensor) -> None:
    """One step: down half the squared error, or by slopes and errors where an optimiser takes these."""
    if isinstance(optimizer, SlopeOptimizer):
        weight.grad = inputs
        optimizer.observe(errors)
    else:
        weight.grad = -errors[:, None] * inputs
    optimizer.step()


def table_of(found: Mapping[Key, Found], lanes: Lanes) -> list[dict[str, Any]]:
    """One line for each run: how far off, and the mean step sizes of relevant inputs and of others."""
    return [
        {
            "row": row,
            "method": method,
            "value": value,
            "first": first,
            "seed": seed,
            "error": f"{float(error):.5g}",
            "relevant": f"{float(steps[:5].mean()):.4g}",
            "irrelevant": f"{float(steps[5:].mean()):.4g}",
        }
        for (method, value, first), (errors, all_steps) in found.items()
        for (row, seed), error, steps in zip(lanes.names, errors, all_steps, strict=True)
    ]
