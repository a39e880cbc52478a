"""How the benchmark of task detection judges alarms."""

import csv
from pathlib import Path

from benchmarks.tables import RESULTS
from benchmarks.task_detection import Outcome, counted, judged, together

# Regimes 0, 1, 2 and 0 again.
CHANGES = [(100, 1), (200, 2), (300, 0)]


def test_alarms_that_are_right():
    outcome = judged(CHANGES, [(110, 1), (230, 2), (305, 0)])
    assert outcome == Outcome(alarms=0, changes=3, delays=[10, 30, 5], first=[True, True], again=[True])


def test_alarms_that_are_false_in_a_world_that_stays_or_needless_in_one_that_changes():
    assert judged([], [(10, 1), (20, 0)]) == Outcome(alarms=2)
    assert judged(CHANGES[:1], [(50, 1), (60, 0), (110, 1), (120, 2)]).alarms == 3


def test_changes_that_nobody_notices():
    outcome = judged(CHANGES, [(110, 1)])
    assert (outcome.changes, outcome.delays, outcome.again) == (3, [10], [])


def test_regimes_that_are_taken_for_others():
    outcome = judged(CHANGES, [(110, 0), (230, 1), (305, 2)])
    assert (outcome.first, outcome.again) == ([False, True], [False])


def test_outcomes_add_up():
    both = together([judged(CHANGES, [(110, 1)]), judged([], [(5, 1)])])
    assert both == Outcome(alarms=1, changes=3, delays=[10], first=[True])
    assert counted([True, False, True]) == "2 of 3"


def test_the_page_shows_the_table_as_it_was_measured():
    lines = (RESULTS / "task_detection.csv").read_text().splitlines()
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    page = (Path(__file__).parents[1] / "docs" / "additive_parameter_decomposition.md").read_text()
    assert len(rows) == 6
    for row in rows:
        assert f"| {' | '.join(row)} |" in page
