"""Draws that are functions of a seed and of words that say what they are for, so that no generator has to be saved."""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Float
from torch import Generator, Tensor

BITS = 63


def seed_for(seed: int, *purpose: object) -> int:
    """A seed of its own for a purpose: the same in every process, and unrelated for different words.

    Args:
        seed: the seed of the run.
        purpose: words and numbers, as in ``seed_for(3, "order", task, epoch)``.
    """
    words = "/".join(str(word) for word in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") >> (64 - BITS)


def source(seed: int, *purpose: object, device: torch.device | str = "cpu") -> Generator:
    """A fresh generator for a purpose."""
    generator = Generator(device)
    generator.manual_seed(seed_for(seed, *purpose))
    return generator


def signs(shape: tuple[int, ...], draws: Generator) -> Float[Tensor, "..."]:
    """Draws +1 or -1 for each entry, either with the same probability."""
    return torch.randint(2, shape, generator=draws).float() * 2 - 1
