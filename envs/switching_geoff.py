"""Feature search where the network to be imitated is drawn afresh from time to time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.geoff import GEOFF
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Stream


@dataclass
class SwitchingGEOFF(GEOFF):
    """Regression on 20 Gaussian inputs; another 20 threshold units are to be imitated every 10,000 examples."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 1, "hidden_units": 64}

    tasks: Count = 10
    changes: bool = True  # false is a control: the first network for ever

    def build(self, *, seed: int, device: str) -> Stream:
        return self._stream(seed, device, changes=self.changes)
