"""The values of a run's settings, checked against what they may be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from agents.acting import ActingAgent
from agents.ppo import PPO
from agents.recipe import ReinforcementAgent, SupervisedAgent
from agents.together import parts_of
from envs.own import Own, changes_of
from envs.recipe import Environment, SupervisedStream
from launch.choices import agents_for, counterpart, nearest
from launch.device import check_device_name
from launch.own_world import actions_of
from launch.settings import Settings
from launch.start import start_file
from plastic_rl.choices import Actions, SeedsIn
from plastic_rl.errors import UserError
from plastic_rl.extras import missing
from plastic_rl.settings import LARGEST


def check(settings: Settings) -> None:
    """Refuse values that no run can have, before anything heavy is imported.

    Raises:
        UserError: The first setting, in the order of their declaration, that is out of its range.
    """
    methods = {word: getattr(settings.agent, word) for word in parts_of(type(settings.agent))}
    groups = {"": settings, "agent.": settings.agent, **{f"agent.{word}.": each for word, each in methods.items()}}
    groups |= {f"env.{word}.": getattr(settings.env, word) for word in changes_of(type(settings.env))}
    for prefix, group in {**groups, "env.": settings.env}.items():
        check_values(prefix, group)
        _check_order(prefix, group)
    check_device_name(settings.device)
    if settings.start_from is not None:
        start_file(settings.start_from)
    _check_seeds_in(settings)
    if isinstance(settings.env, SupervisedStream):
        _check_stream(settings)
    else:
        _check_world(settings)


def check_values(prefix: str, group: Any) -> None:
    """Refuse values that the settings of a group cannot have.

    Args:
        prefix: Before the name of each, such as `agent.`.
        group: A dataclass of settings.

    Raises:
        UserError: The first that is out of its range.
    """
    for name, condition in _conditions(type(group)):
        value = getattr(group, name)
        if value not in condition:
            raise UserError(f"{prefix}{name} must be {condition}{_end_of_all_ranges(value)}, got {value}")


def _end_of_all_ranges(value: object) -> str:
    if isinstance(value, float) and math.isinf(value):
        return " and finite"
    return " and below 2^63" if isinstance(value, int) and value > LARGEST else ""


def _conditions(owner: type[Any]) -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(owner, include_extras=True).items():
        if get_origin(hint) is Annotated:
            yield name, get_args(hint)[1]


def _check_order(prefix: str, group: Any) -> None:
    """Refuse the ends of a range, such as `friction_low` and `friction_high`, in the wrong order."""
    names = {setting.name for setting in fields(group)}
    for low in sorted(name for name in names if name.endswith("low")):
        high = f"{low.removesuffix('low')}high"
        if high in names and (begin := getattr(group, low)) > (end := getattr(group, high)):
            raise UserError(f"{prefix}{low}={begin} is above {prefix}{high}={end}: give the lower first")


def _check_seeds_in(settings: Settings) -> None:
    """Refuse to be told how seeds are trained where there is no choice."""
    if settings.seeds_in == SeedsIn.auto:
        return
    if isinstance(settings.env, SupervisedStream):
        raise UserError(f"seeds_in={settings.seeds_in} is for worlds: the seeds of a stream are one run")
    if settings.seeds == 1:
        raise UserError(f"seeds_in={settings.seeds_in} is for several seeds: give seeds=10, or leave it out")


def _check_stream(settings: Settings) -> None:
    if not isinstance(settings.agent, SupervisedAgent):
        raise _mismatch(settings, "a supervised stream")
    if settings.total_steps is not None:
        raise UserError(
            f"total_steps={settings.total_steps} is for reinforcement learning: a stream is as long as its tasks, "
            "which env.tasks and the other settings of env= say"
        )
    for name in ("evaluate_every", "look_back"):
        if getattr(settings, name):
            raise UserError(
                f"{name}={getattr(settings, name)} is for reinforcement learning; a stream tests each task when it ends"
            )
    if settings.start_from is not None:
        raise UserError(f"start_from={settings.start_from} is for agents that act in worlds")
    if settings.formats:
        raise UserError(f"formats={settings.formats} is for reinforcement learning; a stream writes metrics.jsonl")
    returning, tasks = getattr(settings.env, "returning", 0), getattr(settings.env, "tasks", None)
    if tasks is not None and returning > tasks:
        raise UserError(f"env.returning={returning} is more than env.tasks={tasks}: no task would come back")


def _check_world(settings: Settings) -> None:
    if not isinstance(settings.agent, ReinforcementAgent):
        raise _mismatch(settings, "an environment to act in")
    assert isinstance(settings.env, Environment)
    actions = actions_of(settings.env, settings.seed) if isinstance(settings.env, Own) else settings.env.actions
    if actions not in settings.agent.actions:
        raise _mismatch(settings, f"a world of {actions} actions", actions, hints=False)
    if "tensorboard" in settings.formats and find_spec("tensorboard") is None:
        raise UserError(missing("tensorboard", "formats=[tensorboard]"))
    if isinstance(settings.agent, PPO):
        _check_minibatches(settings.agent)
    if isinstance(settings.agent, ActingAgent):
        settings.agent.check(settings.env.n_envs)


def _check_minibatches(agent: PPO) -> None:
    if agent.minibatch_size == 1 and agent.normalize_advantage:
        raise UserError(
            "agent.minibatch_size must be at least 2, as advantages are normalised within a minibatch, got 1\n"
            "With agent.normalize_advantage=false it may be 1."
        )


def _mismatch(settings: Settings, kind: str, actions: Actions | None = None, *, hints: bool = True) -> UserError:
    fitting = agents_for([settings.env_name], actions)
    near = counterpart(settings.agent_name, fitting) or (nearest(settings.agent_name, fitting) if hints else None)
    hint = f" Did you mean agent={near}?" if near else ""
    return UserError(
        f"env={settings.env_label} is {kind}, not for agent={settings.agent_name}.{hint}\n"
        f"Expected agent= one of {', '.join(fitting)}"
    )
