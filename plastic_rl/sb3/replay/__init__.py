"""Replay buffers of Stable-Baselines3 beside the checkpoints of a run: on disk once, and restored exactly."""

from plastic_rl.sb3.replay.disk_space import check_space, in_words
from plastic_rl.sb3.replay.empty_buffer import restore_replay
from plastic_rl.sb3.replay.replay_log import ReplayLog

__all__ = ["ReplayLog", "check_space", "in_words", "restore_replay"]
