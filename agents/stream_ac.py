"""Streaming control: an actor-critic that learns from each step once, as it comes (Elsayed et al. 2024).

Values are those of Sharifnassab et al. (ICML 2026) and their released code, `intentional_ac.py`. What differs: traces
end with every episode, theirs only where no time limit cut it short; where a layer has few inputs, each unit keeps one
at least; the standard deviation of continuous actions does not depend on the state; and discrete actions, which they
do not have, are learned by ObGD (docs/step_sizes.md says why).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from agents.recipe import ReinforcementAgent
from plastic_rl.choices import StreamingUpdate
from plastic_rl.settings import Count, Decay, NonNegative, OneOf, Positive, Range

if TYPE_CHECKING:
    from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class StreamAC(ReinforcementAgent):
    """An actor-critic that learns from each step once, with traces and without a buffer (Sharifnassab et al. 2026)."""

    keeps: ClassVar[frozenset[str]] = frozenset({"hidden_units", "rollout_steps", "entropy_coefficient"})
    env_settings: ClassVar[Mapping[str, object]] = {"n_envs": 1}

    # `intentional` (Sharifnassab et al. 2026) or `obgd` (Elsayed et al. 2024); auto: the latter for discrete actions
    update: Annotated[str, OneOf(tuple(StreamingUpdate))] = "auto"
    value_share: Positive = 0.5  # η of the value, of intentional updates: the share of its error that a step is to take
    policy_share: Positive = 0.05  # η of the policy, of intentional updates
    trace_decay: Decay = 0.8  # λ
    discount: Decay = 0.99
    entropy_coefficient: NonNegative = 0.01
    hidden_units: Count = 128  # of each of two layers
    sparsity: Annotated[float, Range(0, 1)] = 0.9  # share of weights that begin at zero
    # What a running mean and variance keep from a step to the next, by which observations are normalised; 1 keeps all.
    normalize_inputs: Annotated[float, Range(0, 1, low_included=False)] = 1.0
    rollout_steps: Count = 1000  # between two lines of metrics, and two moments at which a run may be saved

    def build(self, env: VecEnv, *, seed: int, device: str) -> OnPolicyAlgorithm:
        from plastic_rl.sb3 import StreamAC as Algorithm

        return Algorithm(
            "MlpPolicy",
            env,
            n_steps=self.rollout_steps,
            gamma=self.discount,
            trace_decay=self.trace_decay,
            ent_coef=self.entropy_coefficient,
            policy_kwargs={
                "hidden_units": self.hidden_units,
                "sparsity": self.sparsity,
                "decay": self.normalize_inputs,
                "update": self.update,
                "value_share": self.value_share,
                "policy_share": self.policy_share,
            },
            seed=seed,
            device=device,
        )
