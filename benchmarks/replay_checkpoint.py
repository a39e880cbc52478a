"""The time that a checkpoint takes of an agent with a full replay buffer: SAC in Ant-v5, a million transitions.

    python -m benchmarks.replay_checkpoint            # the table of docs/reliability.md; needs 3 GB of memory and disk
    python -m benchmarks.replay_checkpoint --quick    # a buffer of ten thousand

Between two checkpoints lie as many new transitions as SAC makes in five minutes at its pace on one core, and ten times
as many. No network is trained, and all rows are written with the checkpoint; a run has written most of them before.
Times are of the whole checkpoint, the waiting for the disk included: rows, networks, the simulation and all. Beside it
stands what a copy of the whole buffer takes, as ``save_replay_buffer`` of Stable-Baselines3 writes it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3 import SAC

from benchmarks.tables import command_line, show, write
from plastic_rl.runs import RunFolder
from plastic_rl.sb3.keeper import ModelKeeper
from plastic_rl.sb3.replay import ReplayLog, in_words
from plastic_rl.sb3.task_log import TaskLog

TRANSITIONS, QUICK = 1_000_000, 10_000
BETWEEN = (30_000, 300_000)  # at a hundred steps a second
REPEATS = 5


def main() -> None:
    """Measures, shows the table and writes it down."""
    options = command_line("replay_checkpoint", quick="a buffer of ten thousand").parse_args()
    size = QUICK if options.quick else TRANSITIONS
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        table = measure(size, Path(folder))
    print(show(table))
    write(table, options.output)


def measure(size: int, path: Path) -> list[dict[str, str]]:
    """The rows of the table."""
    model = SAC("MlpPolicy", "Ant-v5", buffer_size=size, device="cpu", seed=0)
    model._setup_learn(size)
    folder = RunFolder(path)
    keeper = ModelKeeper(model, TaskLog(), 10 * size, ReplayLog(model, folder.replay_folder, 10 * size))
    table = [
        row(f"the first, of {size:,} transitions", [timed(lambda: grow(model, size), lambda: save(keeper, folder))])
    ]
    for count in [count * size // TRANSITIONS for count in BETWEEN]:
        seconds = [timed(lambda: grow(model, count), lambda: save(keeper, folder)) for _ in range(REPEATS)]  # noqa: B023
        table.append(row(f"one after {count:,} new transitions", seconds))
    copies = [timed(lambda: None, lambda: copy(model, path)) for _ in range(2)]
    table.append(row("a copy of the whole buffer, by SB3", copies))
    on_disk = sum(file.stat().st_blocks * 512 for file in folder.replay_folder.iterdir())
    print(f"rows on disk: {in_words(on_disk)}, of up to {in_words(keeper.replay.bytes) if keeper.replay else 0}")
    return table


def row(name: str, seconds: list[tuple[float, float]]) -> dict[str, str]:
    """A line of the table."""
    wall, processor = zip(*seconds, strict=True)
    return {
        "checkpoint": name,
        "median [s]": f"{statistics.median(wall):.2f}",
        "shortest [s]": f"{min(wall):.2f}",
        "longest [s]": f"{max(wall):.2f}",
        "median of the processor [s]": f"{statistics.median(processor):.2f}",
        "times": str(len(seconds)),
    }


def timed(prepare: Callable[[], None], work: Callable[[], None]) -> tuple[float, float]:
    """The seconds that some work takes, by the clock on the wall and of the processor."""
    prepare()
    os.sync()
    began, processor = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - began, time.process_time() - processor


def grow(model: Any, count: int) -> None:
    """Gives a buffer so many new transitions, of noise."""
    buffer, draw = model.replay_buffer, np.random.default_rng(model.num_timesteps)
    slots = np.arange(buffer.pos, buffer.pos + count) % buffer.buffer_size
    for array in (buffer.observations, buffer.next_observations, buffer.actions, buffer.rewards):
        array[slots] = draw.random((count, *array.shape[1:]), dtype=np.float32)
    buffer.full = buffer.full or buffer.pos + count >= buffer.buffer_size
    buffer.pos = (buffer.pos + count) % buffer.buffer_size
    model.num_timesteps += count


def save(keeper: ModelKeeper, folder: RunFolder) -> None:
    """Saves a checkpoint, and removes what it makes superfluous, as a run does."""
    assert keeper.replay is not None
    folder.checkpoints.save(keeper.step, keeper.state_dict())
    keeper.replay.forget(folder.checkpoints.steps())


def copy(model: Any, path: Path) -> None:
    """Writes the whole buffer, as Stable-Baselines3 does, and waits for the disk as a checkpoint does."""
    model.save_replay_buffer(path / "buffer.pkl")
    with (path / "buffer.pkl").open("rb") as file:
        os.fsync(file.fileno())


if __name__ == "__main__":
    main()
