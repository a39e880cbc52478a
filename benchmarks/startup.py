"""The time from Enter to what a command shows first, and what it goes into.

    python -m benchmarks.startup            each three times, about a minute
    python -m benchmarks.startup --quick    each once

Every command runs in a process of its own, on files that the system has read before (once, uncounted). The seconds are
those of the processor, all processes of the command together, and those of the clock, the fewest of all tries: on a
machine with others at work the clock says little. The first progress line is the bar of a terminal, which the command
is given one for. The parts are imports in the order in which a run makes them, each beyond those before it.
"""

from __future__ import annotations

import os
import pty
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.tables import command_line, show, write

ROOT = Path(__file__).parents[1]
RUN = ("train.py", "agent=ppo_cbp", "env=permuted-cartpole")

# What a run imports and makes before it shows how far it is.
PARTS = {
    "the command line, with Hydra": "import launch.command_line",
    "torch": "import torch",
    "torch's compiler, which the first optimiser loads": "torch.optim.SGD([torch.zeros(1)], 0.1)",
    "Gymnasium": "import gymnasium",
    "Stable-Baselines3, with pandas and matplotlib": "import stable_baselines3",
    "W&B": "import wandb",
    "plastic_rl.sb3": "import plastic_rl.sb3",
    "a world and its model": (
        "from agents import AGENTS; from envs import ENVS; "
        "AGENTS['ppo_cbp']().build(ENVS['permuted-cartpole']().make(0), seed=0, device='cpu')"
    ),
}
OVER_TORCH = (
    "import torch, time; begun = time.process_time(); import plastic_rl.optim; print(time.process_time() - begun)"
)


class Seconds(NamedTuple):
    """The time that something took.

    Args:
        processor: of the processor.
        clock: of the clock.
    """

    processor: float
    clock: float


def of_command(words: Sequence[str]) -> Seconds:
    """The time of a command, from its beginning to its end."""
    begun, used = time.perf_counter(), _used_by_children()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return Seconds(_used_by_children() - used, time.perf_counter() - begun)


def to_first_line(words: Sequence[str]) -> Seconds:
    """The time until a command shows on its terminal how many percent are done; it is then stopped."""
    ours, its = pty.openpty()
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), _used_by_children()
        command = [sys.executable, *words, f"out={folder}"]
        environment = {**os.environ, "TERM": "xterm", "WANDB_MODE": "offline", "WANDB_DIR": folder}
        process = subprocess.Popen(command, cwd=ROOT, stderr=its, stdout=subprocess.DEVNULL, env=environment)
        shown = b""
        while b"%" not in shown:
            shown += os.read(ours, 1024)
        clock = time.perf_counter() - begun
        process.kill()
        process.wait()
    for each in (ours, its):
        os.close(each)
    return Seconds(_used_by_children() - used, clock)


def over_torch() -> Seconds:
    """The time of `import plastic_rl.optim` where torch is there already."""
    begun = time.perf_counter()
    printed = subprocess.run([sys.executable, "-c", OVER_TORCH], cwd=ROOT, check=True, capture_output=True, text=True)
    return Seconds(float(printed.stdout), time.perf_counter() - begun)


def of_parts() -> dict[str, float]:
    """The processor's seconds of each of `PARTS`, in one process."""
    lines = ["import time", "print(time.process_time())"]
    for statement in PARTS.values():
        lines += [statement, "print(time.process_time())"]
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "\n".join(lines)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    moments = [float(line) for line in printed.stdout.split()]
    names = ["the interpreter", *PARTS]
    return {name: now - before for name, now, before in zip(names, moments, [0.0, *moments], strict=False)}


def _used_by_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


COMMANDS = {
    "train.py --help": (lambda: of_command(["train.py", "--help"]), "0.5"),
    "train.py agent=ppo_cbp env=permuted-cartpole --help": (lambda: of_command([*RUN, "--help"]), ""),
    "to the first progress line": (lambda: to_first_line(RUN), "6"),
    "to the first progress line, track=off": (lambda: to_first_line([*RUN, "track=off"]), "6"),
    "import plastic_rl.optim, over torch": (over_torch, "0.2"),
}


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("startup_cpu", quick="each once").parse_args()
    tries, table = 1 if options.quick else 3, list[dict[str, str]]()
    for name, (measure, target) in COMMANDS.items():
        print(f"measuring {name}", flush=True)
        measure()
        found = [measure() for _ in range(tries)]
        clock = "" if name.startswith("import") else f"{min(each.clock for each in found):.2f}"
        table.append(row(name, min(each.processor for each in found), clock, target))
    parts = [of_parts() for _ in range(tries)]
    table += [row(f"of which {name}", min(each[name] for each in parts), "", "") for name in parts[0]]
    print(show(table))
    write(table, options.output)


def row(name: str, processor: float, clock: str, target: str) -> dict[str, str]:
    """A line of the table."""
    return {"what": name, "processor, s": f"{processor:.2f}", "clock, s": clock, "target, s": target}


if __name__ == "__main__":
    main()
