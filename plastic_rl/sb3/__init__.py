"""The seam to Stable-Baselines3: the only place of the library that imports it."""

from plastic_rl.sb3.attachment import attach, layers_of, plastic_optimizers
from plastic_rl.sb3.learn import Summary, learn
from plastic_rl.sb3.plastic import plastic
from plastic_rl.sb3.task_detection import detect_tasks
from plastic_rl.sb3.task_recall import recall_task
from plastic_rl.sb3.task_switch import TaskSwitch
from plastic_rl.sb3.tasks import remember_tasks

__all__ = [
    "Summary",
    "TaskSwitch",
    "attach",
    "detect_tasks",
    "layers_of",
    "learn",
    "plastic",
    "plastic_optimizers",
    "recall_task",
    "remember_tasks",
]
