"""Tracking: what learned step sizes are worth where most inputs are irrelevant and the target moves (Sutton 1992).

Twenty inputs, five of which matter, one of these with a new sign every so many examples, in six settings of noise and
pace. The number is the mean squared distance of the prediction from the target before noise, over examples 20,000 to
30,000. Each method's setting is chosen for each row by ten seeds (100 to 109) and reported on thirty others (0 to 29),
except that of N-K1, which is the same everywhere. All runs of a method learn at once, as rows of one weight.

python -m experiments.tracking            # 25 minutes on a core that others used as well
python -m experiments.tracking --draw     # draws from the committed tables
python -m experiments.tracking --quick    # a fiftieth of it, into a scratch folder
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from experiments.runs import ROOT, read_table, write_table
from experiments.tracking.drawing import draw
from experiments.tracking.learning import comparison, first_step_runs
from experiments.tracking.tables import chosen, first_steps, ratios_to_best, reported, summary, verdicts

RESULTS = ROOT / "results" / "tracking"
SEEDS, SEEDS_OF_THE_SEARCH = range(30), range(100, 110)


def report(results: Path) -> None:
    """Draws the figure, and writes what follows from the runs."""
    runs, firsts = read_table(results / "runs.csv"), read_table(results / "first_steps.csv")
    write_table(results / "summary.csv", summary(runs))
    write_table(results / "first_steps_summary.csv", first_steps(firsts))
    write_table(results / "ratios.csv", ratios_to_best(runs))
    write_table(results / "verdict.csv", verdicts(runs, firsts))
    draw(runs, firsts, results / "figure.png")
    for row in read_table(results / "verdict.csv"):
        print(f"{row['verdict']:<8} {row['measured']:>8}  {row['target']}")


def run(results: Path, seeds: Sequence[int], searched: Sequence[int], tasks: int) -> None:
    """Runs everything, chooses settings by some seeds, and reports the others."""
    table = comparison([*seeds, *searched], tasks)
    search = chosen(table, searched)
    write_table(results / "search.csv", search)
    write_table(results / "runs.csv", reported(table, search, seeds))
    write_table(results / "first_steps.csv", first_step_runs(seeds, tasks))
    report(results)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs, or draws, as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true", help="only draw, from the tables that are there")
    parser.add_argument("--quick", action="store_true", help="a little of it, into a scratch folder")
    asked = parser.parse_args(arguments)
    if asked.draw:
        report(RESULTS)
    elif asked.quick:
        with tempfile.TemporaryDirectory() as scratch:
            run(Path(scratch), SEEDS[:2], SEEDS_OF_THE_SEARCH[:2], tasks=1)
    else:
        run(RESULTS, SEEDS, SEEDS_OF_THE_SEARCH, tasks=30)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
