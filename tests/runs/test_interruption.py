"""Signals become a request, and the second Ctrl-C is an order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from plastic_rl.runs import Interruption

STUBBORN = """
import sys, time
from plastic_rl.runs import Interruption
with Interruption() as interruption:
    print("ready", flush=True)
    while not interruption.requested:
        time.sleep(0.01)
    print("saving", flush=True)
    if "slow" in sys.argv:
        time.sleep(60)
sys.exit(interruption.exit_code)
"""


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_a_request(number: signal.Signals, code: int):
    before = signal.getsignal(number)
    with Interruption() as interruption:
        assert (interruption.requested, interruption.exit_code) == (False, 0)
        send(number)
        assert (interruption.requested, interruption.exit_code) == (True, code)
        assert interruption.signal == number
    assert signal.getsignal(number) is before


def test_the_end_of_a_batch_jobs_time_is_a_request_where_something_listens_for_it():
    heard: list[int] = []
    with Interruption():
        assert signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL
    signal.signal(signal.SIGUSR2, lambda number, frame: heard.append(number))
    try:
        with Interruption() as interruption:
            send(signal.SIGUSR2)
            assert (interruption.signal, heard) == (signal.SIGUSR2, [])
        send(signal.SIGUSR2)
        assert heard == [signal.SIGUSR2]
    finally:
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_is_to_be_ignored_stays_so(number: signal.Signals):
    before = signal.signal(number, signal.SIG_IGN)  # as nohup does with SIGHUP
    try:
        with Interruption() as interruption:
            send(number)
            assert not interruption.requested
    finally:
        signal.signal(number, before)


def test_without_standard_error_no_notice_is_written_into_the_file_that_has_its_number(monkeypatch: pytest.MonkeyPatch):
    written: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda descriptor, notice: written.append(notice))
    monkeypatch.setattr(sys, "stderr", None)
    with Interruption() as interruption:
        send(signal.SIGTERM)
    assert interruption.requested
    assert written == []


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_after_a_request_stops_at_once(first: signal.Signals):
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        send(first)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_sigterm_changes_nothing():
    with Interruption() as interruption:
        send(signal.SIGTERM)
        send(signal.SIGTERM)
    assert interruption.exit_code == 143


def test_in_another_thread_it_does_nothing():
    before = signal.getsignal(signal.SIGINT)
    found = []

    def inside() -> None:
        with Interruption() as interruption:
            found.append((signal.getsignal(signal.SIGINT) is before, interruption.requested))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [(True, False)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_saves_and_exits(number: signal.Signals, code: int):
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(number)
        output, notice = process.communicate(timeout=10)
    assert process.returncode == code
    assert output == b"saving\n"
    assert b"Stopping at the next safe point" in notice


def test_a_process_that_is_slow_to_save_obeys_the_second_ctrl_c():
    command = [sys.executable, "-c", STUBBORN, "slow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"saving\n"
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=10)
    assert b"KeyboardInterrupt" in messages
    assert process.returncode in (130, -signal.SIGINT)
