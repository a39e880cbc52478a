"""The methods that are compared, and the values of their settings that are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.optim.step_sizes import IDBD, K1, Autostep

Make = Callable[[Iterable[Tensor]], Optimizer]


@dataclass(frozen=True)
class Method:
    """A method, and the values of the one setting that is chosen for it.

    Args:
        make: makes the optimiser, given the setting.
        setting: its name.
        values: those that are tried.
    """

    make: Callable[..., Optimizer]
    setting: str
    values: tuple[float, ...]

    def at(self, value: float, **more: float) -> Callable[[Iterable[Tensor]], Optimizer]:
        """The method with its setting."""
        return partial(self.make, **{self.setting: value, **more})


METHODS: dict[str, Method] = {
    "LMS": Method(partial(IDBD, meta_step=0.0), "lr", (3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.03, 0.05)),
    "RMSprop": Method(torch.optim.RMSprop, "lr", (1e-3, 3e-3, 0.01, 0.03, 0.1)),
    "Adam": Method(torch.optim.Adam, "lr", (1e-3, 3e-3, 0.01, 0.03, 0.1)),
    "IDBD": Method(IDBD, "meta_step", (1e-3, 3e-3, 0.01, 0.015, 0.02)),
    "IDBD, normalised": Method(partial(IDBD, normalized=True), "meta_step", (0.03, 0.1, 0.3)),
    "Autostep, as published": Method(partial(Autostep, keeps_bound=True), "meta_step", (3e-3, 0.01, 0.03)),
    "Autostep": Method(Autostep, "meta_step", (0.01, 0.03, 0.1)),
    "K1": Method(partial(K1, normalized=False), "meta_step", (1e-3, 3e-3, 0.01, 0.03)),
    "N-K1": Method(K1, "meta_step", (0.1,)),
}
FIXED = "N-K1"
FIRST_STEPS = (5e-4, 5e-3, 0.05, 0.5)
SETTINGS_OF_FIRST_STEPS = {"LMS": 0.0, "IDBD": 0.01, "Autostep": 0.03, "N-K1": 0.1}
"""Meta steps at which the first step size is varied; of LMS there is none, and the first is the only one."""
