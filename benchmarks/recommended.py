"""The cost of `ppo_plastic`: the time of a run of PPO with it over that of plain PPO, in permuted CartPole.

    python -m benchmarks.recommended            forty rounds, a minute of one core
    python -m benchmarks.recommended --quick    eight

In one process and on one thread agents take turns, 4,096 environment steps each; a ratio is the median over rounds of
two blocks of one round, with its quartiles. Time is the processor's. "told of changes" is the same without detection.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import cast

import torch
from stable_baselines3.common.logger import Logger

from agents import agent_named
from agents.ppo import PPO
from benchmarks.tables import command_line, show, write
from envs.permuted_cartpole import PermutedCartPole
from plastic_rl.sb3 import ChangeAnnouncements

PLAIN = "ppo"
AGENTS = {"told of changes": "ppo+fire+optimizer_reset", "detects changes": "ppo_plastic"}
STEPS = 4_096
WARM_UP = 4  # rounds, in which detection has no model yet


def measure(rounds: int) -> list[dict[str, str]]:
    """A line for each agent."""
    models = {}
    for name in (PLAIN, *AGENTS.values()):
        recipe = cast("Callable[..., PPO]", agent_named(name))
        settings = {key: value for key, value in PermutedCartPole.agent_settings.items() if hasattr(recipe(), key)}
        models[name] = recipe(**settings).build(PermutedCartPole().make(0), seed=0, device="cpu")
        models[name].set_logger(Logger(None, []))
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(WARM_UP + rounds):
        for name, model in models.items():
            callback = None if name == PLAIN else ChangeAnnouncements()
            start = time.thread_time()
            model.learn(STEPS, callback=callback, reset_num_timesteps=False)
            times[name].append(time.thread_time() - start)
    return [line(words, times[PLAIN][WARM_UP:], times[name][WARM_UP:]) for words, name in AGENTS.items()]


def line(words: str, plain: list[float], ours: list[float]) -> dict[str, str]:
    """A line of the table, from the seconds of each round."""
    ratios = [one / other for one, other in zip(ours, plain, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "ppo_plastic": words,
        "microseconds a step of plain PPO": f"{statistics.median(plain) / STEPS * 1e6:.1f}",
        "ratio": f"{middle:.2f}",
        "quartiles": f"{low:.2f}-{high:.2f}",
        "rounds": str(len(ratios)),
    }


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("recommended", "eight rounds").parse_args()
    torch.set_num_threads(1)
    table = measure(8 if options.quick else 40)
    write(table, options.output)
    print(show(table))


if __name__ == "__main__":
    main()
