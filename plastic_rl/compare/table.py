"""The table of a comparison: interquartile means with intervals, and who is better."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from plastic_rl.compare.groups import Group
from plastic_rl.compare.lives import Numbers, curves, drops, recoveries
from plastic_rl.evaluation import estimate, interquartile_mean, probability_of_improvement

Row = dict[str, str]


def rows_of(groups: Sequence[Group], ends: Numbers, baseline: Group) -> list[Row]:
    """A row for each group.

    Args:
        groups: to be compared.
        ends: of the bins of the grid.
        baseline: whom the others are to be better than.
    """
    theirs = _over_life(baseline, ends)
    return [_row(group, ends, baseline.name, theirs) for group in groups]


def as_csv(rows: Sequence[Row]) -> str:
    """The table as comma-separated values."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_latex(rows: Sequence[Row]) -> str:
    """The table in LaTeX, for the package booktabs."""
    lines = [" & ".join(map(_escaped, cells)) + r" \\" for cells in (rows[0], *(row.values() for row in rows))]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def in_words(values: Numbers) -> str:
    """The interquartile mean of one number a run, with its interval where there are two runs or more."""
    known = values[np.isfinite(values)]
    if not len(known):
        return "-"
    if len(known) == 1:
        return _short(known[0])
    found = estimate(known)
    return f"{_short(found.value)} [{_short(found.low)}, {_short(found.high)}]"


def _row(group: Group, ends: Numbers, baseline: str, theirs: Numbers) -> Row:
    lives = curves(group.runs, ends)
    late = lives[:, lives.shape[1] // 2 :].mean(1)
    ours, flip = lives.mean(1), group.runs[0].less_is_better
    better = probability_of_improvement(*((theirs, ours) if flip else (ours, theirs)))
    row = {"": group.name, "runs": str(len(group.runs)), "over life": in_words(ours), "second half": in_words(late)}
    if any(run.changes for run in group.runs):
        row["drop at a change"] = in_words(np.array([_mean(drops(run)) for run in group.runs]))
        row["steps to recover"] = in_words(np.array([_mean(recoveries(run)) for run in group.runs]))
    seconds = [run.seconds for run in group.runs if run.seconds]
    row[f"P(better than {baseline})"] = f"{better:.2f}"
    row["minutes"] = f"{interquartile_mean(seconds) / 60:.1f}" if seconds else "-"
    return row


def _over_life(group: Group, ends: Numbers) -> Numbers:
    return curves(group.runs, ends).mean(1)


def _mean(values: Numbers) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _escaped(text: str) -> str:
    return "".join("\\" + letter if letter in "&%$#_{}" else letter for letter in text)
