"""The cost of a run's instruments: the share of its processor time that they take, at their usual pace.

    python -m benchmarks.instruments            a minute of an idle core
    python -m benchmarks.instruments --quick    half of it

A run is one of `train_model` in permuted CartPole, with a change every 30,000 steps, over forty rollouts: its
instruments are set up, look at the networks twice (and where a task ends), and at eight updates. The last row is the
callback for one's own loop, over the forty rollouts of SB3's own settings.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.tables import command_line, show, write
from envs.permuted_cartpole import PermutedCartPole
from plastic_rl.runs import RunFolder
from plastic_rl.sb3 import PlasticityCallback, plastic, train_model
from plastic_rl.sb3.instruments import Instruments

# Layers, units, rollout, minibatch, epochs.
RUNS = {
    "PPO, 2 x 64, as in small problems": (2, 64, 1024, 128, 10),
    "PPO, SB3's own settings": (2, 64, 2048, 64, 10),
    "PPO, 2 x 256, as on Ant": (2, 256, 2048, 128, 10),
    "PPO, 3 x 256, aligned control": (3, 256, 800, 32, 5),
}


def model(layers: int, units: int, rollout: int, minibatch: int, epochs: int) -> Any:
    """A PPO in permuted CartPole."""
    env = DummyVecEnv([lambda: Monitor(PermutedCartPole(n_envs=1).build_one(0))])
    hidden = [units] * layers
    kwargs = {"net_arch": {"pi": hidden, "vf": hidden}, "activation_fn": torch.nn.ReLU}
    settings: dict[str, Any] = {"n_steps": rollout, "batch_size": minibatch, "n_epochs": epochs}
    return plastic(PPO)("MlpPolicy", env, policy_kwargs=kwargs, device="cpu", seed=0, **settings)


def share_of_run(settings: tuple[int, int, int, int, int], rollouts: int) -> float:
    """The share of a run in a folder."""
    with tempfile.TemporaryDirectory() as scratch:
        summary = train_model(model(*settings), rollouts * settings[2], RunFolder(Path(scratch)))
    assert summary.instruments is not None
    return summary.instruments


def share_of_callback(settings: tuple[int, int, int, int, int], rollouts: int) -> float:
    """The share of the callback in one's own loop."""
    callback = PlasticityCallback(verbose=0)
    model(*settings).learn(rollouts * settings[2], callback=callback)
    callback.instruments.cost()
    assert callback.memory.share is not None
    return callback.memory.share


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("instruments", quick="twenty rollouts").parse_args()
    torch.set_num_threads(1)
    Instruments.clock = staticmethod(time.process_time)
    rollouts = 20 if options.quick else 40
    shares = {name: share_of_run(settings, rollouts) for name, settings in RUNS.items()}
    own = "PPO, SB3's own settings"
    shares[f"{own}, with PlasticityCallback"] = share_of_callback(RUNS[own], rollouts)
    table = [
        {"training": name, "rollouts": str(rollouts), "instruments": f"{share:.2%}"} for name, share in shares.items()
    ]
    print(show(table))
    write(table, options.output)


if __name__ == "__main__":
    main()
