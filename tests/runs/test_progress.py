"""Progress: plain lines where nobody watches, a bar where somebody does."""

from __future__ import annotations

import io
import re
import sys

import pytest

from plastic_rl.runs import JointProgress, Progress
from plastic_rl.runs.display import Standing


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("plastic_rl.runs.progress.time.monotonic", lambda: now[0])
    return now


def listen(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> io.StringIO:
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_plain_lines_by_hand(clock: list[float], capsys: pytest.CaptureFixture[str]):
    with Progress(200_000, start=50_000) as progress:
        for _ in range(25):  # one second and 1,000 steps each
            clock[0] += 1
            progress.update(50_000 + int(clock[0]) * 1000, task="friction 0.31", recent_return=812.44)
    assert capsys.readouterr().err.splitlines() == [
        " 30%, 60,000/200,000 steps, 1,000 steps/s, 0:02:20 left, friction 0.31, return 812.4",
        " 35%, 70,000/200,000 steps, 1,000 steps/s, 0:02:10 left, friction 0.31, return 812.4",
        " 37%, 75,000/200,000 steps, 1,000 steps/s, 0:02:05 left, friction 0.31, return 812.4",
    ]


def test_a_run_that_ends_on_a_line_says_it_once(clock: list[float], capsys: pytest.CaptureFixture[str]):
    with Progress(100) as progress:
        clock[0] += 10
        progress.update(100)
    assert capsys.readouterr().err == "100%, 100/100 steps, 10 steps/s, 0:00:00 left\n"


def test_what_is_not_said_again_stays(clock: list[float], capsys: pytest.CaptureFixture[str]):
    with Progress(100) as progress:
        progress.update(10, task="task 1", recent_return=3.0)
        progress.update(20)
    assert capsys.readouterr().err.endswith("task 1, return 3.0\n")


def test_99_and_a_half_percent_is_not_100(clock: list[float], capsys: pytest.CaptureFixture[str]):
    with Progress(1000) as progress:
        progress.update(995)
    assert capsys.readouterr().err.startswith(" 99%")


def test_a_terminal_gets_a_bar(clock: list[float], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    stream = listen(monkeypatch, Terminal())
    with Progress(200) as progress:
        clock[0] += 10
        progress.update(100, task="friction [0.3]", recent_return=7.0)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    assert re.search(r" 50% .*100/200 steps, 10 steps/s, 0:00:10 left, friction \[0\.3\], return 7\.0", shown)
    assert stream.getvalue().endswith("\x1b[?25h"), "the cursor is shown again"


def test_beyond_the_end_it_shows_the_end(clock: list[float], capsys: pytest.CaptureFixture[str]):
    with Progress(6000, start=2000) as progress:
        clock[0] += 10
        progress.update(6144)
    assert capsys.readouterr().err == "100%, 6,000/6,000 steps, 400 steps/s, 0:00:00 left\n"
    ahead = Standing(total=6000, step=6144, steps_per_second=0.02)  # two hours, it would seem
    assert (ahead.percent, ahead.left) == (100, "0:00:00")


STREAM = "task 3, the last with online/accuracy 0.849, test/accuracy 0.986, test/average 0.940"


@pytest.mark.parametrize("columns", [40, 80, 99, 100, 130, 200])
def test_a_bar_of_any_width_shows_percent_and_time(clock: list[float], monkeypatch: pytest.MonkeyPatch, columns: int):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = listen(monkeypatch, Terminal())
    with Progress(1_000_000, unit="examples") as progress:
        clock[0] += 10
        progress.update(500_000, task=STREAM)
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()).replace("\r", "\n").splitlines()
    shown = next(line for line in reversed(lines) if "50%" in line)
    assert len(shown) <= columns
    assert re.match(r" 50% ", shown)
    assert "0:00:10 left, task 3, the l" in shown
    assert (STREAM in shown) == (columns >= 130)
    assert ("500,000/1,000,000 examples, 50,000 examples/s" in shown) == (columns >= 200)


def test_what_does_not_fit_goes_in_order_by_hand():
    snapshot = Standing(total=100, step=50, steps_per_second=10.0, task="task 3", recent_return=1.0)
    assert snapshot.fitted(60) == "50/100 steps, 10 steps/s, 0:00:05 left, task 3, return 1.0"
    assert snapshot.fitted(57) == "0:00:05 left, task 3, return 1.0"
    assert snapshot.fitted(20) == "0:00:05 left, task …"


@pytest.mark.parametrize("terminal", [True, False])
def test_no_control_characters_without_a_terminal(terminal: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    stream = listen(monkeypatch, Terminal() if terminal else io.StringIO())
    with Progress(100) as progress:
        progress.update(50, task="task 2", recent_return=1.0)
    assert stream.getvalue()
    assert re.fullmatch(r"[ -~\n]*", stream.getvalue())


def test_a_reader_that_went_away_does_not_end_the_run(clock: list[float], monkeypatch: pytest.MonkeyPatch):
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    listen(monkeypatch, Broken())
    with Progress(100) as progress:
        clock[0] += 10
        progress.update(100)


def test_without_standard_error_nothing_is_shown(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "stderr", None)
    with Progress(100) as progress:
        clock[0] += 10
        progress.update(50)
    assert capsys.readouterr().out == ""


def test_many_updates_are_cheap_and_few_are_shown(clock: list[float], capsys: pytest.CaptureFixture[str]):
    with Progress(100_000) as progress:
        for step in range(100_000):
            clock[0] += 0.0005
            progress.update(step)
    assert len(capsys.readouterr().err.splitlines()) == 5  # 49.9995 s: at 10, 20, 30, 40 s and at the end


def test_several_runs_are_shown_as_one_by_hand(clock: list[float], capsys: pytest.CaptureFixture[str]):
    with JointProgress(200) as progress:
        with progress.share(100, 0, "steps") as first, progress.share(100, 50, "steps") as second:
            clock[0] += 10
            first.update(10, task="task 1", recent_return=3.0)
            clock[0] += 10
            second.update(70, recent_return=5.0)
            assert (first.total, second.step) == (100, 70)
        assert capsys.readouterr().err.splitlines() == [
            " 30%, 60/200 steps, 1 steps/s, 0:02:20 left, task 1, return 3.0",
            " 40%, 80/200 steps, 2 steps/s, 0:01:20 left, task 1, return 4.0",
        ]
        second.update(1000)
    assert "110/200" in capsys.readouterr().err
