"""The words of a command that say who trains several runs: `launcher=slurm launcher.partition=gpu jobs=20`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Any

from omegaconf import OmegaConf

from launch.validation import check_values
from plastic_rl.errors import UserError
from plastic_rl.settings import Count, NonNegative, NonNegativeInteger, OneOf, OptionalCount, Positive

NAME, JOBS = "launcher=", "jobs="
PREFIX = "launcher."


@dataclass
class Local:
    """A pool of processes on this machine.

    Attributes:
        jobs: processes at the same time; by default as many as there are cores, for threads=1
    """

    jobs: OptionalCount = None


@dataclass
class OnRay:
    """A Ray cluster; the run folders lie on a file system that all of its machines see.

    Attributes:
        jobs: runs at the same time; by default as many as the cluster has room for
        address: of the cluster: auto, or host:port; by default Ray starts one on this machine alone
        cpus: that a run takes
        gpus: that a run takes; a share, such as 0.25, has several runs on one
        retries: how often Ray tries a run again whose process or machine is gone
    """

    jobs: OptionalCount = None
    address: str | None = None
    cpus: Positive = 1.0
    gpus: NonNegative = 0.0
    retries: NonNegativeInteger = 3


@dataclass
class OnSlurm:
    """An array of Slurm jobs, by submitit; the run folders lie on a file system that all machines see.

    Attributes:
        jobs: runs at the same time; by default as many as Slurm lets
        partition: where
        account: who pays
        minutes: that Slurm gives a run before it is put back into the queue, from where it goes on
        requeues: how often that may happen
        cpus: that a run takes
        gpus: that a run takes
        memory_gb: that a run takes
        additional: other options of sbatch: launcher.additional.qos=long
        cluster: slurm, or local, which tries the same on this machine
    """

    jobs: OptionalCount = None
    partition: str | None = None
    account: str | None = None
    minutes: Count = 24 * 60
    requeues: NonNegativeInteger = 10
    cpus: Count = 1
    gpus: NonNegativeInteger = 0
    memory_gb: Count = 4
    additional: dict[str, str] = field(default_factory=dict)
    cluster: Annotated[str, OneOf(("slurm", "local"))] = "slurm"


Launcher = Local | OnRay | OnSlurm

LAUNCHERS: dict[str, type[Launcher]] = {"local": Local, "ray": OnRay, "slurm": OnSlurm}
"""The words after `launcher=`."""


def taken_from(arguments: Sequence[str]) -> tuple[Launcher, list[str]]:
    """Return who trains the runs of a command, and the words that are left.

    Args:
        arguments: The words after `train.py`, as Hydra reads them.

    Raises:
        UserError: There is no such launcher, or it has no such setting or value.
    """
    ours, others = split(arguments)
    name = next((word.removeprefix(NAME) for word in reversed(ours) if word.startswith(NAME)), "local")
    if name not in LAUNCHERS:
        raise UserError(_unknown(name))
    return _launcher(LAUNCHERS[name], [word for word in ours if not word.startswith(NAME)]), others


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of a command that are about the launcher, and the others."""
    ours = [word for word in arguments if word.startswith((NAME, JOBS, PREFIX))]
    return ours, [word for word in arguments if word not in ours]


def refuse_alone(arguments: Sequence[str]) -> None:
    """Refuse words about several runs in a command for one.

    Raises:
        UserError: There are some.
    """
    for word in arguments:
        if word.startswith((NAME, JOBS, PREFIX, "hydra.mode=")):
            raise UserError(f"{word} is for several runs: add -m, as in python train.py -m agent=ppo,ppo_cbp jobs=2")


def _launcher(kind: type[Launcher], words: Sequence[str]) -> Launcher:
    dots = [f"{PREFIX}{word}" if word.startswith(JOBS) else word for word in words]
    typed: Any = OmegaConf.merge({"launcher": OmegaConf.structured(kind)}, OmegaConf.from_dotlist(dots))
    launcher = OmegaConf.to_object(typed.launcher)
    assert isinstance(launcher, Local | OnRay | OnSlurm)
    check_values(PREFIX, launcher)
    return launcher


def _unknown(name: str) -> str:
    near = get_close_matches(name, LAUNCHERS, n=1)
    hint = f" Did you mean launcher={near[0]}?" if near else ""
    return f"There is no launcher={name}.{hint}\nExpected launcher= one of {', '.join(LAUNCHERS)}"
