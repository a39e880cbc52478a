"""Seeds for a moment, in a stretch that puts the generators back as they were."""

from __future__ import annotations

import torch


def seed_for_now(seed: int) -> None:
    """Seeds torch's generators that are in use.

    `torch.manual_seed` also notes the seed for accelerators that nothing uses yet: that takes a millisecond, outlasts
    `torch.random.fork_rng`, and would be their seed when they are first used.
    """
    if torch.cuda.is_initialized() or torch.backends.mps.is_available():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)
