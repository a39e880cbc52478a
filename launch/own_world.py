"""Anybody's environment, looked at before a run begins: what it takes, what it shows, and what can change in it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from envs.changes import CHANGES
from envs.own import Own
from plastic_rl.choices import Actions
from plastic_rl.errors import UserError

if TYPE_CHECKING:
    import gymnasium

_SCHEDULE = ("changes", "change_every", "change_in", "change_at", "burst_steps", "takes_over", "returning")


def actions_of(recipe: Own, seed: int) -> Actions:
    """Return the kind of actions that an environment takes, having looked at all that a run needs of it.

    Args:
        recipe: Of the environment.
        seed: Of the run.

    Raises:
        UserError: It cannot be made, agents cannot act in it or see what it shows, a change cannot be in it, or a run
            could not be resumed in it.
    """
    _check_schedule(recipe)
    with closing(recipe.unchanged()) as env:
        actions = _checked_spaces(recipe, env)
    try:
        world = recipe.build_one(seed)
    except ValueError as error:
        raise UserError(_unfit(recipe, error)) from error
    _check_state(recipe, world, seed)
    return actions


def idle_in(recipe: Own) -> dict[str, str]:
    """Return the settings of a schedule that another setting, or the lack of one, leaves without effect, and why."""
    if not recipe.words:
        return dict.fromkeys(_SCHEDULE, "without env.change=…: nothing changes")
    if recipe.change_at:
        return dict.fromkeys(("change_every", "change_in", "burst_steps"), "beside env.change_at")
    return {"change_in": "beside env.burst_steps"} if recipe.burst_steps else {}


def fitting_changes(recipe: Own) -> list[str]:
    """Return the words of the changes that an environment can have, with the settings that they have by default."""
    return [word for word in CHANGES if _fits(recipe, word)]


def _fits(recipe: Own, word: str) -> bool:
    with closing(recipe.unchanged()) as env:
        try:
            CHANGES[word]().build().bind(env)
        except ValueError:
            return False
    return CHANGES[word].of in recipe.id


def _unfit(recipe: Own, error: Exception) -> str:
    told = f"env.change={'+'.join(recipe.words)} cannot be in env.id={recipe.id}: {error}"
    return f"{told}\nChanges that can: {', '.join(fitting_changes(recipe))}"


def _checked_spaces(recipe: Own, env: gymnasium.Env[Any, Any]) -> Actions:
    from gymnasium.spaces import Box, Dict, Discrete, Tuple

    shown, taken = env.observation_space, env.action_space
    if isinstance(shown, Dict | Tuple) and not recipe.flatten:
        raise UserError(
            f"env.id={recipe.id} shows observations of several parts, {type(shown).__name__}: "
            "with env.flatten=true agents see them as one vector"
        )
    if isinstance(taken, Discrete):
        return Actions.discrete
    if isinstance(taken, Box):
        return Actions.continuous
    raise UserError(
        f"env.id={recipe.id} takes actions that no agent here gives, {taken}: expected Discrete or Box\n"
        "Wrap it so that it takes one of them, in the module that registers it."
    )


def _check_schedule(recipe: Own) -> None:
    if recipe.change_at and sorted({step for step in recipe.change_at if step > 0}) != recipe.change_at:
        raise UserError(f"env.change_at must ascend from at least 1, got {recipe.change_at}")
    if recipe.burst_steps >= recipe.change_every:
        raise UserError(
            f"env.burst_steps={recipe.burst_steps} must be less than env.change_every={recipe.change_every}"
        )


def _check_state(recipe: Own, world: gymnasium.Env[Any, Any], seed: int) -> None:
    """Refuse an environment in which a run could not be resumed."""
    from plastic_rl.runs.environment_state import environment_state

    world.reset(seed=seed)
    try:
        environment_state(world)
    except UserError as error:
        raise UserError(
            f"env.id={recipe.id} cannot be saved in an episode: {error}\nGive it state_dict() and load_state_dict(), "
            "or, if all its chance is np_random, let a run live the episode again: env.replayed=true"
        ) from error
    finally:
        world.close()
