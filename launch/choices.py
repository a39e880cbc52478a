"""Choices of who learns where: names after `agent=` and `env=` that exist, and go together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from agents import AGENTS, agent_named
from agents.recipe import Agent, ReinforcementAgent, SupervisedAgent
from agents.together import JOINT
from envs import ENVS, env_named
from envs.own import OWN, Own
from envs.recipe import Environment, Problem
from plastic_rl.choices import Actions
from plastic_rl.errors import UserError


def check_choices(given: Mapping[str, Sequence[object]]) -> None:
    """Refuse an agent or an environment that does not exist, with those that would do.

    Args:
        given: The values that a command gives to each setting.

    Raises:
        UserError: One of them is not there.
    """
    agents, envs = [str(name) for name in given["agent"]], [str(name) for name in given["env"]]
    for name in envs:
        if not _is_env(name):
            raise UserError(_unknown("env", name, agents, envs_for(agents)))
        env_named(name)
    for name in agents:
        if name.partition(JOINT)[0] not in AGENTS:
            raise UserError(_unknown("agent", name, envs, agents_for(envs)))
        agent_named(name)


def agents_for(envs: Iterable[str], actions: Actions | None = None) -> list[str]:
    """Return the agents that can learn in environments or from streams; all where none of these is known.

    Args:
        envs: Their names.
        actions: The kind of actions that is taken there, where the names do not say it.
    """
    known = [env_named(env) for env in envs if _is_env(env)]
    fitting = [name for name, agent in AGENTS.items() if all(fits(agent, env) for env in known)]
    if actions is not None:
        fitting = [name for name in fitting if actions in getattr(AGENTS[name], "actions", ())]
    return fitting or list(AGENTS)


def envs_for(agents: Iterable[str]) -> list[str]:
    """Return the environments or streams that agents can learn from; all where none of these is known."""
    known = [AGENTS[base] for agent in agents if (base := agent.partition(JOINT)[0]) in AGENTS]
    return [name for name, env in ENVS.items() if all(fits(agent, env) for agent in known)] or list(ENVS)


def fits(agent: type[Agent], env: type[Problem]) -> bool:
    """True if an agent can learn in an environment or from a stream: it acts as the one takes it, or does not act."""
    if issubclass(env, Environment):
        return issubclass(agent, ReinforcementAgent) and (issubclass(env, Own) or env.actions in agent.actions)
    return issubclass(agent, SupervisedAgent)


def _is_env(name: str) -> bool:
    return name in ENVS or name.partition(JOINT)[0] == OWN


def counterpart(name: str, options: Sequence[str]) -> str | None:
    """Return the shortest option with the method of an agent: `ppo_cbp` for `sgd_cbp`; None for an agent without one.

    Args:
        name: Of an agent that there is.
        options: That fit.
    """
    base, _, method = name.rpartition("_")
    alike = [option for option in options if base and option.endswith(f"_{method}")]
    return min(alike, key=len, default=None)


def nearest(name: str, options: Sequence[str]) -> str | None:
    """Return the option that was probably meant: one of which the name is a part, is spelled alike, or has the end.

    Args:
        name: As typed.
        options: That there are.
    """
    name = name.lower()
    parts = {option: option.replace("-", "_").split("_") for option in options}
    last = name.replace("-", "_").split("_")[-1]
    holding = [option for option in options if name in parts[option]]
    alike = holding or get_close_matches(name, options, n=1) or [option for option in options if last in parts[option]]
    return min(alike, key=len, default=None)


def _unknown(group: str, name: str, others: Sequence[str], options: Sequence[str]) -> str:
    near = nearest(name, options)
    hint = f" Did you mean {group}={near}?" if near else ""
    expected = f"Expected {group}= one of {', '.join(options)}{_beside(group, others, options)}"
    if group == "env":
        expected += "; or anybody's environment by its id, env=my.module:MyEnv-v0"
    return f"There is no {group}={name}.{hint}\n{expected}"


def _beside(group: str, others: Sequence[str], options: Sequence[str]) -> str:
    """The reason why the options are fewer than all; empty where they are all."""
    are_all = len(options) == len(AGENTS if group == "agent" else ENVS)
    return "" if are_all else f" (with {'env' if group == 'agent' else 'agent'}={','.join(others)})"
