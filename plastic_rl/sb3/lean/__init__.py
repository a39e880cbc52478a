"""PPO's loop without what Stable-Baselines3 and torch spend around the arithmetic."""

from plastic_rl.sb3.lean.loop import LeanLoop, with_lean_loop
from plastic_rl.sb3.lean.why_not import why_not

__all__ = ["LeanLoop", "why_not", "with_lean_loop"]
