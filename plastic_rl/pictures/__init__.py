"""Pictures of runs: the one room that draws."""

from plastic_rl.pictures.learning_curve import draw_learning_curve
from plastic_rl.pictures.panels import Curve, Diagram, colours, draw_panels
from plastic_rl.pictures.task_curve import draw_task_curve

__all__ = ["Curve", "Diagram", "colours", "draw_learning_curve", "draw_panels", "draw_task_curve"]
