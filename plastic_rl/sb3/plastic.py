"""Any Stable-Baselines3 algorithm, with one more keyword."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, cast

from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.optim import Plasticity
from plastic_rl.sb3.attachment import attach
from plastic_rl.sb3.change_detection import detect_changes
from plastic_rl.sb3.description import Described, Description, build, describe
from plastic_rl.sb3.lean import with_lean_loop
from plastic_rl.sb3.recommended import RECOMMENDED, detects_changes, recommended_for, with_announcements
from plastic_rl.sb3.shared_clock import warn_of_wrong_pace
from plastic_rl.sb3.starting import put_start
from plastic_rl.sb3.untold_methods import warn_of_untold_methods

Algorithm = TypeVar("Algorithm", bound=BaseAlgorithm)

Methods = Plasticity | Description | Sequence[Plasticity | Description] | Literal["recommended"]
"""A method, or several, the innermost first; each may be given as plain values."""


def plastic(algorithm: type[Algorithm]) -> type[Algorithm]:
    """The same algorithm with the keyword ``plasticity``: a method that wraps each of its optimisers.

    ::

        model = plastic(PPO)("MlpPolicy", env, plasticity=partial(ContinualBackprop, replacement_rate=1e-4))

    It takes a list of methods, the innermost first, and plain values, as YAML files and sweeps hold them::

        plasticity={"method": "plastic_rl.optim:ContinualBackprop", "settings": {"replacement_rate": 0.0001}}

    ``plasticity="recommended"`` is what we recommend for PPO in a world that changes (`agent=ppo_plastic`); it finds
    changes by itself, and needs no callback.

    Everything else works as in SB3. `save` stores the method's settings as plain values and its state inside the
    optimiser's, so that plain `PPO.load` opens the same file; ``plastic(PPO).load`` goes on with the method,
    ``plastic(PPO).load(path, plasticity=…)`` adds one to a plain model or changes its settings, and ``plasticity=None``
    takes it off. Without ``plasticity`` nothing changes. A plastic algorithm is returned as it is.

    PPO with an MlpPolicy learns in a loop of the library's own, to the same bits in less time; ``lean="quick"`` is
    quicker still and the same to rounding, ``lean="off"`` is SB3's loop (:class:`plastic_rl.choices.Lean`).

    Where a layer's units cannot be replaced the constructor says so and names it; ``ignore=[name, …]`` leaves it alone.

    Args:
        algorithm: an algorithm class of SB3 or sb3-contrib.
    """
    return algorithm if hasattr(algorithm, "is_plastic") else _plastic(algorithm)


@cache
def _plastic(algorithm: type[Algorithm]) -> type[Algorithm]:
    looped = with_lean_loop(algorithm)

    class Plastic(looped):
        is_plastic = True
        plasticity: Methods | Described | None
        detects_changes_for: Described | None = None

        def __init__(
            self, *args: Any, plasticity: Methods | None = None, ignore: Collection[str] = (), **kwargs: Any
        ) -> None:
            self.plasticity = None if plasticity is None else self._described(plasticity)
            self.ignore = list(ignore)
            super().__init__(*args, **kwargs)

        def _setup_model(self) -> None:
            # SB3 calls this from the constructor, and from `load` before it restores parameters; there the attribute
            # is the description that was saved, unless the caller of `load` gave another method.
            method = None if self.plasticity is None else build(self._described(self.plasticity))
            super()._setup_model()
            put_start(self)
            if method is not None:
                attach(self, method, self.ignore)
            if detects_changes(self):
                detect_changes(self)

        def _setup_learn(self, total_timesteps: int, callback: Any = None, *args: Any, **kwargs: Any) -> Any:
            warn_of_wrong_pace(self.env)
            callback = with_announcements(callback) if detects_changes(self) else callback
            steps, callback = super()._setup_learn(total_timesteps, callback, *args, **kwargs)
            warn_of_untold_methods(self, callback)
            return steps, callback

        def _described(self, plasticity: Any) -> Described:
            if plasticity == RECOMMENDED:
                plasticity = self.detects_changes_for = describe(recommended_for(self))
            self.plasticity = described = describe(plasticity)
            return described

    Plastic.__name__ = f"Plastic{algorithm.__name__}"
    # Pickles name a class by its module and this name: in any process it is found there, whatever the algorithm.
    Plastic.__qualname__ = f"made.{algorithm.__module__}.{algorithm.__qualname__}"
    return cast(type[Algorithm], Plastic)


class _Made:
    """The plastic algorithms by the names of the plain ones: ``made.stable_baselines3.ppo.ppo.PPO``.

    Args:
        path: the dotted name up to here.
        found: the module, or class, of that name.
    """

    def __init__(self, path: str = "", found: Any = None) -> None:
        self._path, self._found = path, found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__main__":
            raise AttributeError(name)
        path = f"{self._path}.{name}".strip(".")
        try:
            found: Any = importlib.import_module(path)
        except ImportError:
            found = getattr(self._found, name)
        if isinstance(found, type) and issubclass(found, BaseAlgorithm):
            return plastic(found)
        return _Made(path, found)


made = _Made()


def add_plasticity(model: Any, plasticity: Methods | None) -> None:
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
    put_start(model)  # once more: others may have been drawn
    if plasticity is None:
        return
    if not hasattr(model, "plasticity"):
        raise TypeError(f"{type(model).__name__} does not save a method; make the model with plastic(…)")
    description = describe(plasticity)
    attach(model, build(description), model.ignore)
    model.plasticity = description
