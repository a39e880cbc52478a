"""The cost of logging networks: the time of Stable-Baselines3's training with `PlasticityCallback`, over that without.

    python -m benchmarks.plasticity_callback            about three minutes of one core
    python -m benchmarks.plasticity_callback --quick    one minute

Stretches of a few rollouts with the callback alternate with as many without it, of the same model in one process. A
stretch is one call of `learn`, at whose start the callback finds the layers anew. Time is the processor's.
"""

from __future__ import annotations

import statistics
import time

import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm

from benchmarks.tables import command_line, show, write
from plastic_rl.sb3 import PlasticityCallback

MODELS = {
    "PPO, SB3's own settings": (lambda: PPO("MlpPolicy", "CartPole-v1", device="cpu", seed=0), 8192),
    "PPO, 256 units": (
        lambda: PPO("MlpPolicy", "CartPole-v1", policy_kwargs={"net_arch": [256, 256]}, device="cpu", seed=0),
        8192,
    ),
    "SAC, SB3's own settings": (lambda: SAC("MlpPolicy", "Pendulum-v1", device="cpu", seed=0), 2048),
}


def seconds(model: BaseAlgorithm, steps: int, callback: PlasticityCallback | None) -> float:
    """The processor's time of a call of `learn`."""
    began = time.process_time()
    model.learn(steps, callback=callback, reset_num_timesteps=False)
    return time.process_time() - began


def measure(name: str, rounds: int) -> dict[str, str]:
    """A row of the table."""
    make, steps = MODELS[name]
    model = make()
    seconds(model, steps, None)  # warm
    pairs = [(seconds(model, steps, None), seconds(model, steps, PlasticityCallback())) for _ in range(rounds)]
    ratio, plain = statistics.median(b / a for a, b in pairs), statistics.median(a for a, _ in pairs)
    return {"training": name, "steps": f"{steps:,}", "plain, s": f"{plain:.2f}", "with the callback": f"{ratio:.3f}"}


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("plasticity_callback", quick="two rounds").parse_args()
    torch.set_num_threads(1)
    table = [measure(name, 2 if options.quick else 5) for name in MODELS]
    print(show(table))
    write(table, options.output)


if __name__ == "__main__":
    main()
