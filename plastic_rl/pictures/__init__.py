"""Pictures of runs: the one room that draws."""

from plastic_rl.pictures.learning_curve import draw_learning_curve
from plastic_rl.pictures.task_curve import draw_task_curve

__all__ = ["draw_learning_curve", "draw_task_curve"]
