"""A soak: long runs that are killed again and again, beside the same runs left alone.

    python -m benchmarks.soak                        each run an hour, and its twin with 30 kills: over four hours
    python -m benchmarks.soak --minutes 1 --kills 5  a short one
    python -m benchmarks.soak permuted-digits        one of the two; the line of the other stays in the table

There are two runs: slippery-ant with `ppo_cbp`, and permuted digits with `sgd_cbp`. Each is given as many steps as it
takes in so many minutes. Left alone, it says how its memory grows: the median of the process's resident memory over the
last tenth of its time, over that of the tenth after its middle. Its twin is killed (SIGKILL) at random moments and
begun again by the same command; at the end both must have the same weights, bit for bit.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.tables import RESULTS, read, show, write
from plastic_rl.runs import RunFolder, read_record

ROOT = Path(__file__).resolve().parents[1]
MOST_GROWTH = 0.02
FIRST = 4  # parts of a run, after which its speed is known
LONGEST = 1.3  # the longest life of a piece, over its share of the run
WHILE_STARTING = 0.1  # the share of kills that come while the program is imported or the checkpoint read


@dataclass(frozen=True)
class Kind:
    """A run.

    Args:
        words: of its command.
        length: the setting that says how long it is.
        part: the smallest length, and what each length is a multiple of.
        weights: reads what it has learned from its folder.
    """

    words: tuple[str, ...]
    length: str
    part: int
    weights: Callable[[RunFolder], Any]


def of_model(folder: RunFolder) -> Any:
    """Return the weights of a run in a world."""
    with zipfile.ZipFile(folder.model_file) as archive, archive.open("policy.pth") as file:
        return torch.load(file, weights_only=True)


def of_learner(folder: RunFolder) -> Any:
    """Return the weights of a run on a stream."""
    return torch.load(folder.weights_file, weights_only=True)


KINDS = {
    "slippery-ant": Kind(
        ("agent=ppo_cbp", "env=slippery-ant", "env.change_every=20_000"), "total_steps", 2048, of_model
    ),
    "permuted-digits": Kind(("agent=sgd_cbp", "env=permuted-digits", "seeds=2"), "env.tasks", 1, of_learner),
}


def command(kind: Kind, length: int, out: Path, every: float) -> list[str]:
    """Return the words of a run that keeps a checkpoint every so many seconds."""
    settings = (f"{kind.length}={length}", f"out={out}", "track=off", f"checkpoint_seconds={every:g}")
    return [sys.executable, str(ROOT / "train.py"), *kind.words, *settings]


def start(words: list[str]) -> subprocess.Popen[bytes]:
    """Start a run, one thread, without its words."""
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)


def folder_of(out: Path) -> RunFolder | None:
    """Return the one run below a folder; None where it has not begun."""
    records = list(out.glob("*/*/*/run.json"))
    return RunFolder(records[0].parent) if records else None


def finished(out: Path) -> RunFolder:
    """Return the one run below a folder.

    Raises:
        RuntimeError: It is not finished.
    """
    folder = folder_of(out)
    if folder is None or folder.status != "finished":
        raise RuntimeError(f"the run below {out} has not finished: {folder and folder.status}")
    return folder


def resident(number: int) -> int | None:
    """Return the resident memory of a process in KiB; None where it has ended."""
    try:
        lines = Path(f"/proc/{number}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), None)


def left_alone(words: list[str]) -> list[int]:
    """Run to the end; return the resident memory in KiB, four times a second."""
    sizes: list[int] = []
    with start(words) as process:
        while process.poll() is None:
            if (size := resident(process.pid)) is not None:
                sizes.append(size)
            time.sleep(0.25)
    return sizes


def growth(sizes: list[int]) -> tuple[float, float, float]:
    """Return the median memory after the middle and at the end, a tenth of the time each, in MiB, and its growth."""
    tenth = max(1, len(sizes) // 10)
    middle, end = sizes[len(sizes) // 2 :][:tenth], sizes[-tenth - 1 : -1] or sizes[-1:]
    first, last = statistics.median(middle) / 1024, statistics.median(end) / 1024
    return first, last, last / first - 1


def killed(words: list[str], out: Path, kills: int, share: float, draw: random.Random) -> tuple[int, int]:
    """Run to the end with kills at random moments; return how many there were, and how many found a checkpoint.

    Args:
        words: The command.
        out: The folder that it is given.
        kills: As many, unless the run ends before.
        share: Seconds of the run between two kills, if all are alike.
        draw: Draws the moments.
    """
    done = resumed = 0
    while done < kills and one_kill(words, out, draw.uniform(0, LONGEST * share), draw.random() < WHILE_STARTING):
        done += 1
        resumed += any(out.glob("*/*/*/checkpoints/step-*.pt"))
    with start(words) as process:
        process.wait()
    return done, resumed


def one_kill(words: list[str], out: Path, seconds: float, while_starting: bool) -> bool:
    """Begin a run again, kill it so many seconds after it has begun to learn, or to start; False if it had ended."""
    before = began(out)
    with start(words) as process:
        while not while_starting and began(out) == before and process.poll() is None:
            time.sleep(0.02)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() != 0


def began(out: Path) -> int:
    """Return how often the run below a folder has begun to learn."""
    folder = folder_of(out)
    return 0 if folder is None else 1 + int(read_record(folder.record_file).get("resumes", 0))


def seconds_of(kind: Kind, length: int, out: Path) -> float:
    """Return the seconds that a run takes, its start aside."""
    with start(command(kind, length, out, 300)) as process:
        process.wait()
    return float(read_record(finished(out).record_file)["seconds"])


def length_for(kind: Kind, seconds: float, out: Path) -> int:
    """Return the length of a run that takes about so many seconds."""
    few, more = (seconds_of(kind, parts * kind.part, out / str(parts)) for parts in (FIRST, 3 * FIRST))
    return max(3 * FIRST, round(seconds / max(more - few, 1e-3) * 2 * FIRST)) * kind.part


def are_equal(first: Any, second: Any) -> bool:
    """True if two nests of dictionaries, lists and tensors are the same, bit for bit."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(are_equal(first[name], second[name]) for name in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(are_equal(*pair) for pair in zip(first, second, strict=True))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


def soak(name: str, minutes: float, kills: int, out: Path, draw: random.Random) -> dict[str, str]:
    """Return a row of the table: a run left alone, and its twin that is killed.

    Raises:
        RuntimeError: One of them did not finish.
    """
    kind, seconds = KINDS[name], 60 * minutes
    length, every = length_for(kind, seconds, out / "calibration"), min(20.0, seconds / kills / 8)
    sizes = left_alone(command(kind, length, out / "alone", every))
    alone = finished(out / "alone")
    lasted = float(read_record(alone.record_file)["seconds"])
    done, resumed = killed(command(kind, length, out / "killed", every), out / "killed", kills, lasted / kills, draw)
    first, last, more = growth(sizes)
    return {
        "run": name,
        "length": f"{kind.length}={length}",
        "seconds": f"{lasted:.0f}",
        "kills": str(done),
        "resumed": str(resumed),
        "same_weights": "yes" if are_equal(kind.weights(alone), kind.weights(finished(out / "killed"))) else "no",
        "middle_mib": f"{first:.1f}",
        "end_mib": f"{last:.1f}",
        "growth": f"{more:.2%}",
    }


def is_sound(row: dict[str, str], kills: int) -> bool:
    """True if a run ended with the same weights after all its kills, and its memory did not grow."""
    grown = float(row["growth"].rstrip("%")) / 100
    return row["same_weights"] == "yes" and int(row["kills"]) >= kills and grown < MOST_GROWTH


def main() -> int:
    """Soak both runs, write the table down, and return 1 where one is not sound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", help=f"{' or '.join(KINDS)}; both without any")
    parser.add_argument("--minutes", type=float, default=60.0, help="of each run left alone")
    parser.add_argument("--kills", type=int, default=30, help="of each twin")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--output", type=Path, default=RESULTS / "soak.csv", help="where the table goes")
    options = parser.parse_args()
    asked = options.runs or list(KINDS)
    if unknown := [name for name in asked if name not in KINDS]:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(KINDS)}")
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            soak(name, options.minutes, options.kills, Path(folder) / name, random.Random(options.seed))
            for name in asked
        ]
    others = read(options.output) if options.output.exists() else []
    write([row for row in others if row["run"] not in asked] + rows, options.output)
    print(show(rows))
    return 0 if all(is_sound(row, options.kills) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
