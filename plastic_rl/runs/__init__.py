"""Runs on disk, and how they survive a kill, a full disk and a second start."""

from plastic_rl.runs.atomic import disk_trouble_told, write_result
from plastic_rl.runs.checkpoints import Checkpoints
from plastic_rl.runs.display import Standing, shown_in, standing_in
from plastic_rl.runs.folder import RunFolder, Status, settings_digest
from plastic_rl.runs.interruption import Interruption
from plastic_rl.runs.keeper import SMALLER_STEPS, Fault, Keeper, Trainee
from plastic_rl.runs.metrics import MetricsFile, read_metrics
from plastic_rl.runs.progress import JointProgress, Progress
from plastic_rl.runs.randomness import random_state, restore_random_state, seed_everything
from plastic_rl.runs.record import RunRecord, read_record
from plastic_rl.runs.session import Company, Session, open_session
from plastic_rl.runs.soundness import first_not_finite
from plastic_rl.runs.tracking import NoTracker, Track, Tracker, open_tracker

__all__ = [
    "SMALLER_STEPS",
    "Checkpoints",
    "Company",
    "Fault",
    "Interruption",
    "JointProgress",
    "Keeper",
    "MetricsFile",
    "NoTracker",
    "Progress",
    "RunFolder",
    "RunRecord",
    "Session",
    "Standing",
    "Status",
    "Track",
    "Tracker",
    "Trainee",
    "disk_trouble_told",
    "first_not_finite",
    "open_session",
    "open_tracker",
    "random_state",
    "read_metrics",
    "read_record",
    "restore_random_state",
    "seed_everything",
    "settings_digest",
    "shown_in",
    "standing_in",
    "write_result",
]
