"""Several models that learn side by side, rollout by rollout."""

from __future__ import annotations

from collections.abc import Sequence

from plastic_rl.sb3.seeds.member import Member
from plastic_rl.sb3.seeds.rollouts import Rollouts
from plastic_rl.sb3.seeds.updates import Updates
from plastic_rl.sb3.seeds.why_apart import why_apart


def learn_together(members: Sequence[Member]) -> None:
    """Trains models to their ends, each to the weights and logs that its own `learn` would have given it.

    Those that are behind, having begun from earlier checkpoints, catch up first. A model that fails is left where it
    failed, with its error in :attr:`Member.error`; the others go on.

    Args:
        members: the models, alike in their settings.
    """
    members = [member for member in members if member.goes_on]  # the others are trained
    for member in members:
        member.attempt(member.begin)
    while going := [member for member in members if member.goes_on]:
        least = min(member.model.num_timesteps for member in going)
        _learn([member for member in going if member.model.num_timesteps == least])
    for member in members:
        if member.error is None:
            member.attempt(member.end)


def _learn(members: Sequence[Member]) -> None:
    """Takes a rollout and the update on it with each: together where they can, else in turn."""
    if why_apart([member.model for member in members]) is not None:
        for member in members:
            member.attempt(member.learn_alone)
        return
    learning = [member for member in Rollouts(members).collect() if member.attempt(member.rest)]
    if learning:
        Updates(learning).run()
