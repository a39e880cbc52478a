"""Label-permuted MNIST on scikit-learn's digits, which need no download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from envs.label_permuted_mnist import LabelPermutedMNIST
from envs.permuted_mnist import IMAGES
from plastic_rl.settings import Count, OneOf


@dataclass
class LabelPermutedDigits(LabelPermutedMNIST):
    """Scikit-learn's 8 x 8 digits, gone through once a task; each task names the ten classes anew."""

    # Ours: what finishes within a minute, and is wide enough for 64 pixels.
    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 3, "hidden_units": 100}

    images: Annotated[str, OneOf(IMAGES)] = "digits"
    tasks: Count = 30
