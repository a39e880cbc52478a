"""The seam to Stable-Baselines3: the only place of the library that imports it."""

from plastic_rl.sb3.attachment import attach as attach
from plastic_rl.sb3.attachment import layers_of as layers_of
from plastic_rl.sb3.attachment import plastic_optimizers as plastic_optimizers
from plastic_rl.sb3.learn import Summary as Summary
from plastic_rl.sb3.learn import learn as learn
from plastic_rl.sb3.plastic import plastic as plastic
from plastic_rl.sb3.task_detection import detect_tasks as detect_tasks
from plastic_rl.sb3.task_switch import TaskSwitch as TaskSwitch
from plastic_rl.sb3.tasks import remember_tasks as remember_tasks
