"""Tables of benchmarks: what is measured anew takes its own place in the file, and nothing else goes."""

from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks import tables
from benchmarks.tables import read, remarks_of, save


def table(**times: str) -> list[dict[str, str]]:
    return [{"method": name, "time": time} for name, time in times.items()]


def saved(path: Path, workloads: list[str], names: tuple[str, ...] = (), **times: str) -> dict[str, str]:
    save(table(**times), Namespace(workloads=workloads, output=path), names)
    return {row["method"]: row["time"] for row in read(path)}


def test_workloads_that_are_not_measured_again_stay_where_they_are(tmp_path: Path):
    path = tmp_path / "table.csv"
    assert saved(path, [], plain="1", redo="2", trac="3") == {"plain": "1", "redo": "2", "trac": "3"}
    assert [*saved(path, ["re", "fire"], redo="4", fire="5").items()] == [
        *(("plain", "1"), ("redo", "4"), ("trac", "3"), ("fire", "5"))
    ]
    assert saved(path, [], plain="6") == {"plain": "6"}  # all of them, as there are no others now


def test_workloads_stand_in_the_order_of_their_names_and_those_that_are_gone_go(tmp_path: Path):
    path = tmp_path / "table.csv"
    saved(path, [], plain="1", gone="2", redo="3")
    now = saved(path, ["fire"], names=("plain", "fire", "redo", "not measured"), plain="4", fire="5")
    assert [*now.items()] == [("plain", "4"), ("fire", "5"), ("redo", "3")]


def test_a_remark_says_on_what_each_part_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "table.csv"
    for machine, workloads, times in (
        ("A", [], {"plain": "1", "redo": "2"}),
        ("B", ["redo"], {"redo": "3"}),
        ("C", ["redo", "fire"], {"redo": "4", "fire": "5"}),
    ):
        monkeypatch.setattr(tables, "conditions", lambda machine=machine: machine)
        saved(path, workloads, (), **times)
    assert remarks_of(path) == ["# A", "# redo: C", "# fire: C"]


def test_a_table_of_other_columns_is_left_as_it_is(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("# A\nmethod,memory\nplain,1\n")
    with pytest.raises(ValueError, match="other columns than were measured: measure all workloads"):
        saved(path, ["redo"], redo="2")
    assert path.read_text() == "# A\nmethod,memory\nplain,1\n"
