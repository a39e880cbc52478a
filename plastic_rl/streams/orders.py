"""Orders in which tasks come, so that it can be measured how much a learner depends on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from plastic_rl.streams.draws import source

ORDERS = ("A", "B", "C", "D", "E")

# `cifar100_apd_run.py` of Yoon et al. (2020): ten tasks are CIFAR-100 Split, twenty CIFAR-100 Superclass.
PUBLISHED: Mapping[int, Mapping[str, Sequence[int]]] = {
    10: {
        "B": (1, 7, 4, 5, 2, 0, 8, 6, 9, 3),
        "C": (7, 0, 5, 1, 8, 4, 3, 6, 2, 9),
        "D": (5, 8, 2, 9, 0, 4, 3, 7, 6, 1),
        "E": (2, 9, 5, 4, 8, 0, 6, 1, 3, 7),
    },
    20: {
        "B": (15, 12, 5, 9, 7, 16, 18, 17, 1, 0, 3, 8, 11, 14, 10, 6, 2, 4, 13, 19),
        "C": (17, 1, 19, 18, 12, 7, 6, 0, 11, 15, 10, 5, 13, 3, 9, 16, 4, 14, 2, 8),
        "D": (11, 9, 6, 5, 12, 4, 0, 10, 13, 7, 14, 3, 15, 16, 8, 1, 2, 19, 18, 17),
        "E": (6, 14, 0, 11, 12, 17, 13, 4, 9, 1, 7, 19, 8, 10, 3, 15, 18, 5, 2, 16),
    },
}


def task_order(name: str, tasks: int) -> tuple[int, ...]:
    """The original numbers of tasks in the order in which they come.

    Args:
        name: "A" for the original order, "B" to "E" for others: those published where there are ten or twenty tasks,
            else (Omniglot's are not public) drawn at random, the same in all runs.
        tasks: how many there are.

    Raises:
        ValueError: there is no order of that name.
    """
    if name not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {name!r}")
    if name == "A":
        return tuple(range(tasks))
    if tasks in PUBLISHED:
        return tuple(PUBLISHED[tasks][name])
    return tuple(torch.randperm(tasks, generator=source(0, "order of tasks", name, tasks)).tolist())
