"""Any Stable-Baselines3 algorithm, with one more keyword."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, TypeVar, cast

from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.optim import Plasticity
from plastic_rl.sb3.attachment import attach
from plastic_rl.sb3.description import build, describe

Algorithm = TypeVar("Algorithm", bound=BaseAlgorithm)


@cache
def plastic(algorithm: type[Algorithm]) -> type[Algorithm]:
    """The same algorithm with the keyword ``plasticity``: a method that wraps each of its optimisers.

    ::

        model = plastic(PPO)("MlpPolicy", env, plasticity=partial(ContinualBackprop, replacement_rate=1e-4))

    Everything else works as in SB3. `save` stores the method's settings as plain values and its state inside the
    optimiser's, so that plain `PPO.load` opens the same file; ``plastic(PPO).load`` goes on with the method,
    ``plastic(PPO).load(path, plasticity=…)`` adds one to a plain model or changes its settings, and ``plasticity=None``
    takes it off. Without ``plasticity`` nothing changes.

    Where a layer's units cannot be replaced the constructor says so and names it; ``ignore=[name, …]`` leaves it alone.

    Args:
        algorithm: an algorithm class of SB3 or sb3-contrib.
    """

    class Plastic(algorithm):
        plasticity: Plasticity | dict[str, Any] | None

        def __init__(
            self, *args: Any, plasticity: Plasticity | None = None, ignore: Collection[str] = (), **kwargs: Any
        ) -> None:
            self.plasticity, self.ignore = plasticity, list(ignore)
            super().__init__(*args, **kwargs)

        def _setup_model(self) -> None:
            # SB3 calls this from the constructor, and from `load` before it restores parameters; there the attribute
            # is the description that was saved, unless the caller of `load` gave another method.
            if not isinstance(self.plasticity, dict | None):
                self.plasticity = describe(self.plasticity)
            method = None if self.plasticity is None else build(self.plasticity)
            super()._setup_model()
            if method is not None:
                attach(self, method, self.ignore)

    Plastic.__name__ = Plastic.__qualname__ = f"Plastic{algorithm.__name__}"
    return cast(type[Algorithm], Plastic)


def add_plasticity(model: Any, plasticity: Plasticity | None) -> None:
    """Gives a method to a model that was made without one, for methods that look at the weights they find.

    ``plastic(Algorithm)(…, plasticity=…)`` wraps the weights that Stable-Baselines3 draws; whoever draws others makes
    the model without a method, draws, and then adds it.

    Args:
        model: made by :func:`plastic`, so that it saves the method too.
        plasticity: the method; None for none.

    Raises:
        TypeError: the model would not save the method.
        ValueError: as the constructor's.
    """
    if plasticity is None:
        return
    if not hasattr(model, "plasticity"):
        raise TypeError(f"{type(model).__name__} does not save a method; make the model with plastic(…)")
    description = describe(plasticity)
    attach(model, build(description), model.ignore)
    model.plasticity = description
