"""The runs that a command with `-m` asks for, all of them checked before any begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from hydra import initialize
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from launch.effects import check_effects, say_what_never_changes
from launch.request import check_request, setting_words
from launch.run import is_done, run_folder
from launch.seeds import runs_of
from launch.settings import Settings, composed
from launch.validation import check
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder


@dataclass(frozen=True)
class Job:
    """One combination of the values that are swept over, trained by one process.

    Args:
        name: The words in which it differs from the others.
        words: The command that asks for it alone.
        runs: The settings of its run; of one for each seed where an agent acts and `seeds` are several.
    """

    name: str
    words: tuple[str, ...]
    runs: tuple[Settings, ...]

    @property
    def folders(self) -> list[RunFolder]:
        """The folders of its runs."""
        return [run_folder(each) for each in self.runs]

    @property
    def is_done(self) -> bool:
        """True if there is nothing to be trained."""
        return all(is_done(each) for each in self.runs)

    def begin(self) -> Job:
        """Make way for it where it starts over, and return it as what goes on from there, however often it is tried.

        Raises:
            UserError: Its folder cannot be written, or another process is running it.
        """
        if not self.runs[0].fresh:
            return self
        for folder in self.folders:
            folder.prepare(fresh=True)
            folder.release()
        return Job(self.name, (*self.words, "fresh=false"), self.runs)


def jobs_of(arguments: Sequence[str]) -> list[Job]:
    """Return the jobs of a command, each once.

    Args:
        arguments: The words after `train.py`, as Hydra reads them, without those of the launcher.

    Raises:
        UserError: The command, or one of its runs, asks for what cannot be.
    """
    check_request(arguments)
    words = setting_words(arguments)
    _refuse_flags(arguments)
    with initialize(version_base="1.3", config_path=None):
        parsed = OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(words)
        _refuse_hydra(parsed)
        last = {override.get_key_element(): override for override in parsed}.values()  # as Hydra: the last word counts
        swept = [override.is_sweep_override() for override in last]
        jobs = [job_of(each, _name(each, swept)) for each in product(*map(_values, last))]
    say_what_never_changes(run for job in jobs for run in job.runs)
    return _each_once(jobs)


def job_of(words: Sequence[str], name: str) -> Job:
    """Return one job, checked.

    Args:
        words: The command that asks for it alone; those of its agent are registered.
        name: Tells it from others.

    Raises:
        UserError: It asks for what cannot be.
    """
    settings = composed(words)
    check(settings)
    check_effects(settings, [word.partition("=")[0] for word in words])
    return Job(name, tuple(words), tuple(runs_of(settings)))


def _values(override: Override) -> list[str]:
    """The words of an override, one for each of its values."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [f"{key}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        raise UserError(f"'{override.input_line}' has no end of values: expected a list, range(10) or glob(ppo_*)")
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def _name(words: Sequence[str], swept: Sequence[bool]) -> str:
    """The words in which a combination differs from others; who and where, if there are none."""
    different = [word for word, differs in zip(words, swept, strict=True) if differs]
    return " ".join(different or [word for word in words if word.startswith(("agent=", "env="))])


def _each_once(jobs: Sequence[Job]) -> list[Job]:
    """The jobs without those that are another's runs under other names; two that share some are refused."""
    kept: list[Job] = []
    owners: dict[object, Job] = {}
    for job in jobs:
        paths = [folder.path for folder in job.folders]
        shared = [owners[path] for path in paths if path in owners]
        if len(shared) == len(paths) == len(shared[0].runs if shared else ()):
            continue
        if shared:
            raise UserError(f"{shared[0].name} and {job.name} have runs in common: sweep over each seed once")
        owners |= dict.fromkeys(paths, job)
        kept.append(job)
    return kept


def _refuse_flags(arguments: Sequence[str]) -> None:
    for word in arguments:
        if word.startswith("-") and word != "--multirun":
            raise UserError(f"{word} is for one run: leave out -m, and give each setting one value")


def _refuse_hydra(overrides: Sequence[Override]) -> None:
    for override in overrides:
        if override.is_hydra_override():
            raise UserError(
                f"'{override.input_line}' is Hydra's own, and not for several runs: "
                "launcher=local, launcher=ray or launcher=slurm says who trains them"
            )
