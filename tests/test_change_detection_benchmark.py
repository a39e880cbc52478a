"""The judgement of alarms by the benchmark of change detection, and its table on the page."""

from pathlib import Path

from benchmarks.change_detection import WORLDS, judged
from benchmarks.tables import RESULTS

PAGE = Path(__file__).parents[1] / "docs/stable_baselines3.md"


def test_the_first_alarm_after_a_change_is_its_own_and_all_others_are_false():
    assert judged([100, 200], [130, 150, 260]) == ([30, 60], 1)
    assert judged([100, 200], [50, 210]) == ([10], 1)
    assert judged([100], []) == ([], 0)
    assert judged([], [5, 6]) == ([], 2)


def test_the_table_on_the_page_is_the_committed_one():
    lines = (RESULTS / "change_detection.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    assert [row[0] for row in rows[1:]] == list(WORLDS)
    assert all(f"| {' | '.join(row)} |" in PAGE.read_text() for row in rows)
