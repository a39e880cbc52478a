"""The way of a learner through a stream: the loop, what it writes down, and what keeps it safe."""

from plastic_rl.training.course import Course
from plastic_rl.training.final_results import final_results
from plastic_rl.training.learn import Summary, learn
from plastic_rl.training.transcript import Transcript

__all__ = [
    "Course",
    "Summary",
    "Transcript",
    "final_results",
    "learn",
]
