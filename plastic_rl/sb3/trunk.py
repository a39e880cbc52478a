"""Normalised trunks and other non-linearities for the policies of Stable-Baselines3."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from plastic_rl.networks import nonlinearity


class Nonlinearity(nn.Sequential):
    """Everything between two linear layers of a policy: what Stable-Baselines3 calls after each hidden one.

    It is not told how wide the layer is, so that nothing here has a weight for each unit.

    Args:
        settings: those of :func:`plastic_rl.networks.nonlinearity`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(*nonlinearity(**settings))


def trunk(**settings: Any) -> dict[str, Any]:
    """The ``policy_kwargs`` of a policy whose hidden layers have another non-linearity, or are normalised before it.

    ::

        model = PPO("MlpPolicy", env, policy_kwargs={"net_arch": [256, 256], **trunk(normalization="layer")})

    The same goes for SAC, TD3, DQN and every algorithm that takes ``activation_fn``: for actors, critics and targets.
    The network of a ``CnnPolicy`` is changed behind its convolutions alone, which have an activation of their own. A
    saved model names these modules: it is opened where plastic_rl is installed, by plain ``PPO.load`` too.

    Args:
        settings: those of :func:`plastic_rl.networks.nonlinearity`: ``normalization``, ``activation`` and its settings.

    Raises:
        ValueError: there is no such thing, or a setting is out of range.
    """
    Nonlinearity(**settings)  # what cannot be made is refused before a policy is
    return {"activation_fn": partial(Nonlinearity, **settings)}
