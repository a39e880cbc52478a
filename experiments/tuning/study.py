"""Optuna's side of a search: its journal on disk, and what it says of trials."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agents.search import Among, Space
from experiments.tuning.request import Effort, Request
from experiments.tuning.scores import TENTHS
from launch.settings import what_makes_the_result
from plastic_rl.extras import needed
from plastic_rl.runs import settings_digest

PROCESS = "process"
"""The note of a trial on who trains it."""


def folder_of(request: Request) -> Path:
    """The folder with the search's files, and below it those of its runs."""
    return request.own.folders[0].path.parent


def open_study(request: Request) -> Any:
    """The study of a search, with the trials of all commands that searched so before.

    Raises:
        UserError: Optuna is not installed.
    """
    optuna: Any = needed("optuna", "experiments.tune")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = folder_of(request)
    folder.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(folder / f"{_digest(request)}.journal"))
    )
    study = optuna.create_study(
        storage=storage,
        study_name=_digest(request),
        direction="maximize",
        load_if_exists=True,
        pruner=pruner(optuna, request.effort),
    )
    study.sampler = _sampler(optuna, request.own.runs[0].seed, study)
    _revive(optuna, study)
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(request.own_values)  # so that what is found is at least as good, on these seeds
    return study


def suggested(trial: Any, space: Mapping[str, Space]) -> dict[str, Any]:
    """The values that a trial is to try; it notes that this process does."""
    trial.set_user_attr(PROCESS, _here())
    return {name: _suggested(trial, name, each) for name, each in space.items()}


def pruner(optuna: Any, effort: Effort) -> Any:
    """What gives up a trial: one below the median of others at the same tenth of life, or by Hyperband's brackets."""
    if effort.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2)
    if effort.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=TENTHS, reduction_factor=3)
    return optuna.pruners.NopPruner()


def _suggested(trial: Any, name: str, space: Space) -> Any:
    if isinstance(space, Among):
        return trial.suggest_categorical(name, list(space.options))
    suggest = trial.suggest_int if isinstance(space.low, int) else trial.suggest_float
    return suggest(name, space.low, space.high, log=space.log)


def _sampler(optuna: Any, seed: int, study: Any) -> Any:
    # A command that goes on, or joins in, must not draw again what another has drawn.
    drawn = int(np.random.SeedSequence([seed, len(study.get_trials(deepcopy=False))]).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=drawn, constant_liar=True)  # trials that are on count as bad ones


def _revive(optuna: Any, study: Any) -> None:
    """Put trials whose process is gone back: their settings are tried again, which goes on from their checkpoints."""
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        if _is_gone(trial.user_attrs.get(PROCESS, "")):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            study.enqueue_trial(trial.params)


def _here() -> str:
    return f"{os.getpid()} on {socket.gethostname()}"


def _is_gone(process: str) -> bool:
    """True if a process of this machine has ended; of others nobody knows."""
    number, _, machine = process.partition(" on ")
    if not number.isdigit() or machine != socket.gethostname():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(number) == os.getpid()


def _digest(request: Request) -> str:
    """A name for what is searched: the settings that stay, the seeds and the spaces."""
    settings = what_makes_the_result(request.own.runs[0])
    spaces = {name: repr(space) for name, space in request.space.items()}
    seeds = [run.seed for run in request.own.runs]
    return settings_digest({**settings, "seeds": seeds, "stream_seeds": request.own.runs[0].seeds, "space": spaces})
