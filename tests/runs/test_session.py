"""A session around a trainee that only counts: what every run does, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.runs import Fault, RunFolder, Session, open_session, random_state, read_metrics, read_record


class Counter:
    """Counts to a number, and draws one at each step."""

    def __init__(self) -> None:
        self.step, self.sum, self.ill = 0, 0.0, False

    def settings(self) -> dict[str, Any]:
        return {"kind": type(self).__name__}

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.step, "sum": self.sum, "random": random_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        from plastic_rl.runs import restore_random_state

        self.step, self.sum = state["count"], state["sum"]
        restore_random_state(state["random"])

    def damage_beside(self, state: dict[str, Any]) -> str | None:
        return None

    def fault(self) -> Fault | None:
        return Fault("the count is ill", "count slower") if self.ill else None

    def fault_in(self, state: dict[str, Any]) -> Fault | None:
        return None

    def go(self, session: Session, to: int) -> None:
        while self.step < to:
            session.keeper.pause()
            self.step += 1
            self.sum += torch.rand(()).item()
            session.metrics.write(self.step, {"sum": self.sum})
        session.keeper.save()


def count(path: Path, to: int, *, unit: str = "steps", **settings: Any) -> Counter:
    folder, counter = RunFolder(path), Counter()
    torch.manual_seed(0)
    folder.prepare(fresh=False)
    try:
        with open_session(folder, counter, to, unit=unit, checkpoint_seconds=0.0, **settings) as session:
            counter.go(session, to)
    finally:
        folder.release()
    return counter


def test_a_run_in_parts_is_the_run_in_one(tmp_path: Path):
    whole = count(tmp_path / "whole", 9)
    for to in (2, 5, 9):
        parts = count(tmp_path / "parts", to)
    assert parts.sum == whole.sum
    assert read_metrics(tmp_path / "parts" / "metrics.jsonl") == read_metrics(tmp_path / "whole" / "metrics.jsonl")
    assert read_record(tmp_path / "parts" / "run.json")["resumes"] == 2


def test_how_it_ends_is_recorded_whichever_way_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    count(tmp_path / "done", 1)
    assert read_record(tmp_path / "done" / "run.json")["status"] == "finished"
    monkeypatch.setattr(Counter, "go", lambda self, session, to: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        count(tmp_path / "failed", 1)
    assert read_record(tmp_path / "failed" / "run.json")["status"] == "failed"
    monkeypatch.setattr(Counter, "go", lambda self, session, to: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        count(tmp_path / "stopped", 1)
    assert read_record(tmp_path / "stopped" / "run.json")["status"] == "interrupted"


@pytest.mark.parametrize(("unit", "place"), [("steps", "step 0"), ("examples", "example 0")])
def test_what_went_wrong_is_told_in_the_unit_of_the_run(tmp_path: Path, unit: str, place: str):
    class Ill(Counter):
        def go(self, session: Session, to: int) -> None:
            self.ill = True
            session.keeper.pause()

    folder = RunFolder(tmp_path)
    folder.prepare(fresh=False)
    with (
        pytest.raises(RunError, match=f"{place.capitalize()}: the count is ill. Nothing was saved; count slower."),
        open_session(folder, ill := Ill(), 3, unit=unit) as session,
    ):
        ill.go(session, 3)
    folder.release()


def test_a_request_to_stop_is_honoured_at_the_next_pause_after_a_checkpoint(tmp_path: Path):
    class Stopped(Counter):
        def go(self, session: Session, to: int) -> None:
            self.step = 2
            session.keeper.interruption._note(15, None)
            session.keeper.pause()

    folder = RunFolder(tmp_path)
    folder.prepare(fresh=False)
    with (
        pytest.raises(RunInterruptedError, match="Interrupted at step 2; the same command goes on from there") as stop,
        open_session(folder, stopped := Stopped(), 3, checkpoint_seconds=1e9) as session,
    ):
        stopped.go(session, 3)
    folder.release()
    assert stop.value.exit_code == 143
    assert folder.checkpoints.latest()[0] == 2


def test_a_checkpoint_of_another_kind_is_refused_and_nothing_is_touched(tmp_path: Path):
    class Other(Counter):
        pass

    count(tmp_path, 3)
    metrics, record = (tmp_path / "metrics.jsonl").read_bytes(), (tmp_path / "run.json").read_bytes()
    with (
        pytest.raises(RunError, match="kind is Counter there and Other here"),
        open_session(RunFolder(tmp_path), Other(), 5),
    ):
        pass
    with (
        pytest.raises(RunError, match=r"does not fit this run \(KeyError: 'count'\)"),
        open_session(RunFolder(spoilt(tmp_path)), Counter(), 5),
    ):
        pass
    assert (tmp_path / "metrics.jsonl").read_bytes() == metrics
    assert (tmp_path / "run.json").read_bytes() == record


def spoilt(path: Path) -> Path:
    checkpoints = RunFolder(path).checkpoints
    step, state = checkpoints.latest()
    checkpoints.save(step, {name: value for name, value in state.items() if name != "count"})
    return path
