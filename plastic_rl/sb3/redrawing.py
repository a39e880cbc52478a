"""Weights of a policy that are drawn otherwise than the policy draws them, and the note of it in the saved model."""

from __future__ import annotations

from typing import Any

from torch import nn

from plastic_rl import initialisers
from plastic_rl.initialisers import Initialiser, initialise_

NAMED: dict[str, Initialiser] = {
    each.__name__: each
    for each in (
        initialisers.lecun_uniform_,
        initialisers.torch_default_,
        initialisers.kaiming_uniform_,
        initialisers.kaiming_normal_,
    )
}
"""The initialisers that a saved model may name."""


def redraw(model: Any, name: str) -> None:
    """Draws the weights of a model's policy afresh, and has the model remember how: the doctor then knows.

    Args:
        model: of Stable-Baselines3.
        name: of an initialiser of :mod:`plastic_rl.initialisers`.
    """
    initialise_(model.policy, NAMED[name])
    model.initialiser = name


def redrawn(policy: nn.Module, name: object) -> nn.Module:
    """A fresh policy, drawn as a model says that it was; one that says nothing, or nothing known, as it comes."""
    return initialise_(policy, NAMED[name]) if isinstance(name, str) and name in NAMED else policy
