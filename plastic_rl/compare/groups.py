"""Runs that differ in their seed alone, and what tells one such group from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plastic_rl.compare.runs import Run
from plastic_rl.errors import UserError

NEARLY_WHOLE = 0.95
"""The share of the longest life from which on a run counts as whole: the last rollout may be a part."""


@dataclass(frozen=True)
class Group:
    """Runs of one experiment.

    Args:
        name: what tells it from the others, in a few words.
        runs: by their seeds.
        settings: that all of its runs have.
    """

    name: str
    runs: tuple[Run, ...]
    settings: Mapping[str, object]


def grouped(runs: Iterable[Run], by: Sequence[str] = ()) -> list[Group]:
    """The groups of runs, each called by the settings in which it differs from others.

    Args:
        runs: of one comparison.
        by: the settings that make a group; all by default.

    Raises:
        UserError: a setting is that of no run.
    """
    runs = list(runs)
    _check(by, runs)
    made: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        made.setdefault(_key(run, by), []).append(run)
    groups = [_group(_in_order(members)) for members in made.values()]
    names = _names(groups, by)
    return [Group(name, group.runs, group.settings) for name, group in zip(names, groups, strict=True)]


def differences(groups: Sequence[Group]) -> dict[str, list[object]]:
    """The settings in which groups differ, with the value in each; None where a group has no such setting."""
    names = dict.fromkeys(name for group in groups for name in group.settings)
    values = {name: [group.settings.get(name) for group in groups] for name in names}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


def whole(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """The runs that lived (nearly) as long as the longest, and the others, which a mean over life would flatter."""
    longest = max(run.length for run in runs)
    long = [run for run in runs if run.length >= NEARLY_WHOLE * longest]
    return long, [run for run in runs if run not in long]


def _check(by: Sequence[str], runs: Sequence[Run]) -> None:
    known = sorted({name for run in runs for name in run.settings})
    for name in by:
        if name not in known:
            raise UserError(f"--by {name}: no run has that setting; there are {', '.join(known) or 'none'}")


def _key(run: Run, by: Sequence[str]) -> tuple[str, ...]:
    if not run.settings:
        return ("", run.name)
    return tuple(f"{name}={run.settings[name]!r}" for name in (by or sorted(run.settings)) if name in run.settings)


def _in_order(runs: Iterable[Run]) -> list[Run]:
    """The runs by their seeds, the last written of those with the same seed and settings alone."""
    newest: dict[object, Run] = {}
    for run in sorted(runs, key=lambda run: _modified(run.path)):
        newest[run.path if run.seed is None else run.seed] = run
    return sorted(newest.values(), key=lambda run: (run.seed is None, run.seed or 0, str(run.path)))


def _modified(path: Path) -> float:
    return path.stat().st_mtime


def _group(runs: Sequence[Run]) -> Group:
    first = runs[0].settings
    shared = {name: value for name, value in first.items() if all(run.settings.get(name) == value for run in runs)}
    return Group(runs[0].name, tuple(runs), shared)


def _names(groups: Sequence[Group], by: Sequence[str]) -> list[str]:
    """A name for each group: its agent, or its folder's, where that tells all apart, else the settings that differ."""
    folders = [group.name for group in groups]
    if not by and len(set(folders)) == len(groups) and not any("agent" in group.settings for group in groups):
        return folders
    different = [name for name in differences(groups) if not by or name in by]
    chosen: list[str] = []
    for name in sorted(different, key=lambda name: (name not in ("agent", "env"), name)):
        if len(set(_called(groups, chosen))) == len(groups):
            break
        if len(set(_called(groups, [*chosen, name]))) > len(set(_called(groups, chosen))):
            chosen.append(name)
    return [
        name or str(group.settings.get("agent", group.name))
        for name, group in zip(_called(groups, chosen), groups, strict=True)
    ]


def _called(groups: Sequence[Group], chosen: Sequence[str]) -> list[str]:
    return [_call(group, chosen) for group in groups]


def _call(group: Group, chosen: Sequence[str]) -> str:
    if not group.settings:
        return group.name
    words = [
        str(group.settings[name]) if name in ("agent", "env") else f"{name}={group.settings[name]}"
        for name in chosen
        if name in group.settings
    ]
    return " ".join(words)
