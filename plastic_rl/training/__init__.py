"""The way of a learner through a stream: the loop, what it writes down, and what keeps it safe."""

from plastic_rl.training.course import Course
from plastic_rl.training.final_results import final_results
from plastic_rl.training.train_learner import CourseSummary, train_learner
from plastic_rl.training.transcript import Transcript

__all__ = [
    "Course",
    "CourseSummary",
    "Transcript",
    "final_results",
    "train_learner",
]
