"""A linear target that moves (Sutton, "Adapting bias by gradient descent", AAAI 1992, "Task 1")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import SupervisedStream
from plastic_rl.settings import Count, NonNegative, NonNegativeInteger

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Stream


@dataclass
class Tracking(SupervisedStream):
    """Regression on 20 numbers, 5 of which matter, one of these with a new sign every 20 examples (Sutton 1992)."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "linear"}

    tasks: Count = 30  # stretches, of each of which a line of metrics tells; signs flip inside them
    examples: Count = 1000  # of a stretch
    inputs: Count = 20
    relevant: Count = 5
    flip_every: NonNegativeInteger = 20  # examples; 0 for never
    noise: NonNegative = 0.0  # standard deviation, added to targets

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams import tracking
        from plastic_rl.streams.stream import Plan

        return tracking.SignTracking(
            Plan(self.tasks, shuffles=False),
            seed,
            inputs=self.inputs,
            relevant=self.relevant,
            flip_every=self.flip_every,
            noise=self.noise,
            examples=self.examples,
            device=device,
        )
