"""Slowly-changing regression (Dohare et al., Nature 632, 2024, "Details of the Slowly-Changing Regression problem")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import SupervisedStream
from plastic_rl.settings import Count, Rate

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Stream


@dataclass
class BitFlipping(SupervisedStream):
    """Regression on 20 bits, one of which flips every 10,000 examples (Dohare et al. 2024, Ext. Data Fig. 2)."""

    # One hidden layer of five units, far fewer than the hundred of the network to be imitated: the paper's.
    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 1, "hidden_units": 5}

    added_later: ClassVar[Mapping[str, object]] = {"changes": True}

    tasks: Count = 300  # 3 million examples
    examples: Count = 10_000  # T, of a task
    bits: Count = 20  # m
    slow_bits: Count = 15  # f
    flips_one: bool = True  # false for the older variant: all slow bits are drawn afresh (1 million examples)
    target_units: Count = 100
    share: Rate = 0.7  # β: of its inputs that a target unit needs to see agree with its weights
    batch_size: Count = 1
    changes: bool = True  # false is a control: the slow bits stay as they are for ever

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams import bit_flipping
        from plastic_rl.streams.stream import Plan

        return bit_flipping.BitFlipping(
            Plan(self.tasks, batch_size=self.batch_size, shuffles=False),
            seed,
            bits=self.bits,
            slow_bits=self.slow_bits,
            examples=self.examples,
            flips_one=self.flips_one,
            target_units=self.target_units,
            share=self.share,
            changes=self.changes,
            device=device,
        )
