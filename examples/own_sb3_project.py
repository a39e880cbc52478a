"""An agent of Stable-Baselines3 in a world that changes, with and without continual backprop, compared at the end.

python examples/own_sb3_project.py [steps]
"""

import sys
from functools import partial
from pathlib import Path

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor

from plastic_rl.compare.command import main as compare
from plastic_rl.optim import ContinualBackprop
from plastic_rl.runs import RunFolder
from plastic_rl.sb3 import plastic, train_model

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
WORLD = "plastic_rl.nonstationary:plastic_rl/PermutedCartPole-v0"
CBP = partial(ContinualBackprop, replacement_rate=1e-3, maturity_threshold=500)

for name, method in {"plain": None, "cbp": CBP}.items():
    for seed in (0, 1):
        env = Monitor(
            gym.make("plastic_rl.nonstationary:plastic_rl/PermutedCartPole-v0", change_every=STEPS // 4, seed=seed)
        )
        model = plastic(PPO)("MlpPolicy", env, plasticity=method, n_steps=512, seed=seed, device="cpu")
        # A folder that survives kill -9: the same command goes on where it was.
        train_model(model, STEPS, RunFolder(Path("runs/own_sb3_project", f"{name}-seed{seed}")))

compare(["runs/own_sb3_project"])
