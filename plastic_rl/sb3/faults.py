"""The reasons why the numbers of a model are no longer finite: its steps, or what its world gave it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.runs import SMALLER_STEPS, Fault, first_not_finite

# What torch raises where a decomposition does not converge: of weights and activations, that is.
LinAlgError = torch.linalg.LinAlgError  # pyright: ignore[reportPrivateImportUsage]

# What torch's distributions say of numbers that are not finite; the second where they are not asked to look, as from
# the first torch.compile in a process on.
OF_NUMBERS = ("Expected parameter", "probability tensor contains")

HUGE = 1e6
"""An observation or a reward beyond this, rather than the step size, is the first to be suspected."""

OF_THE_WORLD = "that came from the world, and no setting of the agent mends it"


def fault_of_world(observations: Any, rewards: np.ndarray, task: dict[str, Any]) -> Fault | None:
    """The numbers that a world gave and that are not finite.

    Args:
        observations: of its copies: an array, a dictionary of arrays, or None.
        rewards: of its copies.
        task: that it is in; empty where there are none.
    """
    for name, values in (*_arrays(observations), ("reward", rewards)):
        if not _is_finite(values):
            bad = values[~np.isfinite(values)].flat[0]
            where = f" in task {task['index']}" if task else ""
            return _of_tasks(task) or Fault(f"the {name} is {bad}{where}", OF_THE_WORLD)
    return None


def fault_of_parameters(parameters: dict[str, Any], largest: dict[str, float]) -> Fault | None:
    """The numbers that are not finite in a policy, its optimiser, or the memory of its method.

    Args:
        parameters: as `get_parameters` of a model gives them.
        largest: observation and reward of late, in absolute value.
    """
    place = first_not_finite(parameters)
    if place is None:
        return None
    return Fault(
        f"{place} is no longer made of finite numbers: the loss was NaN, infinite or too steep", advice(largest)
    )


def fault_of_statistics(environment: dict[str, Any]) -> Fault | None:
    """The numbers that are not finite in the running statistics of a VecNormalize.

    Args:
        environment: the state of a vector environment.
    """
    place = first_not_finite([layer.get("parts", []) for layer in environment["layers"]], "statistics")
    return None if place is None else Fault("the running statistics of VecNormalize are not finite", OF_THE_WORLD)


def fault_of_outputs(model: BaseAlgorithm, largest: dict[str, float]) -> Fault:
    """The reason why the outputs of a policy are useless though all is finite: one of its numbers is too large.

    Args:
        model: that acted or learned last.
        largest: observation and reward of late, in absolute value.
    """
    weight = max(float(parameter.detach().abs().max()) for parameter in model.policy.parameters())
    what = f"the policy's outputs are too large, or no longer finite numbers (the largest weight is {weight:.2g})"
    return Fault(what, advice(largest))


def advice(largest: dict[str, float]) -> str:
    """The advice where a model's numbers have gone bad.

    Args:
        largest: observation and reward of late, in absolute value.
    """
    for name in ("observation", "reward"):
        if largest.get(name, 0.0) > HUGE:
            return f"the largest {name} was {largest[name]:.2g}: scale them, with a VecNormalize for one"
    return SMALLER_STEPS


def largest_of(values: Any) -> float:
    """The largest number in absolute value of what some copies of a world gave; NaN where one is none.

    Args:
        values: an array, or a dictionary of arrays; whole numbers have no say.
    """
    if isinstance(values, dict):
        return max(map(largest_of, values.values()))
    return float(np.abs(values).max()) if values.dtype.kind == "f" else 0.0


def _of_tasks(task: dict[str, Any]) -> Fault | None:
    bad = {name: value for name, value in task.items() if isinstance(value, float) and not math.isfinite(value)}
    if not bad:
        return None
    named = ", ".join(f"{name} {value}" for name, value in bad.items())
    return Fault(f"task {task['index']} has {named}", "correct the tasks, in their file where env.tasks names one")


def _arrays(observations: Any) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(observations, dict):
        yield from ((f"observation {name!r}", values) for name, values in observations.items())
    elif observations is not None:
        yield "observation", observations


def _is_finite(values: np.ndarray) -> bool:
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())
