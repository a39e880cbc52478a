"""SAC with fresh networks at each change: the control that cannot lose plasticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agents.replay import FreshReplayAgent
from agents.sac import SAC


@dataclass
class SACFresh(FreshReplayAgent, SAC):
    """SAC whose networks and targets start from scratch at each change, its replay buffer kept: the control."""

    base_name: ClassVar[str] = "sac"
