"""Several seeds of PPO as one batched network, each to the bits that it has alone."""

from plastic_rl.sb3.seeds.company import Member, learn_together
from plastic_rl.sb3.seeds.why_apart import why_alone, why_apart
from plastic_rl.sb3.seeds.why_slower import why_slower

__all__ = ["Member", "learn_together", "why_alone", "why_apart", "why_slower"]
