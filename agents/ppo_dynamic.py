"""PPO with networks that grow while they learn.

Ours, on the pattern of Sutton's "dynamic deep learning" (2024), of which there is no paper: units are born silent, live
by their utility and leave (docs/dynamic_networks.md). Newborn units are those of continual backprop in PPO.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from agents.methods.settings import MethodSettings, Place
from agents.ppo import PPO
from plastic_rl.settings import Count, Decay, NonNegative, NonNegativeInteger

if TYPE_CHECKING:
    from stable_baselines3 import PPO as StableBaselinesPPO
    from stable_baselines3.common.vec_env import VecEnv

    from plastic_rl.optim import Plasticity


@dataclass
class PPODynamic(MethodSettings, PPO):
    """PPO whose policy and critic begin narrow, gain units up to `hidden_units`, and let useless ones go."""

    method: ClassVar[str] = "GrowingLayers"
    summary: ClassVar[str] = "whose hidden layers gain units while it learns, and lose those that are of no use"
    place: ClassVar[Place] = Place.shapes

    first_units: Count = 16  # of each hidden layer at the beginning; hidden_units is the ceiling
    every: NonNegativeInteger = 40  # minibatch updates from a birth to the next, in each layer; 0 for none
    births: Count = 1  # units that a layer gains at once
    maturity_threshold: NonNegativeInteger = 10_000  # minibatch updates until a unit may leave
    retire_below: NonNegative = 0.01  # of the mean utility of a layer's mature units: a unit of no more leaves
    turnover: bool = True  # whether the least useful mature unit of a full layer makes room for a newborn one
    decay_rate: Decay = 0.99  # of the running utility, an update

    def plasticity(self) -> Plasticity:
        """Return growth up to the ceiling, with newborn weights drawn as all others were drawn."""
        from plastic_rl.initialisers import lecun_uniform_
        from plastic_rl.nn.dynamic import GrowingLayers

        return partial(
            GrowingLayers,
            ceiling=self.hidden_units,
            every=self.every,
            births=self.births,
            maturity_threshold=self.maturity_threshold,
            retire_below=self.retire_below,
            turnover=self.turnover,
            decay_rate=self.decay_rate,
            initialiser=lecun_uniform_,
        )

    def _agent(self, env: VecEnv, *, seed: int, device: str) -> StableBaselinesPPO:
        from plastic_rl.errors import UserError

        try:
            return super()._agent(env, seed=seed, device=device)
        except ValueError as error:  # a layer, a policy or a method beside it that cannot follow
            raise UserError(f"agent=ppo_dynamic cannot be like this: {error}") from error

    def _policy(self) -> dict[str, Any]:
        first = [min(self.first_units, self.hidden_units)] * self.hidden_layers
        return {**super()._policy(), "net_arch": {"pi": first, "vf": first}}
