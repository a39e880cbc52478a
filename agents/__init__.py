"""Agents: one file per name that may follow `agent=` on the command line."""

from agents.ppo import PPO
from agents.ppo_cbp import PPOCBP
from agents.ppo_l2 import PPOL2
from agents.ppo_tuned import PPOTuned
from agents.recipe import Agent

AGENTS: dict[str, type[Agent]] = {
    "ppo": PPO,
    "ppo_tuned": PPOTuned,
    "ppo_l2": PPOL2,
    "ppo_cbp": PPOCBP,
}
