"""Studies: arms that are run with some seeds, tables gathered from their runs, and a report of them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.carry import carry
from experiments.gate import Scores, verdict
from experiments.runs import ROOT, Arm, read_table, run_missing, write_table
from plastic_rl.errors import UserError

Rows = Sequence[Mapping[str, Any]]

SEED_OF_THE_SEARCH = 100


@dataclass(frozen=True, kw_only=True)
class Study(ABC):
    """A comparison, and the number of its seeds.

    Args:
        name: of the study: its folder in `results`.
        title: above the figure.
        arms: what is compared.
        seeds: of each arm.
        quick: words that make a quick run of it; a later word wins.
        tried: runs of one more seed, by which settings of the arms were chosen.
        reads_data: whether the runs read data sets, so that the command takes their folder.
        baseline: the arm without a remedy; None for the first.
        fresh: the arm that starts from scratch at each change, against which the baseline must lose; None for none.
        seeds_together: one command trains all seeds of an arm: as one batched network, where it can and that is faster.
        pairs_seeds: compare the two seed by seed: where a seed is of the problem too, and decides how hard it is.

    Raises:
        ValueError: the baseline, or the fresh arm, is no arm of the study.
    """

    name: str
    title: str
    arms: tuple[Arm, ...]
    seeds: range
    quick: tuple[str, ...]
    tried: tuple[Arm, ...] = ()
    reads_data: bool = False
    baseline: str | None = None
    fresh: str | None = None
    seeds_together: bool = False
    pairs_seeds: bool = False

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if strangers := [name for name in (self.baseline, self.fresh) if name is not None and name not in names]:
            raise ValueError(f"{strangers[0]} is no arm of {self.name}; expected one of {', '.join(names)}")

    @property
    def results(self) -> Path:
        """The folder of the committed tables and the figure."""
        return ROOT / "results" / self.name

    @abstractmethod
    def gather(self, out: Path) -> dict[str, Rows]:
        """The tables, by name, of the runs in a folder."""

    @abstractmethod
    def report(self, results: Path) -> None:
        """Draws the figure and writes the summary, from the tables in a folder."""

    def after_changes(self, results: Path) -> Scores | None:
        """For each arm what its runs reach after the first task; None for a study that compares no remedies.

        Args:
            results: the folder of the tables.
        """
        return None

    def conclude(self, results: Path) -> None:
        """Reports, then says whether the baseline loses against a fresh agent: without that a study is void."""
        self.report(results)
        scores = self.after_changes(results)
        if scores is not None:
            baseline = self.baseline or self.arms[0].name
            outcome = verdict(baseline, self.fresh, scores, is_paired=self.pairs_seeds)
            write_table(results / "verdict.csv", [outcome.row(baseline, self.fresh)])
            print(outcome)

    def with_words(self, *words: str) -> Study:
        """The same study with words added to each command."""
        arms, tried = (
            tuple(replace(arm, overrides=(*arm.overrides, *words)) for arm in some) for some in (self.arms, self.tried)
        )
        return replace(self, arms=arms, tried=tried)

    def reduced(self) -> Study:
        """A little of it."""
        little = self.with_words(*self.quick)
        return replace(little, seeds=range(2), tried=little.tried[:2])

    def run_missing(self, out: Path, jobs: int) -> None:
        """Runs what is not there yet, as many at a time as asked."""
        run_missing(self.tried, [SEED_OF_THE_SEARCH], out, jobs)
        run_missing(self.arms, self.seeds, out, jobs, seeds_together=self.seeds_together)

    def only(self, names: Collection[str]) -> Study:
        """Some of its arms, without a gate: enough to run them and to gather their tables."""
        arms = tuple(arm for arm in self.arms if arm.name in names)
        return replace(self, arms=arms, tried=(), baseline=None, fresh=None)

    def run(self, out: Path, results: Path, jobs: int, names: Collection[str] = ()) -> None:
        """Runs what is missing, writes the tables and draws the figure.

        Args:
            out: the folder of the runs.
            results: the folder of the tables.
            jobs: runs at a time.
            names: of the arms that are run, while the tables keep what they say of the others; none for all.
        """
        some = self.only(names) if names else self
        some.run_missing(out, jobs)
        missing = {arm.name for arm in self.arms} if names else set[str]()
        for name, rows in some.gather(out).items():
            table = results / f"{name}.csv"
            whole = self._beside(rows, table) if names else rows
            write_table(table, whole)
            missing -= {row["arm"] for row in whole}
        if missing:
            print(f"Not drawn: the tables have nothing yet of {', '.join(sorted(missing))}.")
        else:
            self.conclude(results)

    def _beside(self, rows: Rows, table: Path) -> Rows:
        """Rows of some arms, and those that a table has of the others, in the order of the arms."""
        fresh = {row["arm"] for row in rows}
        others = [row for row in (read_table(table) if table.exists() else []) if row["arm"] not in fresh]
        places = {arm.name: place for place, arm in enumerate(self.arms)}
        return sorted([*rows, *others], key=lambda row: places.get(row["arm"], len(places)))


def main(study: Study, arguments: Sequence[str] | None = None) -> None:
    """Runs, gathers, draws, as the command line asks."""
    parser = _parser(study)
    asked = parser.parse_args(arguments)
    if getattr(asked, "data", None):
        study = study.with_words(f"env.data_folder={asked.data}")
    try:
        carry(asked.out, asked.pack, asked.unpack)
    except UserError as error:
        parser.error(str(error))
    if asked.pack:
        return
    if asked.draw:
        study.conclude(study.results)
    elif asked.quick:
        with tempfile.TemporaryDirectory() as scratch:
            study.reduced().run(Path(scratch) / "runs", Path(scratch) / "results", asked.jobs)
    else:
        study.run(asked.out, study.results, asked.jobs, asked.arms)


def _parser(study: Study) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    of_what = parser.add_mutually_exclusive_group()
    of_what.add_argument("--draw", action="store_true", help="only draw, from the tables that are there")
    of_what.add_argument("--quick", action="store_true", help="a little of it, into a scratch folder")
    names = [arm.name for arm in study.arms]
    of_what.add_argument("--arms", nargs="+", choices=names, default=(), metavar="ARM", help="run only these")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (each takes one core)")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "studies" / study.name, help="the runs")
    of_what.add_argument("--pack", type=Path, metavar="FILE.tar.gz", help="only pack the runs, finished or not")
    parser.add_argument("--unpack", type=Path, metavar="FILE.tar.gz", help="take runs that were packed, and go on")
    if study.reads_data:
        parser.add_argument("--data", help="the folder of the data sets (docs/data.md), seen from the project's root")
    return parser


def show(rows: Sequence[Mapping[str, str]]) -> None:
    """Prints a table."""
    for row in rows:
        print("  ".join(f"{value:<24}" for value in row.values()))
