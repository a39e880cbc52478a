"""Environment steps a second: 16 copies of Ant-v5 on two cores, every way of stepping them in one run.

    python -m benchmarks.environments                # prints the table and writes benchmarks/environments.json
    python -m benchmarks.environments --rounds 5     # a quick look, on a quiet machine as good

The ways take turns in many short rounds, and of each the best one counts: what else the machine does only slows. Steps
a second need two cores that are idle for a moment; steps a CPU-second (of this process, all its threads) do not.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from plastic_rl.nonstationary import Every, Friction, Nonstationary
from plastic_rl.sb3.threaded_vec_env import ThreadedVecEnv

COPIES, THREADS = 16, 2
TABLE = Path(__file__).with_suffix(".json")
Step = Callable[[], None]


def ant() -> gymnasium.Env:
    """One copy, as everybody steps it."""
    return gymnasium.make("Ant-v5")


def slippery_ant(change_every: int = 100) -> gymnasium.Env:
    """One copy whose friction is drawn and written anew every so many of its steps."""
    return Nonstationary(ant().unwrapped, Friction(), Every(change_every * COPIES, at="step"), copies=COPIES)


def still_ant() -> gymnasium.Env:
    """The same with no change in sight."""
    return slippery_ant(1_000_000)


def vector(venv: VecEnv) -> Step:
    """Steps a vector environment, acting at random."""
    venv.reset()
    actions = random_actions()
    return lambda: void(venv.step(next(actions)))


def bare(threads: int) -> Step:
    """Only ``mj_step``, waiting for all copies after each step: the closed-loop limit."""
    envs: list[Any] = [ant().unwrapped for _ in range(COPIES)]
    actions, pool = random_actions(), ThreadPoolExecutor(threads)
    for env in envs:
        env.reset()

    def step() -> None:
        waiting = deque(zip(envs, next(actions), strict=True))
        others = [pool.submit(advance, waiting) for _ in range(threads - 1)]
        advance(waiting)
        for other in others:
            other.result()

    return step


def advance(waiting: deque[tuple[Any, np.ndarray]]) -> None:
    """Advances copies until none is waiting."""
    mj_step = import_module("mujoco").mj_step
    while True:
        try:
            env, action = waiting.popleft()
        except IndexError:
            return
        env.data.ctrl[:] = action
        mj_step(env.model, env.data, nstep=env.frame_skip)


def random_actions():
    """The same actions for everybody, over and over."""
    actions = np.random.default_rng(0).uniform(-1, 1, (64, COPIES, 8)).astype(np.float32)
    while True:
        yield from actions


def void(_: object) -> None:
    """Forgets what it is given."""


class Speed(NamedTuple):
    """Environment steps a second, and a CPU-second of this process."""

    wall: float
    processor: float


def measure(step: Step, seconds: float) -> Speed:
    """Steps for so long, and counts."""
    start, started, steps = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
        step()
        steps += COPIES
    return Speed(steps / (time.perf_counter() - start), steps / (time.process_time() - started))


def race(ways: dict[str, Step], rounds: int, seconds: float) -> dict[str, Speed]:
    """The best speeds of each way, all of them taking turns."""
    taken: dict[str, list[Speed]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, step in ways.items():
            taken[name].append(measure(step, seconds))
    return {name: Speed(*map(max, zip(*speeds, strict=True))) for name, speeds in taken.items()}


def table(speeds: dict[str, Speed]) -> str:
    """A Markdown table of speeds and ratios."""
    dummy, limit = speeds["SB3 DummyVecEnv"].wall, speeds["bare mj_step, 2 threads, closed loop"].wall
    lines = [
        "| 16 copies of Ant-v5 | steps/s | over DummyVecEnv | of the limit | steps/CPU-s |",
        "| --- |" + " --: |" * 4,
    ]
    for name, (wall, processor) in speeds.items():
        own = "in other processes" if "Subproc" in name else f"{processor:,.0f}"
        lines.append(f"| {name} | {wall:,.0f} | {wall / dummy:.2f} | {100 * wall / limit:.0f} % | {own} |")
    return "\n".join(lines)


def main() -> None:
    """Races, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.3)
    arguments = parser.parse_args()
    subprocesses, dummy = SubprocVecEnv([ant] * COPIES), DummyVecEnv([ant] * COPIES)
    threaded = [ThreadedVecEnv(make, COPIES, threads=THREADS) for make in (ant, still_ant, slippery_ant)]
    ways = {
        "SB3 SubprocVecEnv": vector(subprocesses),
        "SB3 DummyVecEnv": vector(dummy),
        "ThreadedVecEnv": vector(threaded[0]),
        "ThreadedVecEnv, no change due": vector(threaded[1]),
        "ThreadedVecEnv, friction changing every 100 steps": vector(threaded[2]),
        "bare mj_step, 2 threads, closed loop": bare(THREADS),
    }
    speeds = race(ways, arguments.rounds, arguments.seconds)
    subprocesses.close()
    versions = {package: metadata.version(package) for package in ("mujoco", "gymnasium", "stable-baselines3")}
    machine = {"machine": platform.processor() or platform.machine(), "python": platform.python_version(), **versions}
    TABLE.write_text(
        json.dumps({"speeds": {name: speed._asdict() for name, speed in speeds.items()}, **machine}, indent=2) + "\n"
    )
    print(table(speeds))


if __name__ == "__main__":
    main()
