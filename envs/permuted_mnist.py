"""Online Permuted MNIST (Dohare et al., Nature 632, 2024, "Online Permuted MNIST")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from envs.recipe import ImageStream
from plastic_rl.settings import Count, NonNegativeInteger, OneOf

if TYPE_CHECKING:
    from plastic_rl.streams.permuted import RepeatedImages
    from plastic_rl.streams.stream import Stream

IMAGES = ("mnist", "fashion-mnist", "digits")


@dataclass
class PermutedMNIST(ImageStream):
    """MNIST, gone through once a task with the pixels in a new order (Dohare et al. 2024, Ext. Data Fig. 4)."""

    # Three hidden layers of 2,000 units: the paper's.
    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 3, "hidden_units": 2000}

    added_later: ClassVar[Mapping[str, object]] = {"changes": True, "tested": True}

    images: Annotated[str, OneOf(IMAGES)] = "mnist"
    tasks: Count = 800
    examples: NonNegativeInteger = 0  # of a task; 0 for all of the data set: 60,000
    epochs: Count = 1
    batch_size: Count = 1
    returning: NonNegativeInteger = 0  # different tasks, which then come in turn; 0 for no task twice
    changes: bool = True  # false is a control: the first task for ever
    tested: bool = (
        True  # on all test images at the end of each task, which takes much of the time where tasks are short
    )

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams.stream import Plan

        images = self.load(self.images, device)
        plan = Plan(self.tasks, self.epochs, self.batch_size)
        returning = self.returning if self.changes else 1
        examples = self.examples or None
        return self.variant()(images, plan, seed, examples=examples, returning=returning, tested=self.tested)

    def variant(self) -> type[RepeatedImages]:
        """The kind of change from task to task."""
        from plastic_rl.streams.permuted import PixelPermutations

        return PixelPermutations
