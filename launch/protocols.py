"""Protocols: one word for all the settings under which published numbers were reached, `protocol=aligned`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agents import agent_named
from agents.ppo import PPO
from launch import aligned
from plastic_rl.errors import UserError

WORD = "protocol="

PROTOCOLS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "aligned": {world: {**settings, **aligned.PPO} for world, settings in aligned.WORLDS.items()}
}
"""Of each protocol, the settings in each of its worlds."""


def with_protocol(arguments: Sequence[str]) -> list[str]:
    """Return the words of a command with the settings of its protocol in front, so that its own words win.

    Args:
        arguments: The words after `train.py`.

    Raises:
        UserError: There is no such protocol, it is not of these worlds or agents, or worlds that are swept over have
            different settings in it.
    """
    given = [word.removeprefix(WORD) for word in arguments if word.startswith(WORD)]
    others = [word for word in arguments if not word.startswith(WORD)]
    if not given:
        return others
    if len(given) > 1 or given[0] not in PROTOCOLS:
        raise UserError(f"protocol={','.join(given)} is none: expected one of {', '.join(PROTOCOLS)}")
    _check_agents(given[0], _named("agent", others))
    settings = _settings(given[0], _named("env", others))
    return [*(f"{name}={_as_word(value)}" for name, value in settings.items()), *others]


def _settings(protocol: str, envs: Sequence[str]) -> Mapping[str, object]:
    """The settings that all these worlds have in a protocol."""
    worlds = PROTOCOLS[protocol]
    for env in envs:
        if env not in worlds:
            raise UserError(f"protocol={protocol} is not of env={env}: expected one of {', '.join(worlds)}")
    if not envs:
        raise UserError(f"protocol={protocol} needs a world: env={'|'.join(worlds)}")
    first, *rest = (worlds[env] for env in envs)
    if any(settings != first for settings in rest):
        raise UserError(
            f"protocol={protocol} has different settings in env={','.join(envs)}: give one command for each"
        )
    return first


def _check_agents(protocol: str, agents: Sequence[str]) -> None:
    for name in agents:
        try:
            agent = agent_named(name)
        except KeyError:
            continue  # refused with those that there are, when the command is checked
        if not issubclass(agent, PPO):
            raise UserError(f"protocol={protocol} is of PPO: agent={name} is another; take agent=ppo, or ppo_<method>")


def _named(group: str, words: Sequence[str]) -> list[str]:
    return [name for word in words if word.startswith(f"{group}=") for name in word.split("=", 1)[1].split(",") if name]


def _as_word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
