"""Runs that are killed, told to stop, or lose their terminal, at random moments."""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.commands import STREAM, WORLD, are_equal, finish, folder_of, start, stopped, what_is_left

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
KINDS = {"world": WORLD, "stream": STREAM}
RUNS = 5


@pytest.fixture(scope="module", params=KINDS)
def whole(request, tmp_path_factory):
    """A kind of run: its words, how many seconds it takes, and what it leaves where nothing happens to it."""
    out, began = tmp_path_factory.mktemp("whole"), time.monotonic()
    code, error = finish(out, KINDS[request.param])
    assert code == 0, error
    return request.param, KINDS[request.param], time.monotonic() - began, what_is_left(out)


def test_kills_at_random_moments(whole, tmp_path: Path, counted):
    kind, words, seconds, expected = whole
    draw, kills, resumed = random.Random(1), 0, 0
    for index in range(RUNS):
        out = tmp_path / str(index)
        kills += sum(stopped(out, words, signal.SIGKILL, draw, seconds) != 0 for _ in range(2))
        resumed += any(out.glob("*/*/*/checkpoints/step-*.pt"))
        code, error = finish(out, words)
        assert code == 0, error
        assert are_equal(what_is_left(out), expected)
    assert resumed
    counted(f"SIGKILL, {kind}", runs=RUNS, kills=kills, resumed=resumed, equal=f"bit for bit, {RUNS} of {RUNS}")


def test_requests_to_stop_at_random_moments(whole, tmp_path: Path, counted):
    kind, words, seconds, expected = whole
    draw, codes = random.Random(2), []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 2:
        codes.append(stopped(tmp_path, words, number, draw, seconds))
        # Before training there is nothing to save: Ctrl-C says so, and the others end the process as they always do.
        assert codes[-1] in (0, 128 + number, -number), codes
    code, error = finish(tmp_path, words)
    assert code == 0, error
    assert are_equal(what_is_left(tmp_path), expected)
    counted(f"SIGINT, SIGTERM, SIGHUP, {kind}", signals=len(codes), equal="bit for bit")


@pytest.mark.parametrize("is_ignored", [False, True], ids=["hang-up", "nohup"])
def test_a_terminal_that_is_closed(tmp_path: Path, counted, is_ignored: bool):
    """The process is the leader of a terminal's session, as a shell's foreground job over a lost connection is."""
    master, slave = pty.openpty()
    hang_up = signal.SIG_IGN if is_ignored else signal.SIG_DFL

    def lead() -> None:
        signal.signal(signal.SIGHUP, hang_up)
        os.login_tty(slave) if hasattr(os, "login_tty") else _login(slave)

    words = (*WORLD[:3], "total_steps=60_000", *WORLD[4:])
    process = start(tmp_path, words, preexec_fn=lead, stdin=slave, stdout=slave, stderr=slave, text=False)
    os.close(slave)
    _drain_until_it_trains(tmp_path, master, process)
    os.close(master)
    code = process.wait(120)
    assert code == (0 if is_ignored else 128 + signal.SIGHUP)
    assert folder_of(tmp_path).status == ("finished" if is_ignored else "interrupted")
    assert folder_of(tmp_path).checkpoints.latest() is not None
    counted("terminal closed", nohup=is_ignored, exit_code=code)


def _login(slave: int) -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def _drain_until_it_trains(out: Path, master: int, process: subprocess.Popen) -> None:
    os.set_blocking(master, False)
    deadline = time.monotonic() + 60
    while not [path for path in out.glob("*/*/*/checkpoints/step-*.pt") if "step-000000000000" not in path.name]:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            os.read(master, 4096)
        except BlockingIOError:
            time.sleep(0.01)


def test_ctrl_c_while_the_program_is_imported(tmp_path: Path, counted):
    codes = []
    for milliseconds in range(60, 1200, 120):
        process = start(tmp_path / str(milliseconds), WORLD)
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
        codes.append(process.returncode)
        assert "Traceback" not in error or milliseconds < 120, error  # Python itself takes that long to be there
        assert process.returncode in (130, -signal.SIGINT)
    counted("Ctrl-C during imports", moments=len(codes), exit_codes=sorted(set(codes)))
