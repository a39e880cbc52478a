"""The cost of a run's instruments: the share of its processor time that they take at their usual pace.

    python -m benchmarks.instruments            a quarter of a minute of an idle core
    python -m benchmarks.instruments --quick    three rollouts of each

Each training is of PPO in permuted CartPole, measured at each of its rollouts: what a rollout and its update take
without the instruments, what the instruments take, and what that comes to with the networks looked at every 25 rollouts
and updates every 10. Not in it are the search for layers, once at the start, and the thorough look where a task ends.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.tables import command_line, show, write
from envs.permuted_cartpole import PermutedCartPole
from plastic_rl.sb3 import plastic
from plastic_rl.sb3.instruments import NETWORKS_EVERY, UPDATES_EVERY, Instruments, Memory

# Layers, units, rollout, minibatch, epochs.
TRAININGS = {
    "2 x 64, rollouts of 1,024, minibatches of 128": (2, 64, 1024, 128, 10),
    "2 x 64, 2,048, 64 (SB3's own settings)": (2, 64, 2048, 64, 10),
    "2 x 256, 2,048, 128 (Ant)": (2, 256, 2048, 128, 10),
    "3 x 256, 800, 32 (aligned control)": (3, 256, 800, 32, 5),
}


class Measured(BaseCallback):
    """Takes all instruments' time, apart for networks, updates and counters."""

    def _on_training_start(self) -> None:
        self.instruments = Instruments(self.model, Memory())
        self.spent = {"networks": 0.0, "update": 0.0, "counters": 0.0}
        self.rollouts = 0

    def _on_step(self) -> bool:
        return True

    def _take(self, name: str, do: Any) -> None:
        before = self.instruments.seconds
        do()
        self.spent[name] += self.instruments.seconds - before

    def _on_rollout_start(self) -> None:
        self._take("update", self.instruments.after_update)

    def _on_rollout_end(self) -> None:
        self.rollouts += 1
        self._take("networks", self.instruments.state)
        self._take("counters", self.instruments.counters)
        self._take("update", self.instruments.arm)

    def _on_training_end(self) -> None:
        self._take("update", self.instruments.after_update)


def model(layers: int, units: int, rollout: int, minibatch: int, epochs: int) -> Any:
    """A PPO in permuted CartPole."""
    env = DummyVecEnv([lambda: Monitor(PermutedCartPole(n_envs=1).build_one(0))])
    hidden = [units] * layers
    kwargs = {"net_arch": {"pi": hidden, "vf": hidden}, "activation_fn": torch.nn.ReLU}
    settings: dict[str, Any] = {"n_steps": rollout, "batch_size": minibatch, "n_epochs": epochs}
    return plastic(PPO)("MlpPolicy", env, policy_kwargs=kwargs, device="cpu", seed=0, **settings)


def measure(name: str, rollouts: int) -> dict[str, str]:
    """A row of the table."""
    settings, callback = TRAININGS[name], Measured()
    trained = model(*settings)
    trained.learn(settings[2], callback=Measured())  # warm
    began = time.process_time()
    trained.learn(rollouts * settings[2], callback=callback, reset_num_timesteps=False)
    total = time.process_time() - began - callback.instruments.seconds
    rollout, (networks, update, counters) = total / rollouts, (each / rollouts for each in callback.spent.values())
    share = (networks / NETWORKS_EVERY + update / UPDATES_EVERY + counters) / rollout
    return {
        "PPO": name,
        "a rollout and its update, ms": f"{1e3 * rollout:.0f}",
        "networks, ms": f"{1e3 * networks:.1f}",
        "an update, ms": f"{1e3 * update:.1f}",
        "at the usual pace": f"{share:.2%}",
    }


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("instruments", quick="three rollouts of each").parse_args()
    torch.set_num_threads(1)
    Instruments.clock = staticmethod(time.process_time)
    table = [measure(name, 3 if options.quick else 8) for name in TRAININGS]
    print(show(table))
    write(table, options.output)


if __name__ == "__main__":
    main()
