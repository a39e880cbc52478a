"""One table for the rivals in three studies of PPO: the average over life of each, and its share of a fresh agent's.

It reads the committed summaries of `experiments/long_lives.py`, `experiments/permuted_double_pendulum.py` and
`experiments/aligned_control.py`.

python -m experiments.rivals_table
"""

from __future__ import annotations

from collections.abc import Mapping

from experiments import aligned_control, long_lives, permuted_double_pendulum
from experiments.rivals import RIVALS
from experiments.runs import ROOT, read_table, write_table
from experiments.study import show

RESULTS = ROOT / "results" / "rivals_table"

STUDIES = {
    "sixty CartPoles": long_lives.STUDY,
    "ten double pendulums": permuted_double_pendulum.STUDY,
    "aligned control": aligned_control.STUDY,
}

NOT_RUN = "-"


def table() -> list[dict[str, str]]:
    """A row for each rival that has been run in one of the studies, in the order of the rivals."""
    studies = {
        words: {row["arm"]: row for row in read_table(study.results / "summary.csv")}
        for words, study in STUDIES.items()
    }
    return [
        {"agent": arm} | {name: value for words, rows in studies.items() for name, value in _cells(words, rows, arm)}
        for arm in RIVALS
        if any(arm in rows for rows in studies.values())
    ]


def _cells(words: str, rows: Mapping[str, Mapping[str, str]], arm: str) -> list[tuple[str, str]]:
    row = rows.get(arm, {})
    shown = {"average over life": words, "of fresh": f"{words}, of fresh"}
    return [(heading, row.get(name, NOT_RUN)) for name, heading in shown.items()]


if __name__ == "__main__":
    rows = table()
    write_table(RESULTS / "summary.csv", rows)
    show(rows)
