"""Telling worlds apart when nobody announces that they change: what follows from what, regime by regime."""

from plastic_rl.regimes.change_detector import ChangeDetector
from plastic_rl.regimes.detector import RegimeDetector, Transitions
from plastic_rl.regimes.transition_model import TransitionModel

__all__ = [
    "ChangeDetector",
    "RegimeDetector",
    "TransitionModel",
    "Transitions",
]
