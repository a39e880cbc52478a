"""The pace of PPO beside that of two peers, sbx (PPO in JAX) and rlox (collection in Rust, learning in torch).

    python -m benchmarks.peers            about ten minutes of one core
    python -m benchmarks.peers --quick    two blocks of each

It wants an environment with both peers in it, `pip install sbx-rl rlox`, which the library does not need. All have
the same copies, widths, minibatches and epochs, in plain worlds of Gymnasium; blocks alternate in one process, on one
thread each, and a pace is the median of environment steps per second of the processor, all threads counted. What cannot
be made the same: rlox has tanh units, a CartPole of its own in Rust, and no log of episodes; sbx compiles its update.
"""

from __future__ import annotations

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("RAYON_NUM_THREADS", "1")

import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from benchmarks.tables import command_line, show, write
from plastic_rl.sb3 import plastic

LEARNERS = ("SB3", "plastic_rl, exact", "plastic_rl, quick", "sbx", "rlox")


@dataclass(frozen=True)
class Workload:
    """PPO in a world of Gymnasium, with eight copies of it.

    Args:
        env: its id.
        units: of each of two hidden layers, in policy and critic.
        learning_rate: of Adam.
        rollout: environment steps of all copies together.
        rollouts: of a block.
    """

    env: str
    units: int
    learning_rate: float
    rollout: int
    rollouts: int
    copies: int = 8

    def worlds(self) -> VecEnv:
        """The copies."""
        return DummyVecEnv([lambda: Monitor(gymnasium.make(self.env))] * self.copies)

    def blocks_of(self, learner: str) -> Callable[[], object]:
        """A function that trains for a block."""
        return self._rlox() if learner == "rlox" else self._stable_baselines(learner)

    def _stable_baselines(self, learner: str) -> Callable[[], object]:
        settings: dict[str, Any] = {
            "n_steps": self.rollout // self.copies,
            "batch_size": 128,
            "n_epochs": 10,
            "learning_rate": self.learning_rate,
            "seed": 0,
        }
        layers = [self.units] * 2
        if learner == "sbx":
            relu = importlib.import_module("flax.linen").relu
            make: Any = importlib.import_module("sbx").PPO
            settings["policy_kwargs"] = {"net_arch": {"pi": layers, "vf": layers}, "activation_fn": relu}
        else:
            make = PPO if learner == "SB3" else plastic(PPO)
            settings |= {"policy_kwargs": {"net_arch": layers, "activation_fn": torch.nn.ReLU}, "device": "cpu"}
            settings |= {} if learner == "SB3" else {"lean": learner.rpartition(" ")[2]}
        model = make("MlpPolicy", self.worlds(), **settings)
        return lambda: model.learn(self.rollout * self.rollouts, reset_num_timesteps=False)

    def _rlox(self) -> Callable[[], object]:
        policies: Any = importlib.import_module("rlox.policies")
        world = gymnasium.make(self.env)
        inputs, outputs = _sizes(world)
        kind: Any = policies.DiscretePolicy if _is_discrete(world) else policies.ContinuousPolicy
        model = importlib.import_module("rlox.algorithms.ppo").PPO(
            self.env,
            n_envs=self.copies,
            seed=0,
            policy=kind(inputs, outputs, hidden=self.units),
            n_steps=self.rollout // self.copies,
            batch_size=128,
            n_epochs=10,
            learning_rate=self.learning_rate,
        )
        return lambda: model.train(self.rollout * self.rollouts)


def _is_discrete(world: gymnasium.Env[Any, Any]) -> bool:
    return isinstance(world.action_space, gymnasium.spaces.Discrete)


def _sizes(world: gymnasium.Env[Any, Any]) -> tuple[int, int]:
    """The numbers of an observation and of an action's logits or means."""
    shapes: Any = (world.observation_space.shape, world.action_space)
    return shapes[0][0], int(shapes[1].n) if _is_discrete(world) else shapes[1].shape[0]


WORKLOADS = (Workload("CartPole-v1", 64, 1e-3, 1024, 3), Workload("Ant-v5", 256, 1e-4, 2048, 1))


def measure(workload: Workload, blocks: int) -> list[dict[str, str]]:
    """The table's lines of one workload."""
    train = {learner: workload.blocks_of(learner) for learner in LEARNERS}
    paces: dict[str, list[float]] = {learner: [] for learner in LEARNERS}
    for each in train.values():
        each()  # compiles, warms up
    for _ in range(blocks):
        for learner, each in train.items():
            began = time.process_time()
            each()
            paces[learner].append(workload.rollout * workload.rollouts / (time.process_time() - began))
    return [
        {
            "workload": f"{workload.env}, {workload.copies} copies, 2 x {workload.units}",
            "learner": learner,
            "steps/s": f"{statistics.median(paces[learner]):.0f}",
            "over SB3": f"{statistics.median(a / b for a, b in zip(paces[learner], paces['SB3'], strict=True)):.2f}",
        }
        for learner in LEARNERS
    ]


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("peers_cpu", quick="two blocks of each").parse_args()
    if missing := [name for name in ("sbx", "rlox") if importlib.util.find_spec(name) is None]:
        sys.exit(f"the peers are not installed ({', '.join(missing)}): pip install sbx-rl rlox")
    torch.set_num_threads(1)
    table = [row for workload in WORKLOADS for row in measure(workload, 2 if options.quick else 7)]
    print(show(table))
    write(table, options.output)


if __name__ == "__main__":
    main()
