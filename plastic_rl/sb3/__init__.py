"""The seam to Stable-Baselines3: the only place of the library that imports it."""

from plastic_rl.sb3.attachment import attach, layers_of, plastic_optimizers, reattach
from plastic_rl.sb3.change_announcements import ChangeAnnouncements
from plastic_rl.sb3.change_detection import detect_changes
from plastic_rl.sb3.evaluation_callback import Evaluation
from plastic_rl.sb3.filmed import film_model
from plastic_rl.sb3.forecast import forecast_model
from plastic_rl.sb3.fresh_agent import fresh_at_changes, seed_of_agent
from plastic_rl.sb3.grown import note_widths
from plastic_rl.sb3.halved_policies import mlp_policy
from plastic_rl.sb3.judged import Judged
from plastic_rl.sb3.normalized_rollouts import NormalizedRolloutBuffer
from plastic_rl.sb3.observation_normalization import ForgettingMeanStd, ForgettingNormalize
from plastic_rl.sb3.plastic import add_plasticity, plastic
from plastic_rl.sb3.plasticity_callback import PlasticityCallback
from plastic_rl.sb3.probe_callback import ProbeCallback
from plastic_rl.sb3.redrawing import redraw
from plastic_rl.sb3.resets import Resets, fresh_networks_at_changes, reset_networks
from plastic_rl.sb3.rollout_clock import RolloutClock
from plastic_rl.sb3.save_observations import save_observations
from plastic_rl.sb3.starting import Start, starting
from plastic_rl.sb3.stream_ac import StreamAC
from plastic_rl.sb3.task_detection import detect_tasks
from plastic_rl.sb3.task_recall import recall_task
from plastic_rl.sb3.task_returns import TaskReturns
from plastic_rl.sb3.task_switch import TaskSwitch
from plastic_rl.sb3.tasks import remember_tasks
from plastic_rl.sb3.train_model import ModelSummary, train_model
from plastic_rl.sb3.train_models import ModelRun, train_models
from plastic_rl.sb3.trunk import trunk

__all__ = [
    "ChangeAnnouncements",
    "Evaluation",
    "ForgettingMeanStd",
    "ForgettingNormalize",
    "Judged",
    "ModelRun",
    "ModelSummary",
    "NormalizedRolloutBuffer",
    "PlasticityCallback",
    "ProbeCallback",
    "Resets",
    "RolloutClock",
    "Start",
    "StreamAC",
    "TaskReturns",
    "TaskSwitch",
    "add_plasticity",
    "attach",
    "detect_changes",
    "detect_tasks",
    "film_model",
    "forecast_model",
    "fresh_at_changes",
    "fresh_networks_at_changes",
    "layers_of",
    "mlp_policy",
    "note_widths",
    "plastic",
    "plastic_optimizers",
    "reattach",
    "recall_task",
    "redraw",
    "remember_tasks",
    "reset_networks",
    "save_observations",
    "seed_of_agent",
    "starting",
    "train_model",
    "train_models",
    "trunk",
]
