"""One rollout of each seed, with one inference for all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from plastic_rl.errors import UserError
from plastic_rl.sb3.lean.rollout import Rollout
from plastic_rl.sb3.seeds.generators import global_state
from plastic_rl.sb3.seeds.member import Member
from plastic_rl.sb3.seeds.networks import NetworksOfSeeds, as_rows_of_seeds
from plastic_rl.sb3.seeds.stacked_policies import StackedPolicies


class Rollouts:
    """The collection of one rollout of each seed.

    Args:
        members: with models in the lean loop, alike in all but their weights.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.rollouts = {member: _rollout(member) for member in members}
        self.steps = members[0].model.n_steps

    def collect(self) -> list[Member]:
        """Fills the buffers; returns those that can learn from them."""
        for member, rollout in list(self.rollouts.items()):
            if not member.attempt(rollout.begin):
                del self.rollouts[member]
        if self.rollouts:
            before = global_state()
            self._take_steps()
            _refuse_global_draws(before)
        if self.rollouts:
            self._finish()
        return [member for member in self.rollouts if member.error is None]

    def _take_steps(self) -> None:
        self._stack()
        for step in range(self.steps):
            if self._step(step):
                self._regroup()
            if not self.rollouts:
                return

    def _finish(self) -> None:
        last = self.networks.values(as_rows_of_seeds([each.seen["new_obs"] for each in self.rollouts.values()]))
        self.stack.let_all_go()
        for (member, rollout), values in zip(self.rollouts.items(), last, strict=True):
            member.attempt(partial(rollout.finish, values))

    def _step(self, step: int) -> bool:
        """Takes a step with each; True if somebody cannot go on."""
        seen = as_rows_of_seeds([each.model._last_obs for each in self.rollouts.values()])
        actions, values, log_probs, refused = self.networks.act(seen)
        is_over = False
        for place, (member, rollout) in enumerate(self.rollouts.items()):
            member.error = refused.get(place)
            if member.error is None:
                try:
                    goes_on = rollout.take(step, actions[place], values[place], log_probs[place])
                    member.is_asked_to_stop = not goes_on
                except Exception as error:
                    member.error = error
            is_over = is_over or member.is_asked_to_stop or member.error is not None
        return is_over

    def _regroup(self) -> None:
        """Goes on without those that cannot."""
        self.stack.let_all_go()
        self.rollouts = {
            member: rollout
            for member, rollout in self.rollouts.items()
            if not (member.error or member.is_asked_to_stop)
        }
        if self.rollouts:
            self._stack()

    def _stack(self) -> None:
        members = list(self.rollouts)
        self.stack = StackedPolicies([member.model.policy for member in members])
        generators = [member.generators for member in members]
        self.networks = NetworksOfSeeds(self.stack, generators, members[0].model.n_envs)


def _rollout(member: Member) -> Rollout:
    model = member.model
    assert model.env is not None
    return Rollout(model, model.env, member.callback, model.rollout_buffer, model.n_steps, is_exact=True)


def _refuse_global_draws(before: object) -> None:
    """Refuses worlds and callbacks that draw from global generators while seeds act together.

    Raises:
        UserError: One of them does.
    """
    if global_state() != before:
        raise UserError(
            "Something in this world, or a callback, draws from NumPy's or torch's global random generator at each "
            "step, of which seeds that act together have one each: train them in turn, with seeds_in=turn."
        )
