"""Normalise and project: weights that keep their initial size, so that a learning rate means the same for ever.

Lyle, Zheng, Khetarpal, Martens, van Hasselt, Pascanu, Dabney, "Normalization and effective learning rates in
reinforcement learning", NeurIPS 2024 (arXiv 2407.01800).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, norm_scales, norms
from plastic_rl.optim.occasional import idle
from plastic_rl.optim.weight_method import WeightMethod
from plastic_rl.validation import whole_number


def project_(weights: list[Tensor], radii: Float[Tensor, " n"]) -> None:
    """W ← ρ W / ‖W‖_F for each weight and its radius ρ; those of size or radius zero stay as they are."""
    sizes = torch.stack(torch._foreach_norm(weights))  # pyright: ignore[reportPrivateImportUsage]
    factors = torch.where((sizes > 0) & (radii > 0), radii / sizes, 1.0)
    for weight, factor in zip(weights, factors.unbind(), strict=True):
        weight.mul_(factor)


def project_jointly_(parts: list[Tensor]) -> None:
    """(γ, β) ← √n (γ, β) / ‖(γ, β)‖ for the n gains of a norm and its offsets, which is their size at the beginning."""
    size = torch.stack(torch._foreach_norm(parts)).norm()  # pyright: ignore[reportPrivateImportUsage]
    factor = torch.where(size > 0, parts[0].numel() ** 0.5 / size, 1.0)
    for part in parts:
        part.mul_(factor)


class NormalizeAndProject(WeightMethod):
    """After each step, W ← ‖W_0‖ W / ‖W‖ for every weight, and gains and offsets of norms jointly to √n (NaP).

    The projection is half of the method: the other half is a normalisation layer before each non-linearity, so that the
    size of weights changes nothing but how far a step goes. Biases are left alone; layers before a norm need none.

    Args:
        optimizer: what moves the parameters.
        layers: say which parameters are whose; without them norms are left alone.
        every: updates between two projections; 0 for none.

    Raises:
        ValueError: the interval is not a whole number of 0 or more.
    """

    def __init__(self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, every: int = 1) -> None:
        self.every = whole_number("every", every)
        super().__init__(optimizer, layers)

    @torch.no_grad()
    def find(self, layers: Sequence[HiddenLayer]) -> None:
        known = self.known("radii")
        super().find(layers)
        self.scales, self.is_normalized = norm_scales(self.trained, layers), bool(norms(layers))
        radii = [known.get(id(each.weight), each.weight.norm()) for each in self.maps]
        self.memory = {"step": self.memory.get("step", 0), "radii": radii}

    def after_step(self) -> None:
        self.memory["step"] += 1
        if not self.every or self.memory["step"] % self.every:
            return
        live = [place for place, each in enumerate(self.maps) if each.weight.requires_grad]
        if live:
            radii = torch.stack([self.memory["radii"][place] for place in live])
            project_([self.maps[place].weight for place in live], radii)
        for scale in self.scales:
            if len(scale.parameters) == (1 if scale.offset is None else 2):
                project_jointly_(scale.parameters)

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        yield from idle(self, self.every, updates)
        if not self.is_normalized:
            yield (
                "No normalisation layer was found: projecting weights then changes what the network computes. Put one "
                "before each non-linearity (agent=ppo+nap+layer_norm)."
            )

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory["step"] = int(memory["step"])
        for radius, saved in zip(self.memory["radii"], memory["radii"], strict=True):
            radius.copy_(saved)
