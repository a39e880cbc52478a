"""Adam with MetaOptimize on a stream, from the small first step size of its paper."""

from __future__ import annotations

from dataclasses import dataclass

from agents.adam import Adam
from agents.methods import MetaOptimize as MetaOptimizeSettings
from plastic_rl.settings import Positive


@dataclass
class MetaOptimize(MetaOptimizeSettings, Adam):
    """Adam from a small learning rate on, which each tensor learns for itself (Sharifnassab et al. 2025)."""

    learning_rate: Positive = 1e-4  # the first; the paper tries 1e-6 to 1e-4
