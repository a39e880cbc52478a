"""The tasks of a world by their index: drawn by its changes, or given."""

from __future__ import annotations

from collections.abc import Sequence

from plastic_rl.nonstationary.changes import Change, Parameters, copy_of
from plastic_rl.nonstationary.draws import Draws


class TaskSequence:
    """The tasks of a world, each a function of its index and the seed alone.

    Args:
        changes: The changes whose parameters make a task.
        seed: The seed of their draws.
        given: Tasks to go through instead of drawing them.

    Raises:
        ValueError: Two changes call a parameter by the same name, or a given task lacks a parameter.
    """

    def __init__(self, changes: Sequence[Change], seed: int, given: Sequence[Parameters] | None = None) -> None:
        self._changes = changes
        self._draws = [Draws(seed, position) for position in range(len(changes))]
        self._given: list[Parameters] | None = None
        if given is not None:
            self.follow(given)
        self[0]

    @property
    def given(self) -> int | None:
        """The number of tasks that were given; None where they are drawn."""
        return None if self._given is None else len(self._given)

    def __getitem__(self, index: int) -> Parameters:
        """The parameters of task ``index``."""
        return self._drawn(index) if self._given is None else self._taken(self._given, index)

    def follow(self, tasks: Sequence[Parameters]) -> None:
        """Takes the tasks that are given from now on, instead of drawing them.

        Raises:
            ValueError: One of them lacks a parameter that the changes need.
        """
        names = self._drawn(0).keys()
        for place, task in enumerate(tasks):
            if missing := sorted(names - task.keys()):
                raise ValueError(f"given task {place} lacks {missing}; a task of this world has {sorted(names)}")
        self._given = [copy_of(task) for task in tasks]

    def _drawn(self, index: int) -> Parameters:
        task: Parameters = {"index": index}
        for change, draws in zip(self._changes, self._draws, strict=True):
            parameters = change.draw(index, draws)
            if clash := task.keys() & parameters.keys():
                raise ValueError(f"two changes on one environment announce the same parameter: {sorted(clash)}")
            task |= parameters
        return task

    def _taken(self, given: Sequence[Parameters], index: int) -> Parameters:
        if index >= len(given):
            raise ValueError(f"task {index} is due, but only {len(given)} tasks were given: give more of them")
        return copy_of(given[index])
