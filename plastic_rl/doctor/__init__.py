"""Says before a run what continual backprop will do in it, and finds out afterwards what became of a network."""

from plastic_rl.doctor.forecast import doctor
from plastic_rl.doctor.pace import Pace
from plastic_rl.doctor.report import Report

__all__ = [
    "Pace",
    "Report",
    "doctor",
]
