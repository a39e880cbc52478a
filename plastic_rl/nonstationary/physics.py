"""Changes of a MuJoCo model's world and bodies, always from the defaults that the model came with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from typing import Any, ClassVar

import gymnasium
import numpy as np

from plastic_rl.nonstationary.changes import Change, Parameters
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.values import LogUniform, Values


class PhysicsChange(Change):
    """A change that writes fields of ``env.unwrapped.model`` and remembers what they were."""

    recomputes: ClassVar[bool] = False
    """Whether other fields are derived from the ones it writes, and MuJoCo must compute them anew."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        model = getattr(env.unwrapped, "model", None)
        if model is None:
            raise ValueError(f"{type(self).__name__} needs a MuJoCo environment, got {env.unwrapped}")
        self._defaults = self._written = _copies(model, self.touches)
        self._derived = _copies(model, _derived_names(model)) if self.recomputes else {}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        model: Any = env.unwrapped.model  # pyright: ignore[reportAttributeAccessIssue]
        self._restore(model, self._defaults)
        self.write(model, parameters)
        self._written = _copies(model, self.touches)
        if self.recomputes:
            _recompute(model)

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        model: Any = env.unwrapped.model  # pyright: ignore[reportAttributeAccessIssue]
        self._restore(model, self._defaults | self._derived)
        self._written = self._defaults

    def is_in_force(self, env: gymnasium.Env[Any, Any]) -> bool:
        model: Any = env.unwrapped.model  # pyright: ignore[reportAttributeAccessIssue]
        return all(np.array_equal(_field(model, name), written) for name, written in self._written.items())

    def state_dict(self) -> dict[str, Any]:
        return {"defaults": dict(self._defaults), "derived": dict(self._derived)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._defaults = dict(state.get("defaults", self._defaults))  # older checkpoints have none
        self._derived = dict(state.get("derived", self._derived))

    def write(self, model: Any, parameters: Parameters) -> None:
        """Writes the parameters into a model whose touched fields hold their defaults."""
        raise NotImplementedError

    def _restore(self, model: Any, fields: dict[str, np.ndarray]) -> None:
        for name, default in fields.items():
            # A model that a reset has built anew may be another one, whose defaults are not these.
            if np.shape(_field(model, name)) == np.shape(default):
                write_field(model, name, default)


@dataclass
class Friction(PhysicsChange):
    """Sliding friction: every geom's default is multiplied by one factor.

    The friction of a contact is the element-wise *maximum* over its two geoms (unless priorities or pairs say
    otherwise), so lowering the floor's alone changes nothing on Ant-v5: the feet keep theirs. Hence every geom. In
    Ant all defaults are 1, so there the factor is the friction of the Slippery Ant itself (Dohare et al. 2024, whose
    code writes the default geom of the XML); Hopper's and Walker2d's feet keep their proportion to the floor.

    Args:
        low: Smallest factor.
        high: Largest factor; the draws are log-uniform in between.
        factors: Where the factors come from instead of the log-uniform draws, if given.
    """

    touches: ClassVar[tuple[str, ...]] = ("geom_friction",)

    low: float = 0.02
    high: float = 2.0
    factors: Values | None = None

    def __post_init__(self) -> None:
        self._factors = self.factors or LogUniform(self.low, self.high)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"friction": self._factors.value(index, draws)}

    def write(self, model: Any, parameters: Parameters) -> None:
        model.geom_friction[:, 0] *= parameters["friction"]


@dataclass
class Gravity(PhysicsChange):
    """Gravity's strength, and its direction if wanted.

    Args:
        factors: What the default strength is multiplied by.
        tilts: Degrees by which gravity leans away from its default direction, towards +x (or a heading).
        headings: Degrees from +x, counter-clockwise seen from above, towards which it leans.
    """

    touches: ClassVar[tuple[str, ...]] = ("opt.gravity",)

    factors: Values
    tilts: Values | None = None
    headings: Values | None = None

    def draw(self, index: int, draws: Draws) -> Parameters:
        named = {"gravity": self.factors, "gravity_tilt": self.tilts, "gravity_heading": self.headings}
        return {
            name: values.value(index, draws.of(part))
            for part, (name, values) in enumerate(named.items())
            if values is not None
        }

    def write(self, model: Any, parameters: Parameters) -> None:
        tilt = np.radians(parameters.get("gravity_tilt", 0.0))
        heading = np.radians(parameters.get("gravity_heading", 0.0))
        strength = parameters["gravity"] * np.linalg.norm(model.opt.gravity)
        sideways = np.sin(tilt) * np.array([np.cos(heading), np.sin(heading), 0.0])
        model.opt.gravity[:] = strength * (sideways - [0.0, 0.0, np.cos(tilt)])


@dataclass
class BodyMass(PhysicsChange):
    """The mass of bodies together with their inertia, as if their material had another density.

    Args:
        factors: What the default mass and inertia are multiplied by.
        bodies: Names of the bodies; every body if None.
    """

    touches: ClassVar[tuple[str, ...]] = ("body_mass", "body_inertia")
    recomputes: ClassVar[bool] = True

    factors: Values
    bodies: Sequence[str] | None = None

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        self._which = named_indices(env, "body", self.bodies)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"mass": self.factors.value(index, draws)}

    def write(self, model: Any, parameters: Parameters) -> None:
        model.body_mass[self._which] *= parameters["mass"]
        model.body_inertia[self._which] *= parameters["mass"]


def named_indices(env: gymnasium.Env[Any, Any], kind: str, names: Sequence[str] | None) -> list[int]:
    """The indices of the model's bodies, joints or actuators with the given names; of all of them if None."""
    model: Any = env.unwrapped.model  # pyright: ignore[reportAttributeAccessIssue]
    known = [getattr(model, kind)(index).name for index in range(getattr(model, _COUNTS[kind]))]
    if unknown := set(names or ()) - set(known):
        raise ValueError(f"no {kind} is called {sorted(unknown)}; there are {[name for name in known if name]}")
    return [index for index, name in enumerate(known) if names is None or name in names]


def write_field(model: Any, name: str, value: Any) -> None:
    """Writes ``value`` into a model's field, which may be one of ``opt``'s or ``stat``'s and may be a number."""
    *holders, last = name.split(".")
    holder = reduce(getattr, holders, model)
    current = getattr(holder, last)
    if isinstance(current, np.ndarray):
        current[...] = value
    else:
        setattr(holder, last, type(current)(value))


_COUNTS = {"body": "nbody", "joint": "njnt", "actuator": "nu"}
_DERIVED = (
    "dof_M0",
    "dof_invweight0",
    "dof_length",
    "body_invweight0",
    "body_subtreemass",
    "tendon_length0",
    "tendon_invweight0",
    "tendon_lengthspring",
    "actuator_acc0",
    "actuator_length0",
    "actuator_lengthrange",
    "cam_pos0",
    "cam_poscom0",
    "cam_mat0",
    "light_pos0",
    "light_poscom0",
    "light_dir0",
    "stat.meaninertia",
    "stat.meanmass",
    "stat.meansize",
    "stat.extent",
    "stat.center",
)
"""What ``mj_setConst`` computes from masses, inertias and armatures."""


def _field(model: Any, name: str) -> Any:
    return reduce(getattr, name.split("."), model)


def _copies(model: Any, names: Iterable[str]) -> dict[str, np.ndarray]:
    return {name: np.copy(_field(model, name)) for name in names}


def _derived_names(model: Any) -> list[str]:
    return [name for name in _DERIVED if hasattr(model, name.split(".")[0])]


def _recompute(model: Any) -> None:
    mujoco: Any = import_module("mujoco")
    # In data of its own: mj_setConst moves the data that it is given to the reference pose.
    mujoco.mj_setConst(model, mujoco.MjData(model))
