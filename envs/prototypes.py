"""Noisy patterns, one of which is replaced from time to time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import SupervisedStream
from plastic_rl.settings import Count, Rate

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Stream


@dataclass
class Prototypes(SupervisedStream):
    """Regression on 60 patterns of 40 noisy bits with a target each; one is replaced every 250 examples."""

    # Ours: two units for each pattern.
    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 1, "hidden_units": 120}

    tasks: Count = 160  # 40,000 examples
    examples: Count = 250  # from one replacement to the next
    prototypes: Count = 60  # patterns at a time
    bits: Count = 40
    noise: Rate = 0.05  # of bits that are wrong
    batch_size: Count = 1
    changes: bool = True  # false is a control: the patterns of the first task for ever
    clustered: bool = True  # false is a control: no input is like another, the patterns are weights of the target

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams import prototypes
        from plastic_rl.streams.stream import Plan

        return prototypes.Prototypes(
            Plan(self.tasks, batch_size=self.batch_size, shuffles=False),
            seed,
            prototypes=self.prototypes,
            bits=self.bits,
            noise=self.noise,
            examples=self.examples,
            changes=self.changes,
            clustered=self.clustered,
            device=device,
        )
