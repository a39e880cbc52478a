"""The pool of processes, with work that takes no time."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from launch.sweeps.local import Pool, usable_cores
from launch.sweeps.work import Ending


@dataclass(frozen=True)
class Place:
    """What the pool asks of a run's folder."""

    path: Path

    @property
    def console_file(self):
        return self.path / "console.txt"

    standing_file = console_file


@dataclass(frozen=True)
class Errand:
    """A job whose words say what becomes of its process."""

    name: str
    words: tuple
    path: Path

    @property
    def folders(self):
        return [Place(self.path)]


def work(order, answer):
    """Do as the words say: be killed so many times, fail, wait to be stopped, or be done."""
    word, times = order.words
    order.console.parent.mkdir(exist_ok=True)
    with order.console.open("a") as console:
        console.write(f"{os.environ['OMP_NUM_THREADS']}\n")
    if word == "killed" and len(order.console.read_text().splitlines()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "waits":
        (order.console.parent / "waits").touch()
        signal.pause()
    answer.send(Ending(1, "it says why") if word == "fails" else Ending(0))


@pytest.fixture
def pool():
    pool = Pool(2, work=work, warm=("launch.sweeps.work",))
    yield pool
    pool.close()
    assert pool.on == []


@pytest.fixture
def errand(tmp_path):
    return lambda word, times=0: Errand(f"{word} {times}", (word, times), tmp_path / f"{word}{times}")


def ends(pool, jobs):
    """Have a pool do jobs; return how each ended, and what else it said."""
    waiting, endings, news = list(jobs), {}, []
    while waiting or pool.on:
        begun, waiting = waiting[: pool.room], waiting[pool.room :]
        pool.begin(begun)
        assert len(pool.on) <= 2
        endings |= {job.name: ending for job, ending in pool.ended(5.0)}
        news += pool.news()
    return endings, news


def test_what_is_killed_is_tried_again_once_what_fails_is_not_and_the_others_go_on(pool, errand):
    jobs = [errand("killed", 1), errand("fails"), errand("killed", 2), errand("done")]
    endings, news = ends(pool, jobs)
    assert endings["killed 1"] == endings["done 0"] == Ending(0)
    assert endings["fails 0"] == Ending(1, "it says why")
    assert endings["killed 2"].exit_code == 1
    assert "was killed by SIGKILL, as the one before" in endings["killed 2"].told
    assert [text.partition(":")[0] for text in sorted(news)] == ["killed 1", "killed 2"]
    tries = [len((job.path / "console.txt").read_text().splitlines()) for job in jobs]
    assert tries == [2, 1, 2, 1]
    assert (jobs[3].path / "console.txt").read_text() == "1\n"
    assert "PYTHONSAFEPATH" not in os.environ


def test_what_is_asked_to_stop_is_not_tried_again(pool, errand):
    job = errand("waits")
    pool.begin([job])
    while not (job.path / "waits").exists():
        time.sleep(0.01)
    pool.stop(signal.SIGTERM)
    ((ended, ending),) = pool.ended(5.0)
    assert ended is job
    assert ending.exit_code == 128 + signal.SIGTERM
    assert ending.is_stopped
    assert list(pool.news()) == []


def test_there_are_as_many_places_as_cores_that_may_be_used():
    assert usable_cores() == len(os.sched_getaffinity(0))
