"""Random-label MNIST on scikit-learn's digits, which need no download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from envs.permuted_mnist import IMAGES
from envs.random_label_mnist import RandomLabelMNIST
from plastic_rl.settings import Count, OneOf


@dataclass
class RandomLabelDigits(RandomLabelMNIST):
    """Scikit-learn's 8 x 8 digits, each with a random label that every task draws anew, to be memorised."""

    # Ours: what finishes within a minute, and is wide enough for 64 pixels.
    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 3, "hidden_units": 100}

    images: Annotated[str, OneOf(IMAGES)] = "digits"
    tasks: Count = 10
    epochs: Count = 50
