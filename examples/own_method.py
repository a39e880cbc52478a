"""A method of one's own: weights that are too large are shrunk; it works in every loop and around every other method.

python examples/own_method.py [steps]
"""

import sys
from functools import partial

import gymnasium as gym
import torch
from stable_baselines3 import PPO

from plastic_rl.optim import ContinualBackprop, PlasticOptimizer, Stack
from plastic_rl.sb3 import plastic, plastic_optimizers


class MaxNorm(PlasticOptimizer):
    """Shrinks each unit's incoming weights to a norm of at most `limit` after each step (Srivastava et al. 2014)."""

    prefix = "max_norm"

    def __init__(self, optimizer, layers=(), *, limit=3.0):
        super().__init__(optimizer)
        self.layers, self.limit = list(layers), limit
        self.memory = {"shrunk": 0}  # travels in the optimiser's state

    @torch.no_grad()
    def after_step(self):
        for layer in self.layers:
            for port in layer.produced_by:
                norms = port.weight.flatten(1).norm(dim=1)
                port.weight.mul_((self.limit / norms).clamp(max=1)[:, None])
                self.memory["shrunk"] += int((norms > self.limit).sum())

    def metrics(self):
        """What is logged beside the metrics of whatever it wraps."""
        return {**super().metrics(), "max_norm/shrunk": self.memory["shrunk"]}


def train(steps):
    """A model of Stable-Baselines3 with the method inside continual backprop."""
    cbp = partial(ContinualBackprop, replacement_rate=1e-3, maturity_threshold=100)
    both = Stack([partial(MaxNorm, limit=1.0), cbp])
    model = plastic(PPO)("MlpPolicy", gym.make("CartPole-v1"), plasticity=both, n_steps=256, seed=0, device="cpu")
    model.learn(steps)
    print(plastic_optimizers(model.policy)[0].metrics())


if __name__ == "__main__":
    # A saved model finds a method by the name of its module, which "__main__" is in no other process.
    from own_method import train as train_by_name

    train_by_name(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
