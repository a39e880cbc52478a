"""Methods that hold weights to those of earlier tasks; they must be told when a task is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agents.methods.settings import MethodSettings
from plastic_rl.settings import NonNegative


@dataclass
class ElasticWeightConsolidation(MethodSettings):
    """Elastic weight consolidation (Kirkpatrick et al., PNAS 2017)."""

    method: ClassVar[str] = "ElasticWeightConsolidation"
    summary: ClassVar[str] = "that is held back where weights mattered to earlier tasks (Kirkpatrick et al. 2017)"

    strength: NonNegative = 1000.0  # λ


@dataclass
class L2Transfer(MethodSettings):
    """The pull to the previous task's weights ("L2T" of Yoon et al., ICLR 2020)."""

    method: ClassVar[str] = "L2Transfer"
    summary: ClassVar[str] = "that is drawn back to the weights of the task before (Yoon et al. 2020)"

    strength: NonNegative = 0.01  # λ
