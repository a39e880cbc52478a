"""Every global random generator at once: seeded, saved and restored."""

from __future__ import annotations

import logging
import random
from typing import Any

from plastic_rl.errors import UserError

logger = logging.getLogger(__name__)

SEEDS = 2**32


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch (the CPU's and those of all CUDA devices).

    Args:
        seed: From 0 to 2**32 - 1, which is what numpy takes.

    Raises:
        UserError: The seed is outside that range.
    """
    import numpy as np
    import torch

    if not 0 <= seed < SEEDS:
        raise UserError(f"seed must be from 0 to {SEEDS - 1}, got {seed}.")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries still draw from the global generator
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """The state of every global generator, in tensors, numbers, strings, lists and dicts only."""
    import torch

    return {
        "python": _python_state(),
        "numpy": _numpy_state(),
        "torch": torch.get_rng_state(),
        # A device that was never used has drawn nothing, and asking it would create its context.
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Put every global generator back to where `random_state` found it.

    Args:
        state: From `random_state`, possibly in another process. States of CUDA devices that are not here are left out
            with a warning.
    """
    import numpy as np
    import torch

    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    key, position, has_gauss, cached = state["numpy"]
    np.random.set_state(("MT19937", key.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    _restore_cuda(state["cuda"])


def _python_state() -> list[Any]:
    version, words, gauss = random.getstate()
    return [version, list(words), gauss]


def _numpy_state() -> list[Any]:
    import numpy as np
    import torch

    _, key, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002
    return [torch.from_numpy(np.asarray(key).astype(np.int64)), int(position), int(has_gauss), float(cached)]


def _restore_cuda(states: list[Any]) -> None:
    import torch

    here = torch.cuda.device_count()
    if len(states) > here:
        logger.warning("The checkpoint knows %d CUDA devices, here are %d: the run is not exact.", len(states), here)
    for device, state in enumerate(states[:here]):
        torch.cuda.set_rng_state(state, device)
