"""The command: runs are found, grouped, put on a grid, printed and drawn."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from plastic_rl.compare.finding import find_runs
from plastic_rl.compare.groups import Group, grouped, whole
from plastic_rl.compare.lives import BINS, Numbers, grid
from plastic_rl.compare.page import write_page
from plastic_rl.compare.panels import names_for_a_page, panels_of
from plastic_rl.compare.runs import Run
from plastic_rl.compare.table import Row, as_csv, as_latex, rows_of
from plastic_rl.errors import UserError
from plastic_rl.pictures import draw_panels
from plastic_rl.runs import write_result

PROGRAM = "python -m plastic_rl.compare"
PICTURE = "comparison.png"


@dataclass(frozen=True)
class Comparison:
    """Groups of runs on a common grid.

    Args:
        groups: the baseline first.
        ends: of the bins.
        left_out: runs that lived less long than the others.
    """

    groups: list[Group]
    ends: Numbers
    left_out: list[Run]

    @property
    def rows(self) -> list[Row]:
        """The table."""
        return rows_of(self.groups, self.ends, self.groups[0])


def compare(
    places: Sequence[str | Path],
    *,
    score: str | None = None,
    by: Sequence[str] = (),
    baseline: str | None = None,
    bins: int = BINS,
    unfinished: bool = False,
) -> Comparison:
    """The runs in some folders, in groups that differ in more than their seeds.

    Args:
        places: folders with runs of plastic_rl, Stable-Baselines3, TensorBoard or W&B.
        score: what other people's runs are judged by; None for the first known column.
        by: the settings that make a group; all by default.
        baseline: the group that others are compared with; the first by default.
        bins: of the grid over life.
        unfinished: have the shortest life for all, rather than leave out runs that are not whole.

    Raises:
        UserError: there are no runs, they cannot be compared, or there is no such group or setting.
    """
    runs = find_runs(places, score)
    _check_units(runs)
    kept, left_out = (runs, []) if unfinished else whole(runs)
    groups = grouped(kept, by)
    return Comparison(_baseline_first(groups, baseline), grid(kept, bins), left_out)


def main(arguments: Sequence[str] | None = None, *, program: str = PROGRAM) -> int:
    """Compares as a command line asks, called by a name; returns its exit status."""
    asked = parser_of(program).parse_args(arguments)
    try:
        _obey(asked)
        while asked.follow:
            time.sleep(asked.follow)
            _obey(asked)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
    return 0


def _obey(asked: argparse.Namespace) -> None:
    found = compare(
        asked.places,
        score=asked.score,
        by=asked.by,
        baseline=asked.baseline,
        bins=asked.bins,
        unfinished=asked.unfinished or bool(asked.follow),
    )
    rows = found.rows
    title = asked.title or " and ".join(str(Path(place)) for place in asked.places)
    print_table(found, rows)
    pictures = [*asked.png, *asked.pdf] or ([] if asked.html else [Path(asked.places[0]) / PICTURE])
    for picture in pictures:
        draw(found, picture, title, asked.panels)
    for file in asked.csv:
        write_result(file, lambda stream: stream.write(as_csv(rows).encode()))
    for file in asked.latex:
        write_result(file, lambda stream: stream.write(as_latex(rows).encode()))
    for file in asked.html:
        names = asked.panels or names_for_a_page(found.groups)
        write_page(file, title, panels_of(found.groups, found.ends, names), rows, found.groups)
    print("written:", ", ".join(map(str, [*pictures, *asked.csv, *asked.latex, *asked.html])))


def draw(found: Comparison, picture: Path, title: str, panels: Sequence[str] = ()) -> None:
    """Draws a comparison.

    Args:
        found: what is drawn.
        picture: the file; its ending says the format.
        title: above the picture.
        panels: measures to draw beneath; the usual ones by default.
    """
    draw_panels(panels_of(found.groups, found.ends, panels), picture, title)


def print_table(found: Comparison, rows: Sequence[Row] | None = None) -> None:
    """Prints the table of a comparison, and which runs it leaves out.

    Args:
        found: what is printed.
        rows: of the table, where they are known already: their intervals take a while.
    """
    rows = found.rows if rows is None else rows
    table = Table(box=None, header_style="bold")
    for place, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row.values())
    first = found.groups[0].runs[0]
    print(f"{first.score_name} over {found.ends[-1]:,.0f} {first.unit}: interquartile means [95 % intervals over runs]")
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)
    for run in found.left_out:
        print(f"left out, not whole: {run.path} ({run.length:,.0f} {run.unit}); --unfinished compares up to there")


def _check_units(runs: Sequence[Run]) -> None:
    kinds = {(run.score_name, run.unit): run.path for run in runs}
    if len(kinds) > 1:
        listed = "\n".join(f"  {score} over {unit}, such as {path}" for (score, unit), path in kinds.items())
        raise UserError(f"These runs are judged by different things; name folders with one of them:\n{listed}")


def _baseline_first(groups: list[Group], baseline: str | None) -> list[Group]:
    if baseline is None:
        return groups
    names = [group.name for group in groups]
    if baseline not in names:
        raise UserError(f"--baseline {baseline} is no group: there are {', '.join(names)}")
    return sorted(groups, key=lambda group: group.name != baseline)


def parser_of(program: str = PROGRAM) -> argparse.ArgumentParser:
    """The parser of its command line, called by a name."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Compare runs: returns over life, recovery after changes, and what was measured beside them.",
    )
    add = parser.add_argument
    add("places", nargs="+", metavar="FOLDER", help="with runs of plastic_rl, SB3, TensorBoard or W&B, at any depth")
    add("--by", type=_listed, default=[], metavar="SETTING,…", help="the settings that make a group (default: all)")
    add("--baseline", metavar="GROUP", help="whom the others are compared with (default: the first)")
    add("--panels", type=_listed, default=[], metavar="MEASURE,…", help="what to draw beneath (default: dormancy, …)")
    add("--score", metavar="COLUMN", help="what other people's runs are judged by")
    add("--bins", type=int, default=BINS, metavar="N", help="points of a curve (default: %(default)s)")
    add("--unfinished", action="store_true", help="compare up to the shortest life; else short lives are left out")
    add("--title", metavar="TEXT", help="above the picture (default: the folders)")
    for name, what in (("png", "the picture"), ("pdf", "the picture"), ("csv", "the table"), ("latex", "the table")):
        add(f"--{name}", type=Path, action="append", default=[], metavar="FILE", help=f"write {what} there")
    add("--html", type=Path, action="append", default=[], metavar="FILE", help="write an interactive page there")
    again = "again and again while runs go on (every ten seconds, if not said)"
    add("--follow", type=float, nargs="?", const=10.0, metavar="SECONDS", help=again)
    return parser


def _listed(text: str) -> list[str]:
    return [word for word in text.split(",") if word]
