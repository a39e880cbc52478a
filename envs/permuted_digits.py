"""Online Permuted MNIST on scikit-learn's digits, which need no download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from envs.permuted_mnist import IMAGES, PermutedMNIST
from plastic_rl.settings import Count, OneOf


@dataclass
class PermutedDigits(PermutedMNIST):
    """Scikit-learn's 8 x 8 digits, once a task with the pixels in a new order: thirty tasks in a minute."""

    # Ours: what finishes within a minute, and is wide enough for 64 pixels.
    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 3, "hidden_units": 100}

    images: Annotated[str, OneOf(IMAGES)] = "digits"
    tasks: Count = 30
