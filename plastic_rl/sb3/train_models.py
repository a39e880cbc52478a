"""Trains several seeds of a model side by side, each in a run folder of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.pictures import draw_learning_curve
from plastic_rl.runs import Company, Interruption, JointProgress, RunFolder, Track, open_session
from plastic_rl.sb3.judged import Judged
from plastic_rl.sb3.seeds import Member, learn_together
from plastic_rl.sb3.train_model import (
    ModelSummary,
    explained,
    judging,
    keeper_of,
    leave_results,
    prepared,
    recent_return,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelRun:
    """The run of one seed.

    Args:
        make: makes the model, the global generators having been seeded for it.
        folder: where it lives; prepared.
        callbacks: what else is to be called, before the run may be saved.
        settings: what makes the result, the seed included; None for what is known of them here.
        config: all settings, for the tracker.
        name: of the run, for the tracker.
        group: of runs that differ in their seed only, for the tracker.
        title: what stands above its picture.
        judged: how the model is probed and played beside its training; None for not at all.
    """

    make: Callable[[], BaseAlgorithm]
    folder: RunFolder
    callbacks: Sequence[BaseCallback] = ()
    settings: Mapping[str, Any] | None = None
    config: Mapping[str, Any] | None = None
    name: str = "run"
    group: str = "runs"
    title: str | None = None
    judged: Judged | None = None


def train_models(
    runs: Sequence[ModelRun],
    total_steps: int,
    *,
    track: Track = Track.off,
    checkpoint_seconds: float = 300.0,
    formats: Sequence[str] = (),
) -> list[ModelSummary | RunError]:
    """Trains models side by side; each leaves what :func:`plastic_rl.sb3.train_model` leaves of it, to the same bits.

    Each goes on from its own last checkpoint, alone or in whatever company.

    Args:
        runs: of each seed.
        total_steps: environment steps at which training ends.
        track: where the runs are tracked.
        checkpoint_seconds: between two checkpoints of a run.
        formats: further output formats of SB3's logger.

    Returns:
        For each run how it ended, or why it could not go on.

    Raises:
        UserError: the request cannot be met.
        RunInterruptedError: they were asked to stop; all have saved a checkpoint.
    """
    company = Company(Interruption(), JointProgress(total_steps * len(runs)))
    with company.interruption, company.progress, ExitStack() as outermost:
        options: dict[str, Any] = {"track": track, "checkpoint_seconds": checkpoint_seconds, "company": company}
        seats = [_seat(run, total_steps, formats, options, outermost) for run in runs]
        taken = [seat for seat in seats if isinstance(seat, _Seat)]
        learn_together([seat.member for seat in taken])
        for seat in taken:
            seat.leave()
    for seat in taken:
        if isinstance(seat.member.error, RunInterruptedError):
            raise seat.member.error
    return [seat.outcome() if isinstance(seat, _Seat) else seat for seat in seats]


def _seat(run: ModelRun, *options: Any) -> _Seat | RunError:
    """The seat of one seed, or why it cannot go on from its checkpoint."""
    try:
        return _Seat(run, *options)
    except RunError as error:
        return error


class _Seat:
    """The run of one seed, from its checkpoint to its results.

    Args:
        run: of the seed.
        total_steps: at which it ends.
        formats: of SB3's logger.
        options: of all sessions.
        outermost: closes the session where all must stop.
    """

    def __init__(
        self, run: ModelRun, total_steps: int, formats: Sequence[str], options: Mapping[str, Any], outermost: ExitStack
    ) -> None:
        self.run, self.total_steps, self.began = run, total_steps, time.monotonic()
        if run.judged is not None:
            run.judged.check()
        self.keeper, self.session = keeper_of(run.make(), total_steps, run.folder), outermost.enter_context(ExitStack())
        told: dict[str, Any] = {"settings": run.settings, "config": run.config, "name": run.name, "group": run.group}
        opened = open_session(run.folder, self.keeper, total_steps, **told, **options)
        self.keeper.session = self.session.enter_context(opened)
        callbacks = [*judging(run.judged, self.keeper, run.folder), *run.callbacks]
        callback = prepared(self.keeper, total_steps, run.folder, formats, callbacks)
        self.has_learned = self.keeper.step < total_steps
        self.member = Member(self.keeper.trained, total_steps, callback)

    def leave(self) -> None:
        """Leaves the results, or why there are none, and closes the session."""
        with self.member.generators.in_force():
            try:
                self._close()
            except Exception as error:
                self.member.error = error

    def _close(self) -> None:
        with self.session:
            with explained(self.keeper):
                if self.member.error is not None:
                    raise self.member.error
            leave_results(self.keeper, self.run.folder, has_learned=self.has_learned)
        folder, title = self.run.folder, self.run.title or self.run.name
        draw_learning_curve(folder.metrics_file, folder.picture_file, title, self.total_steps)

    def outcome(self) -> ModelSummary | RunError:
        """The end of the run.

        Raises:
            Exception: it failed, and not by its numbers.
        """
        error, model = self.member.error, self.keeper.trained
        if error is None:
            seconds, share = time.monotonic() - self.began, self.keeper.memory.share
            return ModelSummary(model.num_timesteps, seconds, recent_return(model), share)
        if isinstance(error, RunError):
            return error
        raise error
