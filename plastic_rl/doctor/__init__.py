"""Says before a run what continual backprop will do in it, and finds out afterwards what became of a network."""

from plastic_rl.doctor.forecast import doctor as doctor
from plastic_rl.doctor.pace import Pace as Pace
from plastic_rl.doctor.report import Report as Report
