"""DQN with a fresh network at each change: the control that cannot lose plasticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agents.dqn import DQN
from agents.replay import FreshReplayAgent


@dataclass
class DQNFresh(FreshReplayAgent, DQN):
    """DQN whose network and target start from scratch at each change, its replay buffer kept: the control."""

    base_name: ClassVar[str] = "dqn"
