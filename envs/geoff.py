"""Feature search (GEOFF, after Mahmood & Sutton 2013 and E. Meyer's `ejmejm/phd_research`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import SupervisedStream
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Stream


@dataclass
class GEOFF(SupervisedStream):
    """Regression on 20 Gaussian inputs, to imitate 20 threshold units: 180,000 examples, and nothing changes."""

    # Ours: a few units more than the network to be imitated has.
    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 1, "hidden_units": 32}

    tasks: Count = 18  # all the same: stretches after which the error is written down
    examples: Count = 10_000  # of a stretch
    inputs: Count = 20
    target_units: Count = 20
    batch_size: Count = 1

    def build(self, *, seed: int, device: str) -> Stream:
        return self._stream(seed, device, changes=False)

    def _stream(self, seed: int, device: str, *, changes: bool) -> Stream:
        from plastic_rl.streams import feature_search
        from plastic_rl.streams.stream import Plan

        return feature_search.FeatureSearch(
            Plan(self.tasks, batch_size=self.batch_size, shuffles=False),
            seed,
            inputs=self.inputs,
            target_units=self.target_units,
            examples=self.examples,
            changes=changes,
            device=device,
        )
