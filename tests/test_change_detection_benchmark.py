"""The judgement of alarms by the benchmark of change detection, and what the pages show of it and of its cost."""

from pathlib import Path

import pytest

from benchmarks.change_detection import WORLDS, judged
from benchmarks.recommended import AGENTS
from benchmarks.tables import RESULTS

DOCS = Path(__file__).parents[1] / "docs"


def test_the_first_alarm_after_a_change_is_its_own_and_all_others_are_false():
    assert judged([100, 200], [130, 150, 260]) == ([30, 60], 1)
    assert judged([100, 200], [50, 210]) == ([10], 1)
    assert judged([100], []) == ([], 0)
    assert judged([], [5, 6]) == ([], 2)


@pytest.mark.parametrize(
    ("table", "page", "first"),
    [
        ("change_detection.csv", "stable_baselines3.md", list(WORLDS)),
        ("recommended.csv", "overhead.md", list(AGENTS)),
    ],
)
def test_the_table_on_the_page_is_the_committed_one(table, page, first):
    lines = (RESULTS / table).read_text().splitlines()
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    assert [row[0] for row in rows[1:]] == first
    assert all(f"| {' | '.join(row)} |" in (DOCS / page).read_text() for row in rows)
