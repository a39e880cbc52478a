"""Tables of benchmarks: shown, and written down with what they were measured on."""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def command_line(name: str, quick: str = "few blocks") -> argparse.ArgumentParser:
    """The options of a benchmark's command; its help is the docstring of the module that is run.

    Args:
        name: of its table, without ".csv".
        quick: what little a quick run does.
    """
    parser = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--output", type=Path, default=RESULTS / f"{name}.csv", help="where the table goes")
    return parser


def with_workloads(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The same, with an option to measure some of the workloads only."""
    parser.add_argument("workloads", nargs="*", help="the beginnings of their names; all without any")
    return parser


def is_asked_for(name: str, options: argparse.Namespace) -> bool:
    """True if a workload is to be measured."""
    return not options.workloads or any(name.startswith(beginning) for beginning in options.workloads)


def machine() -> str:
    """The machine that the times were taken on."""
    if DEVICE == "cuda":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = f"{len(names)} x {names[0]}" if names else platform.processor()
    processor = f"{processor} ({torch.backends.cpu.get_cpu_capability()})"
    return f"{processor}, one thread of torch {torch.__version__}, Python {platform.python_version()}"


def show(table: Sequence[Mapping[str, str]]) -> str:
    """The table in Markdown."""
    head = list(table[0])
    lines = [head, ["---"] * len(head), *(list(row.values()) for row in table)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def save(table: Sequence[Mapping[str, str]], options: argparse.Namespace, names: Iterable[str] = ()) -> None:
    """Writes the table down where the options say: all of it, or the workloads that were asked for beside the others.

    Args:
        table: what was measured; the first column names workloads.
        options: with those of `with_workloads`.
        names: of all workloads that there are now, in their order; without any, no line of the file goes.
    """
    if options.workloads:
        write_part(table, options.output, names)
    else:
        write(table, options.output)


def write(table: Sequence[Mapping[str, str]], path: Path) -> None:
    """Writes the table down, and what it was measured on."""
    write_lines(table, path, [f"# {conditions()}"])


def write_part(table: Sequence[Mapping[str, str]], path: Path, names: Iterable[str] = ()) -> None:
    """Writes down some workloads, and what they were measured on, beside those of a file that are not in the table.

    Args:
        table: what was measured; the first column names workloads.
        path: of the file.
        names: of all workloads, in their order; those that the file has and this lacks are left out.

    Raises:
        ValueError: the file, which stays as it is, has other columns.
    """
    column, kept = next(iter(table[0])), read(path) if path.exists() else []
    if kept and kept[0].keys() != table[0].keys():
        raise ValueError(
            f"{path} has other columns than were measured: measure all workloads, or take another --output"
        )
    measured = {row[column]: f"# {row[column]}: " for row in table}
    lines = [*(row for row in kept if row[column] not in measured), *table]
    order = dict.fromkeys(names) or dict.fromkeys(row[column] for row in (*kept, *table))
    remarks = [each for each in remarks_of(path) if not each.startswith(tuple(measured.values()))]
    remarks += [f"{beginning}{conditions()}" for beginning in measured.values()]
    write_lines([row for name in order for row in lines if row[column] == name], path, remarks)


def write_lines(table: Sequence[Mapping[str, str]], path: Path, remarks: Iterable[str]) -> None:
    """Writes a table down below some remarks."""
    with path.open("w", newline="") as file:
        file.writelines(f"{remark}\n" for remark in remarks)
        writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def conditions() -> str:
    """The machine, and how busy it is."""
    return f"{machine()}; load {os.getloadavg()[0]:.1f}"


def read(path: Path) -> list[dict[str, str]]:
    """The table that was written down."""
    return list(csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#")))


def remarks_of(path: Path) -> list[str]:
    """The remarks above a table that was written down."""
    return [line for line in path.read_text().splitlines() if line.startswith("#")] if path.exists() else []
