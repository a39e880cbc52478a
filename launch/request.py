"""The words of a command, checked before Hydra composes anything."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, ValueType

from agents import AGENTS
from envs import ENVS
from envs.own import JOINT, OWN
from launch.choices import check_choices
from launch.messages import unknown
from launch.program import program
from launch.settings import register_agent, register_own, setting_names
from plastic_rl.errors import UserError

OF_SEVERAL = ("launcher", "jobs")
"""The settings of a command with -m, which `launch.sweeps.words` takes out of it."""


def check_request(arguments: Sequence[str]) -> None:
    """Refuse what names no setting, and what leaves open who is to learn where; tell Hydra of the agents.

    Args:
        arguments: The words after `train.py`, as Hydra reads them.

    Raises:
        UserError: A flag is not Hydra's, a word is not `setting=value` for a setting that exists, `agent=` or `env=` is
            missing, or names nobody.
    """
    given = list(overrides(arguments))
    for override in given:
        _check_name(override)
    if not names_both(given):
        raise UserError(
            f"agent= and env= are both needed: agent={'|'.join(AGENTS)}, env={'|'.join(ENVS)}\n"
            f"For example: {program()} agent=ppo_cbp env=permuted-cartpole"
        )
    chosen = {str(override.key_or_group): list(_values(override)) for override in given}
    check_choices(chosen)
    for name in chosen["agent"] or AGENTS:  # none where a pattern says which: all that there are
        register_agent(str(name))
        for env in map(str, chosen["env"]):
            if env.partition(JOINT)[0] == OWN:
                register_own(env, str(name))


def names_both(given: Iterable[Override]) -> bool:
    """True if the settings given name an agent and an environment."""
    return {"agent", "env"} <= {override.key_or_group for override in given}


def wants_help(arguments: Sequence[str]) -> bool:
    """True if the command asks for help rather than for a run."""
    return "--help" in arguments or "-h" in arguments


def setting_words(arguments: Sequence[str]) -> list[str]:
    """Return the words that set something: those that are no flags."""
    _refuse_dashes(arguments)
    return list(_parser().parse_args(list(arguments)).overrides)


def overrides(arguments: Sequence[str]) -> Iterator[Override]:
    """Yield the settings that a command gives, Hydra's own left out."""
    for override in OverridesParser.create().parse_overrides(setting_words(arguments)):
        if not override.is_hydra_override():
            yield override


def _values(override: Override) -> Iterator[object]:
    """The value of a setting, or all of them where it is swept over; none where a pattern says which."""
    if override.value_type == ValueType.GLOB_CHOICE_SWEEP:
        return
    if override.is_choice_sweep():
        yield from override.sweep_string_iterator()
    elif not override.is_sweep_override():
        yield override.value()


def _check_name(override: Override) -> None:
    if override.type != OverrideType.CHANGE:
        raise UserError(f"'{override.input_line}' adds or removes a setting: expected setting=value, such as seed=3")
    first = str(override.key_or_group).partition(".")[0]
    if first not in setting_names():
        raise UserError(unknown(first, [*setting_names(), *OF_SEVERAL]))


def _refuse_dashes(arguments: Sequence[str]) -> None:
    """Refuse a setting that is written as a flag, in the words in which it should be."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, equals, value = word.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if word.startswith("-") and name.partition(".")[0] in setting_names():
            apart = "" if equals or "=" in following or following.startswith("-") else following
            typed = f"{word} {apart}".rstrip()
            raise UserError(f"Settings have no dashes: write {name}={value or apart or 'VALUE'}, not {typed}")


def _parser() -> argparse.ArgumentParser:
    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        raise UserError(
            f"{message}; settings are written name=value, such as seed=3, and {program()} --help says what there is"
        )

    parser.error = refuse
    return parser
