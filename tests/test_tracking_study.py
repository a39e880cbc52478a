"""The study of tracking: its tables are those of the page and follow from committed runs; its seeds chose nothing."""

import csv
from pathlib import Path

import pytest
import torch

from experiments.tracking.__main__ import RESULTS, SEEDS, SEEDS_OF_THE_SEARCH
from experiments.tracking.learning import learn
from experiments.tracking.methods import METHODS
from experiments.tracking.problem import ROWS, Lanes, Row
from experiments.tracking.tables import first_steps, ratios_to_best, summary, verdicts

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "step_sizes.md").read_text()


def rows(table):
    with (RESULTS / f"{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("table", ["summary", "first_steps_summary", "verdict"])
def test_the_page_has_the_committed_tables(table):
    assert all(f"| {' | '.join(row.values())} |" in PAGE for row in rows(table))


def test_the_tables_follow_from_the_committed_runs():
    runs, firsts = rows("runs"), rows("first_steps")
    assert summary(runs) == rows("summary")
    assert first_steps(firsts) == rows("first_steps_summary")
    assert verdicts(runs, firsts) == rows("verdict")
    assert ratios_to_best(runs) == rows("ratios")


def test_the_seeds_that_are_reported_chose_no_setting():
    assert {int(row["seed"]) for row in rows("runs")} == set(SEEDS)
    assert not set(SEEDS) & set(SEEDS_OF_THE_SEARCH)
    picked = {(row["row"], row["method"], row["value"]) for row in rows("search") if row["chosen"] == "True"}
    assert {(row["row"], row["method"], row["value"]) for row in rows("runs")} == picked
    assert len(picked) == len(ROWS) * len(METHODS)


def test_lanes_learn_what_each_learns_alone_from_targets_with_noise():
    make = METHODS["N-K1"].at(0.1)
    row, other = Row(1.0, 20), Row(0.0, 1000)
    together = Lanes((row, other), (3, 4), tasks=1)
    alone = Lanes((other,), (3,), tasks=1)
    for lanes in (together, alone):
        lanes.examples = shortened(lanes.examples)
    both, one = (learn({"k1": make}, lanes)["k1"] for lanes in (together, alone))
    torch.testing.assert_close(both[0][2:3], one[0])
    torch.testing.assert_close(both[1][2:3], one[1])
    assert both[0][0] > both[0][2]


def shortened(examples):
    """The first twenty of a task."""
    return lambda task: list(examples(task))[:20]
