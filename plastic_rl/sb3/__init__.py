"""The seam to Stable-Baselines3: the only place of the library that imports it."""

from plastic_rl.sb3.attachment import attach, layers_of, plastic_optimizers, reattach
from plastic_rl.sb3.plastic import plastic
from plastic_rl.sb3.task_detection import detect_tasks
from plastic_rl.sb3.task_recall import recall_task
from plastic_rl.sb3.task_switch import TaskSwitch
from plastic_rl.sb3.tasks import remember_tasks
from plastic_rl.sb3.train_model import ModelSummary, train_model

__all__ = [
    "ModelSummary",
    "TaskSwitch",
    "attach",
    "detect_tasks",
    "layers_of",
    "plastic",
    "plastic_optimizers",
    "reattach",
    "recall_task",
    "remember_tasks",
    "train_model",
]
