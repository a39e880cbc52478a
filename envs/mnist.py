"""MNIST as it is: one task, for learners to be compared on where nothing changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import ImageStream
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from plastic_rl.streams.data.images import ImageSet
    from plastic_rl.streams.stream import Stream


@dataclass
class MNIST(ImageStream):
    """MNIST all at once, five epochs in minibatches of 256, as Ma et al. (2020) train by the HSIC bottleneck."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 5, "hidden_units": 1024}

    # Ma et al. (2020), "unformatted training": configurations of their code.
    epochs: Count = 5
    batch_size: Count = 256

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams.growing_data import GrowingData
        from plastic_rl.streams.stream import Plan

        return GrowingData(self.images(device), Plan(1, self.epochs, self.batch_size), seed, shares=(1.0,))

    def images(self, device: str) -> ImageSet:
        """The data set."""
        return self.load("mnist", device)
