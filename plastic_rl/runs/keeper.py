"""The safety of a run: checkpoints where it may pause, stops on request and on numbers gone bad."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.runs.checkpoints import Checkpoints
from plastic_rl.runs.interruption import Interruption

SMALLER_STEPS = "try a smaller agent.learning_rate"
"""The advice where the loss was at fault."""


@dataclass(frozen=True)
class Fault:
    """A fault in the numbers of a run.

    Args:
        what: Went wrong.
        advice: What to try.
    """

    what: str
    advice: str


@runtime_checkable
class Trainee(Protocol):
    """The subject that is trained in a run's folder, as far as keeping it goes."""

    @property
    def step(self) -> int:
        """Global step so far, in the unit of the run."""
        ...

    def settings(self) -> dict[str, Any]:
        """The settings that make its result, as far as it knows them, for runs that are told none."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that it needs to go on exactly: tensors, numbers, strings, None, lists, tuples and dicts.

        What it keeps in files beside is on disk for good when this returns.
        """
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        ...

    def damage_beside(self, state: dict[str, Any]) -> str | None:
        """The damage to files that a saved state names beside its own, in words; None where there is none.

        Args:
            state: From `state_dict`.
        """
        ...

    def fault(self) -> Fault | None:
        """The fault in its numbers, as far as a quick look tells; None where they are sound."""
        ...

    def fault_in(self, state: dict[str, Any]) -> Fault | None:
        """The fault in the numbers that are about to be saved; None where they are sound.

        Args:
            state: From `state_dict`.
        """
        ...


class Keeper:
    """Saves what is trained every so many seconds and when the run is asked to stop, as long as its numbers are sound.

    Args:
        trainee: What is trained.
        checkpoints: Where it is saved.
        enclose: Gives what else a checkpoint has to hold, having brought the run's own files up to date.
        seconds: Between two checkpoints.
        interruption: Says whether somebody asked the run to stop.
        unit: What a step is, in the plural.
    """

    def __init__(
        self,
        trainee: Trainee,
        checkpoints: Checkpoints,
        enclose: Callable[[], dict[str, Any]],
        *,
        seconds: float,
        interruption: Interruption,
        unit: str,
    ) -> None:
        self.trainee, self.checkpoints, self.enclose = trainee, checkpoints, enclose
        self.seconds, self.interruption, self.unit = seconds, interruption, unit
        self.saved_at = -float("inf")

    def pause(self, *, is_due: bool = False) -> None:
        """Save or stop where it is time; called where the run may be cut, between two rollouts or minibatches.

        Args:
            is_due: Save now, whatever the time.

        Raises:
            RunInterruptedError: Somebody asked the run to stop; it is saved.
            RunError: The numbers have gone bad, or the disk does not take the checkpoint.
        """
        self.refuse(self.trainee.fault())
        if self.interruption.requested:
            self.save()
            raise RunInterruptedError(
                f"Interrupted at {self._place}; the same command goes on from there.", self.interruption.exit_code
            )
        if is_due or time.monotonic() - self.saved_at >= self.seconds:
            self.save()

    def save(self) -> None:
        """Save a checkpoint now, if the numbers are sound."""
        state = self.trainee.state_dict()
        self.refuse(self.trainee.fault_in(state))
        self.checkpoints.save(self.trainee.step, {**state, **self.enclose()})
        self.saved_at = time.monotonic()

    def refuse(self, fault: Fault | None) -> None:
        """Stop the run where its numbers have gone bad, before they could be saved.

        Args:
            fault: What is wrong with them; nothing happens where it is None.

        Raises:
            RunError: Says at which step, what went wrong, where the last healthy checkpoint is, and what to try.
        """
        if fault is None:
            return
        folder = self.checkpoints.directory
        healthy = f"The last healthy checkpoint is the newest in {folder}" if folder.is_dir() else "Nothing was saved"
        raise RunError(f"{self._place.capitalize()}: {fault.what}. {healthy}; {fault.advice}.")

    @property
    def _place(self) -> str:
        return f"{self.unit.removesuffix('s')} {self.trainee.step}"
