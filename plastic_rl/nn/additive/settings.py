"""The hyper-parameters of additive parameter decomposition, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plastic_rl.choices import Centre, Form
from plastic_rl.validation import whole_number


@dataclass(frozen=True)
class DecompositionSettings:
    """The hyper-parameters of a decomposition; documented at :class:`plastic_rl.nn.AdditiveDecomposition`.

    Raises:
        ValueError: for one out of its range.
    """

    sparsity: float
    drift: float
    form: Form
    tolerance: float
    initial_mask: float
    groups: int
    every: int
    spread: float
    centre: Centre
    reference: bool
    weight_decay: float
    seed: int

    def __post_init__(self) -> None:
        for name in ("sparsity", "tolerance", "spread", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more and finite, got {getattr(self, name)}")
        if not self.drift >= 0:
            raise ValueError(f"drift must be 0 or more (infinite freezes what is shared), got {self.drift}")
        if not 0 < self.initial_mask <= 1:
            raise ValueError(f"initial_mask must be above 0 and at most 1, got {self.initial_mask}")
        whole_number("groups", self.groups)
        if not whole_number("every", self.every):
            raise ValueError(f"every must be 1 or more, got {self.every}")
        if self.reference and (self.form is Form.fixed or math.isinf(self.drift)):
            raise ValueError("the released code has no fixed form and no infinite drift: use reference=False")
