"""Ten seeds of PPO side by side, beside one run of Stable-Baselines3 and ten runs in turn.

    python -m benchmarks.seeds            every workload, about fifteen minutes of one core
    python -m benchmarks.seeds --quick    two blocks of each
    python -m benchmarks.seeds CartPole   the workloads whose name starts so

The workloads are those of `benchmarks.ppo`, and so is the way of measuring: blocks of a few rollouts, each with its
update, that alternate in one process and on one thread, in processor time. One block of the ten seeds is as many steps
of each as one block of a run. "In turn" is ten times a run of `plastic(PPO)` alone, whose bits each of the seeds has.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from stable_baselines3.common.logger import Logger

from benchmarks.ppo import WORKLOADS, Workload, block, quiet
from benchmarks.tables import command_line, is_asked_for, save, show, with_workloads
from plastic_rl.sb3.seeds import Member, learn_together, why_slower

SEEDS = 10


def models_of(workload: Workload) -> list[Any]:
    """The models of ten seeds."""
    models: list[Any] = [workload.learner("exact") for _ in range(SEEDS)]
    for seed, model in enumerate(models):
        model.set_random_seed(seed)
        model.set_logger(Logger(None, []))
    return models


def block_of_seeds(models: list[Any], workload: Workload) -> float:
    """The processor's seconds of a block of all seeds.

    Raises:
        RuntimeError: one of them failed.
    """
    members = [Member(model, model.num_timesteps + workload.steps, quiet()) for model in models]
    began = time.process_time()
    learn_together(members)
    seconds = time.process_time() - began
    for member in members:
        if member.error is not None:
            raise RuntimeError("a seed failed") from member.error
    return seconds


def measure(workload: Workload, quick: bool) -> dict[str, str]:
    """The table's line of one workload."""
    single, ours, models = workload.learner("SB3"), workload.learner("exact"), models_of(workload)
    block(single, workload)
    block(ours, workload)
    block_of_seeds(models, workload)  # warm
    times = [
        (block(single, workload), block(ours, workload), block_of_seeds(models, workload))
        for _ in range(2 if quick else 5)
    ]
    together = [company / plain for plain, _, company in times]
    turns = [SEEDS * alone / plain for plain, alone, _ in times]
    return {
        "workload": workload.name,
        "weights": str(sum(parameter.numel() for parameter in models[0].policy.parameters())),
        "one run of SB3, s": f"{statistics.median(plain for plain, _, _ in times):.2f}",
        "ten seeds side by side, of that": f"{statistics.median(together):.2f}",
        "in turn, of that": f"{statistics.median(turns):.2f}",
        "chosen": "batch" if why_slower(models[0]) is None else "turn",
    }


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = with_workloads(command_line("seeds_cpu", quick="two blocks of each")).parse_args()
    torch.set_num_threads(1)
    table: list[dict[str, str]] = []
    for workload in WORKLOADS:
        if is_asked_for(workload.name, options):
            print(f"measuring {workload.name}", flush=True)
            table.append(measure(workload, options.quick))
    print(show(table))
    save(table, options)


if __name__ == "__main__":
    main()
