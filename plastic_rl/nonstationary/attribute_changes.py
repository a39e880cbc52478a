"""Changes of environments whose physics are attributes: classic control and LunarLander."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import gymnasium
import numpy as np

from plastic_rl.nonstationary.changes import Change, Parameters
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.values import Values, ValuesLike, values_of


class AttributeChange(Change):
    """A change that sets attributes of ``env.unwrapped`` to drawn values.

    Its fields are called as they are announced; those that are None keep the environment's own value.
    """

    attributes: ClassVar[Mapping[str, str]] = {}
    """The environment's names of the fields, where they are not the same."""

    def __post_init__(self) -> None:
        self._values: dict[str, Values] = {
            field.name: values_of(given)
            for field in fields(self)  # pyright: ignore[reportArgumentType]
            if (given := getattr(self, field.name)) is not None
        }
        self.touches = tuple(map(self._attribute, self._values))  # pyright: ignore[reportAttributeAccessIssue]

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        if missing := [name for name in map(self._attribute, self._values) if not hasattr(env.unwrapped, name)]:
            raise ValueError(f"{type(self).__name__} needs an environment with {missing}, got {env.unwrapped}")
        if not self._values:
            raise ValueError(f"{type(self).__name__} changes nothing: give values for at least one of its parameters")
        self._defaults = self._written = {
            name: deepcopy(getattr(env.unwrapped, self._attribute(name))) for name in self._values
        }

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {name: values.value(index, draws.of(part)) for part, (name, values) in enumerate(self._values.items())}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._written = {name: parameters[name] for name in self._values}
        for name, value in self._written.items():
            setattr(env.unwrapped, self._attribute(name), deepcopy(value))
        self.recompute(env.unwrapped)

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self.apply(env, self._defaults)

    def is_in_force(self, env: gymnasium.Env[Any, Any]) -> bool:
        return all(
            np.array_equal(getattr(env.unwrapped, self._attribute(name)), written)
            for name, written in self._written.items()
        )

    def state_dict(self) -> dict[str, Any]:
        return {"defaults": deepcopy(self._defaults)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._defaults = deepcopy(state.get("defaults", self._defaults))  # older checkpoints have none

    def recompute(self, env: Any) -> None:
        """Computes anew what the environment derived from the attributes when it was made."""

    def _attribute(self, name: str) -> str:
        return self.attributes.get(name, name)


@dataclass
class CartPolePhysics(AttributeChange):
    """CartPole's pole, cart and motor; masses in kg, ``length`` is half the pole's in metres, ``force`` in newtons."""

    attributes: ClassVar[Mapping[str, str]] = {"pole_mass": "masspole", "cart_mass": "masscart", "force": "force_mag"}

    length: ValuesLike | None = None
    pole_mass: ValuesLike | None = None
    cart_mass: ValuesLike | None = None
    gravity: ValuesLike | None = None
    force: ValuesLike | None = None

    def recompute(self, env: Any) -> None:
        env.total_mass = env.masspole + env.masscart
        env.polemass_length = env.masspole * env.length


@dataclass
class PendulumPhysics(AttributeChange):
    """Pendulum's gravity (m/s²), mass (kg) and length (m)."""

    attributes: ClassVar[Mapping[str, str]] = {"gravity": "g", "mass": "m", "length": "l"}

    gravity: ValuesLike | None = None
    mass: ValuesLike | None = None
    length: ValuesLike | None = None


@dataclass
class AcrobotPhysics(AttributeChange):
    """Acrobot's two links: lengths (m) and masses (kg)."""

    attributes: ClassVar[Mapping[str, str]] = {
        "first_length": "LINK_LENGTH_1",
        "second_length": "LINK_LENGTH_2",
        "first_mass": "LINK_MASS_1",
        "second_mass": "LINK_MASS_2",
    }

    first_length: ValuesLike | None = None
    second_length: ValuesLike | None = None
    first_mass: ValuesLike | None = None
    second_mass: ValuesLike | None = None


@dataclass
class MountainCarPhysics(AttributeChange):
    """MountainCar's gravity and engine, in the environment's own units (defaults 0.0025 and 0.001)."""

    gravity: ValuesLike | None = None
    force: ValuesLike | None = None


@dataclass
class LunarLanderPhysics(AttributeChange):
    """LunarLander's gravity (between -12 and 0) and, where made with ``enable_wind=True``, its wind and turbulence."""

    gravity: ValuesLike | None = None
    wind_power: ValuesLike | None = None
    turbulence_power: ValuesLike | None = None

    def recompute(self, env: Any) -> None:
        # The world copied gravity when it was made, and is made anew only at a reset.
        env.world.gravity = (0, env.gravity)
