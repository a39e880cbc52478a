"""Any Stable-Baselines3 algorithm, with one more keyword."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast

from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.sb3.attachment import Plasticity, attach
from plastic_rl.sb3.description import build, describe

Algorithm = TypeVar("Algorithm", bound=BaseAlgorithm)


@cache
def plastic(algorithm: type[Algorithm]) -> type[Algorithm]:
    """The same algorithm with the keyword ``plasticity``: a method that wraps each of its optimisers.

    ::

        model = plastic(PPO)("MlpPolicy", env, plasticity=partial(ContinualBackprop, replacement_rate=1e-4))

    Everything else works as in SB3. `save` stores the method's settings as plain values and its state inside the
    optimiser's, so that plain `PPO.load` opens the same file; ``plastic(PPO).load`` goes on with the method, and
    ``plastic(PPO).load(path, plasticity=…)`` adds one to a plain model. Without ``plasticity`` nothing changes.

    Args:
        algorithm: an algorithm class of SB3 or sb3-contrib.
    """

    class Plastic(algorithm):
        def __init__(self, *args: Any, plasticity: Plasticity | None = None, **kwargs: Any) -> None:
            self.plasticity = plasticity
            self.plasticity_description: dict[str, Any] | None = None
            super().__init__(*args, **kwargs)

        def _setup_model(self) -> None:
            # SB3 calls this from the constructor, and from `load` before it restores parameters.
            super()._setup_model()
            if self.plasticity is None and self.plasticity_description is not None:
                self.plasticity = build(self.plasticity_description)
            if self.plasticity is not None:
                self.plasticity_description = describe(self.plasticity)
                attach(self.policy, self.plasticity)

        def _excluded_save_params(self) -> list[str]:
            return [*super()._excluded_save_params(), "plasticity"]

    Plastic.__name__ = Plastic.__qualname__ = f"Plastic{algorithm.__name__}"
    return cast(type[Algorithm], Plastic)
