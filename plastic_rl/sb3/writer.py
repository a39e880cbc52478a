"""The way of the numbers that SB3 and our callback record: the run's metrics file and its tracker."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter

from plastic_rl.runs import MetricsFile, Tracker

# SB3's names on the left; an empty name leaves the value out (the step says it already, or an episode's own line).
RENAMED = {
    "train/policy_gradient_loss": "loss/policy",
    "train/value_loss": "loss/value",
    "train/entropy_loss": "loss/entropy",
    "train/loss": "loss/total",
    "train/actor_loss": "loss/actor",
    "train/critic_loss": "loss/critic",
    "train/ent_coef_loss": "loss/entropy_coefficient",
    "time/fps": "time/steps_per_second",
    "time/total_timesteps": "",
    "time/iterations": "",
}


class MetricsWriter(KVWriter):
    """An output format of SB3's logger that writes each dump as one line of metrics, under this project's names.

    Args:
        metrics: the run's metrics file.
        tracker: the run's tracker.
    """

    def __init__(self, metrics: MetricsFile, tracker: Tracker) -> None:
        self.metrics = metrics
        self.tracker = tracker

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        named = {RENAMED.get(name, name): value for name, value in key_values.items()}
        self.record(step, {name: value for name, value in named.items() if name})

    def record(self, step: int, values: Mapping[str, Any]) -> None:
        """Writes the single numbers and strings among the values; does nothing where there are none."""
        simple = {name: value for name, value in values.items() if isinstance(value, Number | np.generic | str)}
        if simple:
            self.metrics.write(step, simple)
            self.tracker.log(step, simple)

    def close(self) -> None:
        """Nothing to do: whoever opened file and tracker closes them."""
