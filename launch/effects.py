"""Settings that are given, and would change nothing."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator

from agents.replay import ReplayAgent
from agents.step_sizes import StepSizeAgent
from agents.stream_ac import StreamAC
from envs.own import Own
from envs.random_label_mnist import RandomLabelMNIST
from envs.recipe import Problem, World
from launch.own_world import idle_in
from launch.settings import Settings
from plastic_rl.choices import Actions, StreamingUpdate
from plastic_rl.errors import UserError

logger = logging.getLogger("plastic_rl.launch")

PERCEPTRONS = ("mlp", "layer_norm_mlp", "batch_norm_mlp")

SIZES = {
    "hidden_layers": PERCEPTRONS,
    "hidden_units": PERCEPTRONS,
    "normalization": ("mlp",),
    "network_width": ("resnet18",),
}
"""The networks that have a size; the others are of the size of their paper."""


def check_effects(settings: Settings, given: Collection[str]) -> None:
    """Refuse a size, or a replay buffer, that a run has not, and what belongs to another choice.

    A linear model is compared with networks whose sizes all arms of a study are given; it only says that it has none.

    Args:
        settings: Of the run.
        given: The names of those that the command gives, such as `agent.hidden_units`.

    Raises:
        UserError: One of them would change nothing.
    """
    for name, reason in (*_idle(settings), *_idle_in_a_world(settings)):
        if name in given:
            raise UserError(f"{name} changes nothing {reason}")
    if "replay_on_disk" in given and not isinstance(settings.agent, ReplayAgent):
        raise UserError(
            f"replay_on_disk is of agents with a replay buffer, and changes nothing for agent={settings.agent_name}"
        )
    network = getattr(settings.agent, "network", None)
    for name, networks in SIZES.items():
        if network is None or network in networks or f"agent.{name}" not in given:
            continue
        told = f"agent.{name} is of {' or '.join(networks)}, and changes nothing for agent.network={network}"
        if network != "linear":
            raise UserError(told)
        logger.warning("%s.", told)
    if "agent.reset_layers" in given and not getattr(settings.agent, "reset_every", 1):  # one arm of a sweep, perhaps
        logger.warning("agent.reset_layers changes nothing with agent.reset_every=0.")


def say_what_never_changes(runs: Iterable[Settings]) -> None:
    """Say of worlds that no change comes before the run ends, once of each.

    Args:
        runs: The settings of some runs.
    """
    for line in dict.fromkeys(filter(None, map(_unchanging, runs))):
        logger.warning("%s", line)


def _unchanging(settings: Settings) -> str | None:
    first = settings.env.first_change() if isinstance(settings.env, World) else None
    if first is None or settings.total_steps is None or first < settings.total_steps:
        return None
    world = f"{settings.env_label} first changes at step {first:_}"
    return f"{world}, and total_steps={settings.total_steps:_}: the world never changes in such a run."


def _idle(settings: Settings) -> Iterator[tuple[str, str]]:
    """The settings that another one, or the stream itself, leaves without effect, each with the reason."""
    agent = settings.agent
    if isinstance(settings.env, RandomLabelMNIST):
        yield "env.tested", "where labels are random: there is nothing to be tested on"
    if isinstance(agent, StreamAC) and _learns_by_obgd(agent, settings.env):
        reason = "where a policy learns by ObGD, which has no share (agent.update=obgd, or auto and discrete actions)"
        yield from ((name, reason) for name in ("agent.value_share", "agent.policy_share"))
    if isinstance(agent, StepSizeAgent) and agent.network == "linear":
        yield "agent.hidden_learning_rate", "for agent.network=linear, which has no hidden layer"
        yield "agent.everywhere", "for agent.network=linear, which has no hidden layer"
    elif isinstance(agent, StepSizeAgent) and agent.everywhere:
        yield "agent.hidden_learning_rate", "for agent.everywhere=true: hidden layers learn as the last one does"


def _idle_in_a_world(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.start_from is None:
        yield "reset", "without start_from=model.zip, of which it says what is not taken over"
    if isinstance(settings.env, Own):
        yield from ((f"env.{name}", reason) for name, reason in idle_in(settings.env).items())


def _learns_by_obgd(agent: StreamAC, env: Problem) -> bool:
    is_discrete = isinstance(env, World) and env.actions is Actions.discrete
    return agent.update == StreamingUpdate.obgd or (agent.update == StreamingUpdate.auto and is_discrete)
