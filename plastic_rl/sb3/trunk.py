"""Normalised trunks and other non-linearities for the policies of Stable-Baselines3."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from plastic_rl.choices import Activation
from plastic_rl.networks import nonlinearity


class Nonlinearity(nn.Sequential):
    """Everything between two linear layers of a policy: what Stable-Baselines3 calls after each hidden one.

    It is not told how wide the layer is, so that nothing here has a weight for each unit.

    Args:
        settings: those of :func:`plastic_rl.networks.nonlinearity`.
    """

    def __init__(self, *, activation: str = "relu", **settings: Any) -> None:
        super().__init__(*nonlinearity(activation=activation, **settings))
        self.activation, self.doubles = activation, Activation(activation).doubles
        self.is_halved = False  # until a policy has made room (`plastic_rl.sb3.halved_policies`)

    def forward(self, input: Tensor) -> Tensor:
        """The activations.

        Raises:
            RuntimeError: there are twice as many as the policy has room for.
        """
        if self.doubles and not self.is_halved:
            raise RuntimeError(
                f"{self.activation} gives two numbers for each unit, for which this policy has no room: "
                'give the algorithm plastic_rl.sb3.mlp_policy(PPO), or that of another, in place of "MlpPolicy"'
            )
        return super().forward(input)


def trunk(**settings: Any) -> dict[str, Any]:
    """The ``policy_kwargs`` of a policy whose hidden layers have another non-linearity, or are normalised before it.

    ::

        model = PPO("MlpPolicy", env, policy_kwargs={"net_arch": [256, 256], **trunk(normalization="layer")})

    The same goes for SAC, TD3, DQN and every algorithm that takes ``activation_fn``: for actors, critics and targets.
    The network of a ``CnnPolicy`` is changed behind its convolutions alone, which have an activation of their own. A
    saved model names these modules: it is opened where plastic_rl is installed, by plain ``PPO.load`` too.

    What gives two numbers for each unit ("crelu", "fourier") needs a policy that makes room for them:
    :func:`plastic_rl.sb3.mlp_policy`.

    Args:
        settings: those of :func:`plastic_rl.networks.nonlinearity`: ``normalization``, ``activation`` and its settings.

    Raises:
        ValueError: there is no such thing, or a setting is out of range.
    """
    Nonlinearity(**settings)  # what cannot be made is refused before a policy is
    return {"activation_fn": partial(Nonlinearity, **settings)}
