"""The words of a search: those of a run, and how long to search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from omegaconf import OmegaConf

from agents.search import Space, space_of
from launch.settings import register
from launch.sweeps.plan import Job, jobs_of
from launch.validation import check_values
from launch.words import as_hydra_reads
from plastic_rl.errors import UserError
from plastic_rl.settings import Count, NonNegativeInteger, OneOf, OptionalCount

OUT = "runs/tuning"
SEEDS_TO_CONFIRM = 5


@dataclass
class Effort:
    """How long to search, and how.

    Attributes:
        trials: settings that are tried, those of earlier commands and those given up early included
        jobs: of them at the same time; by default as many as there are cores
        confirm: seeds, none of the search, on which the best is compared with the recipe's own settings
        pruner: what gives up trials that fall behind: median, hyperband or none
        over: the settings to search, such as [learning_rate,replacement_rate]; by default all of agents/search.py
    """

    trials: Count = 50
    jobs: OptionalCount = None
    confirm: NonNegativeInteger = SEEDS_TO_CONFIRM
    pruner: Annotated[str, OneOf(("median", "hyperband", "none"))] = "median"
    over: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """A search that can be.

    Args:
        effort: of it.
        words: of a run with the recipe's own settings.
        own: that run.
        space: where to look, by the names of settings.
    """

    effort: Effort
    words: tuple[str, ...]
    own: Job
    space: Mapping[str, Space]

    @property
    def own_values(self) -> dict[str, Any]:
        """The recipe's own values of what is searched."""
        return {name: value_of(self.own.runs[0].agent, name) for name in self.space}


def requested(arguments: Sequence[str]) -> Request:
    """The search that a command asks for.

    Raises:
        UserError: it cannot be.
    """
    register()
    names = tuple(f"{each.name}=" for each in fields(Effort))
    typed = OmegaConf.merge(
        OmegaConf.structured(Effort),
        OmegaConf.from_dotlist([word for word in arguments if word.startswith(names)]),
    )
    effort = OmegaConf.to_object(typed)
    assert isinstance(effort, Effort)
    check_values("", effort)
    words = as_hydra_reads([f"out={OUT}", *(word for word in arguments if not word.startswith(names))])
    jobs = jobs_of(words)
    if len(jobs) > 1:
        raise UserError(f"A search has one agent in one world, and the command gives {len(jobs)}: give one for each")
    return Request(effort, tuple(words), jobs[0], _space(jobs[0], effort.over))


def value_of(agent: object, name: str) -> Any:
    """The value of a setting such as `cbp.replacement_rate`."""
    for part in name.split("."):
        agent = getattr(agent, part)
    return agent


def _space(job: Job, over: Sequence[str]) -> dict[str, Space]:
    given = {word.partition("=")[0].removeprefix("agent.") for word in job.words}
    space = {name: each for name, each in space_of(job.runs[0].agent).items() if name not in given}
    for name in over:
        if name not in space:
            raise UserError(f"over={name} is given, or has no space in agents/search.py; there are {', '.join(space)}")
    if not space:
        raise UserError(f"There is nothing to search: agents/search.py has no space for agent={job.runs[0].agent_name}")
    return {name: each for name, each in space.items() if not over or name in over}
