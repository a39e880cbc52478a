"""PPO whose trunk learns by local losses towards what the rollout says, and whose heads alone learn by PPO's loss."""

from __future__ import annotations

from typing import Any, ClassVar

from stable_baselines3 import PPO
from stable_baselines3.common.policies import BasePolicy

from plastic_rl.sb3.labelled_rollouts import LabelledRolloutBuffer
from plastic_rl.sb3.local_trunk import LocalTrunkPolicy


class LocalPPO(PPO):
    """SB3's PPO with a :class:`LocalTrunkPolicy`: before each of its steps on a minibatch, the trunk takes one on it.

    ::

        model = LocalPPO("MlpPolicy", env, policy_kwargs={"targets": "returns+actions", "net_arch": [64, 64]})

    `save`, `load` and everything else work as in SB3. Plain `PPO.load` opens the same file where plastic_rl can be
    imported; there the trunk stays as it is, and the heads go on learning.

    Args:
        settings: those of PPO; ``policy_kwargs`` are those of :class:`LocalTrunkPolicy`.

    Raises:
        ValueError: for another policy, or a method of plasticity, which would replace units of a trunk that the
            policy's optimiser does not train.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": LocalTrunkPolicy,
        "CnnPolicy": LocalTrunkPolicy,  # images are flattened
    }

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__(*settings, **{"rollout_buffer_class": LabelledRolloutBuffer, **named})

    def _setup_model(self) -> None:
        super()._setup_model()
        if getattr(self, "plasticity", None) is not None:
            raise ValueError("the units of a locally trained trunk cannot be replaced through the policy's optimiser")
        buffer, policy = self.rollout_buffer, self.policy
        if not (isinstance(policy, LocalTrunkPolicy) and isinstance(buffer, LabelledRolloutBuffer)):
            raise ValueError(
                f"LocalPPO has a LocalTrunkPolicy and a LabelledRolloutBuffer; got {type(policy).__name__} and "
                f"{type(buffer).__name__}"
            )
        buffer.listener = policy.learn_locally

    def train(self) -> None:
        super().train()
        assert isinstance(self.policy, LocalTrunkPolicy)
        for name, value in self.policy.trainer.metrics().items():
            self.logger.record(name, value)
