"""What every test stands on."""

import functools
import os
import random
import signal
import warnings
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.utils import seeding

import tests.type_checks  # noqa: F401 -- before anything of the library is imported

ROOT = Path(__file__).resolve().parents[1]

# Box2D's bindings warn while they are imported, and crash the interpreter where warnings are errors: import them now.
with warnings.catch_warnings(), suppress(ImportError):
    warnings.simplefilter("ignore")
    import Box2D  # noqa: F401


@pytest.fixture(autouse=True, scope="session")
def _one_thread_for_each_worker():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _signals_are_heard():
    """A run in the background, or under nohup, would hand on to its children that they are to be ignored."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True, scope="session")
def _nobody_waits_for_the_disk_or_asks_git_again():
    """A process that is killed loses nothing of what it has handed to the system, and the checkout stays as it is."""
    from plastic_rl.runs import provenance

    ask = provenance._git
    known = functools.cache(ask)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(provenance, "_git", lambda folder, *words: (known if folder == ROOT else ask)(folder, *words))
        yield


@pytest.fixture
def rough_pictures(monkeypatch):
    """Draw pictures coarsely, where what matters is that there is one."""
    from matplotlib.figure import Figure

    draw = Figure.savefig
    monkeypatch.setattr(Figure, "get_layout_engine", lambda self: None)
    monkeypatch.setattr(Figure, "savefig", lambda self, file, **settings: draw(self, file, **{**settings, "dpi": 20}))


@pytest.fixture(autouse=True)
def _the_same_draws_in_any_order():
    """Every test draws the same, whatever ran before it; unseeded spaces and environments included."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 -- what Stable-Baselines3 and its worlds draw from
    torch.manual_seed(0)
    torch.distributions.Distribution.set_default_validate_args(True)  # torch.compile switches it off for good
    seeds, np_random = count(), seeding.np_random
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeding, "np_random", lambda seed=None: np_random(next(seeds) if seed is None else seed))
        yield
