"""An environment of one's own that changes: gravity drifts, and once in a while an action does the opposite.

python examples/own_environment.py [steps]
"""

import sys

import gymnasium as gym
import numpy as np

from plastic_rl.nonstationary import (
    Every,
    FlipActions,
    Nonstationary,
    PendulumPhysics,
    ScaleReward,
    random_walk,
    verify,
)

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000


def make(seed=0):
    """The world: a change is what changes, a schedule is when; values are one for each task."""
    gravity = random_walk(10.0, deviation=1.0, low=5.0, high=15.0)
    changes = [PendulumPhysics(gravity=gravity), FlipActions(0.5), ScaleReward(0.5, 2.0)]
    return Nonstationary(gym.make("Pendulum-v1"), changes, Every(STEPS // 5), seed=seed)


print(verify(make))  # every change does what it says, and can be undone

env = make()
observation, info = env.reset(seed=0)
returns, total = {}, 0.0
for _ in range(STEPS):
    action = np.clip(-2 * observation[1:2] - 0.5 * observation[2:3], -2, 2)  # a rule for a pendulum that hangs
    observation, reward, terminated, truncated, info = env.step(action)
    total += float(reward)
    if terminated or truncated:
        returns.setdefault(info["task"]["index"], []).append(total)
        (observation, info), total = env.reset(), 0.0

for task, values in returns.items():
    print(f"task {task} ({env.parameters(task)}): mean return {np.mean(values):.0f}")
