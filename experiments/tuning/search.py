"""The search itself: trials are asked for as there is room, watched, given up or told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from experiments.tuning.request import Request
from experiments.tuning.scores import score, tenths_of
from experiments.tuning.study import suggested
from launch.console import say
from launch.sweeps.engine import Engine
from launch.sweeps.plan import Job, job_of
from launch.sweeps.work import Ending
from plastic_rl.errors import RunError, UserError
from plastic_rl.extras import needed
from plastic_rl.runs import Interruption

SECONDS = 0.5
FAILURES = 3
"""After so many failures, and nothing else, a search ends."""


class StoppingEngine(Engine, Protocol):
    """An engine that can stop one of its jobs."""

    def stop_one(self, job: Job) -> None:
        """Ask one job to stop."""
        ...


@dataclass
class _Trial:
    trial: Any
    job: Job
    reported: int = 0
    is_given_up: bool = False


class Search:
    """A search that is on.

    Args:
        request: what is searched.
        study: of Optuna.
        engine: trains.
    """

    def __init__(self, request: Request, study: Any, engine: StoppingEngine) -> None:
        self._request, self._study, self._engine = request, study, engine
        self._on: dict[str, _Trial] = {}
        self._states: Any = needed("optuna", "experiments.tune").trial.TrialState

    def run(self, interruption: Interruption) -> None:
        """Searches until there are as many trials as wanted, or somebody asks to stop.

        Raises:
            RunError: the first trials all failed.
        """
        asked = False
        while self._engine.on or (not asked and self._wanted > 0):
            if interruption.signal is not None and not asked:
                asked = True
                self._engine.stop(interruption.signal)
            while not interruption.requested and self._engine.room > 0 and self._wanted > 0:
                self._begin()
            for job, ending in self._engine.ended(SECONDS):
                self._end(self._on.pop(job.name), ending)
            for each in list(self._on.values()):
                self._look_at(each)

    @property
    def _wanted(self) -> int:
        """The number of trials that are still to be begun, by whomever."""
        known = (self._states.COMPLETE, self._states.PRUNED, self._states.RUNNING)
        return self._request.effort.trials - len(self._study.get_trials(deepcopy=False, states=known))

    def _begin(self) -> None:
        trial = self._study.ask()
        values = suggested(trial, self._request.space)
        try:
            job = job_of([*self._request.words, *as_words(values)], f"trial {trial.number}").begin()
        except UserError as error:
            self._fail(trial, str(error))
            return
        if any(job.folders[0].path == each.job.folders[0].path for each in self._on.values()):
            self._fail(trial, "another trial tries the same at the same time")
            return
        self._on[job.name] = _Trial(trial, job)
        self._engine.begin([job])

    def _look_at(self, each: _Trial) -> None:
        """Report how a trial has done so far, once for each tenth of its life, and give it up if it fell behind."""
        tenths = tenths_of(each.job)
        if each.is_given_up or tenths <= each.reported or tenths >= 10:
            return
        each.reported = tenths
        value = score(each.job, tenths)
        if value is None:
            return
        each.trial.report(value, tenths)
        if each.trial.should_prune():
            each.is_given_up = True
            self._engine.stop_one(each.job)

    def _end(self, each: _Trial, ending: Ending) -> None:
        value = score(each.job) if ending.exit_code == 0 else None
        if value is not None:
            self._study.tell(each.trial, value)
            say(f"{each.job.name}: {abs(value):.4g} {_in_words(each.trial.params)}")
        elif each.is_given_up:
            self._study.tell(each.trial, state=self._states.PRUNED)
            say(f"{each.job.name}: given up at {each.reported} tenths {_in_words(each.trial.params)}")
        elif ending.exit_code == RunError.exit_code:  # numbers gone bad: as bad as it can be
            each.trial.set_user_attr("error", ending.told)
            self._study.tell(each.trial, state=self._states.PRUNED)
            say(f"{each.job.name}: {ending.told} {_in_words(each.trial.params)}")
            self._end_if_all_fail(ending.told)
        elif not ending.is_stopped:
            self._fail(each.trial, ending.told or "there was no score")
        # What was asked to stop is left as it is, to go on with the next command.

    def _fail(self, trial: Any, told: str) -> None:
        trial.set_user_attr("error", told)
        self._study.tell(trial, state=self._states.FAIL)
        say(f"trial {trial.number}: {told}")
        self._end_if_all_fail(told)

    def _end_if_all_fail(self, told: str) -> None:
        trials = self._study.get_trials(deepcopy=False)
        failed = [trial for trial in trials if "error" in trial.user_attrs]
        if len(failed) >= FAILURES and not any(trial.state == self._states.COMPLETE for trial in trials):
            raise RunError(f"The first {len(failed)} trials failed, the last with: {told}")


def as_words(values: dict[str, Any]) -> list[str]:
    """The words of a command that give values to settings of the agent."""
    return [f"agent.{name}={value}" for name, value in values.items()]


def _in_words(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={_short(value)}" for name, value in values.items())


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def best_values(study: Any) -> dict[str, Any]:
    """The values of the best trial.

    Raises:
        RunError: none was trained to its end.
    """
    complete: Sequence[Any] = [trial for trial in study.get_trials() if trial.value is not None]
    if not complete:
        raise RunError("No trial was trained to its end: there is no best one")
    return dict(study.best_trial.params)
