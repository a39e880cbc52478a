"""What every test stands on."""

import random
import signal
import warnings
from contextlib import suppress
from itertools import count

import numpy as np
import pytest
import torch
from gymnasium.utils import seeding

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
