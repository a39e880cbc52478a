"""The study of newborn units: its summary follows from the committed runs, and its table is on the page."""

from pathlib import Path

from experiments import newborn_units
from experiments.runs import read_table

PAGE = Path(__file__).parents[1] / "docs" / "dynamic_networks.md"
SHOWN = ("birth", "incoming 1", "incoming 10", "incoming 100", "incoming 1000", "less than without")


def test_the_summary_follows_from_the_runs():
    rows = read_table(newborn_units.RESULTS / "runs.csv")
    assert newborn_units.summary(rows) == read_table(newborn_units.RESULTS / "summary.csv")
    assert {(row["birth"], row["seed"]) for row in rows} == {
        (birth, str(seed)) for birth in newborn_units.BIRTHS for seed in range(10)
    }


def test_the_table_is_on_the_page():
    page = PAGE.read_text()
    for row in read_table(newborn_units.RESULTS / "summary.csv"):
        if newborn_units.BIRTHS[row["birth"]].outgoing is not None:
            assert f"| {' | '.join(row[name] for name in SHOWN)} |" in page
