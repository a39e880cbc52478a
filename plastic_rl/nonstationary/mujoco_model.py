"""Changes of a MuJoCo model's fields, always from the defaults that the model came with, and of any field by name."""

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
from plastic_rl.nonstationary.values import Values, ValuesLike, values_of


class PhysicsChange(Change):
    """A change that writes fields of ``env.unwrapped.model`` and remembers what they were."""

    recomputes: ClassVar[bool] = False
    """True if other fields are derived from the ones it writes, and MuJoCo must compute them anew."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        model = getattr(env.unwrapped, "model", None)
        if model is None:
            raise ValueError(f"{type(self).__name__} needs a MuJoCo environment, got {env.unwrapped}")
        if unknown := [name for name in self.touches if not _has_field(model, name)]:
            raise ValueError(f"{type(self).__name__} writes {unknown}, which {env.unwrapped} does not have")
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

    def refuse_zeros(self, name: str) -> None:
        """Refuses a field whose defaults are all 0, which no factor changes."""
        if not np.any(self._defaults[name]):
            raise ValueError(f"{type(self).__name__} multiplies {name}, of which every default is 0: add to it instead")

    def _restore(self, model: Any, fields: dict[str, np.ndarray]) -> None:
        for name, default in fields.items():
            # A model that a reset has built anew may be another one, whose defaults are not these.
            if np.shape(_field(model, name)) == np.shape(default):
                write_field(model, name, default)


@dataclass
class ModelField(PhysicsChange):
    """Any floating-point field of the model by name, such as ``"dof_armature"`` or ``"opt.density"``.

    Args:
        name: The field; ``opt.timestep`` is refused, since the length of an environment step is no change of physics.
        factors: What every default is multiplied by; refused where all defaults are 0.
        added: Or what is added to every default.
    """

    recomputes: ClassVar[bool] = True

    name: str
    factors: ValuesLike | None = None
    added: ValuesLike | None = None

    def __post_init__(self) -> None:
        self.touches = (self.name,)  # pyright: ignore[reportAttributeAccessIssue]
        if self.name == "opt.timestep":
            raise ValueError("opt.timestep is no parameter of the physics: it sets how long an environment step lasts")
        values = [values for values in (self.factors, self.added) if values is not None]
        if len(values) != 1:
            raise ValueError("ModelField needs either factors or added")
        self._values: Values = values_of(values[0])

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        if (kind := self._defaults[self.name].dtype.kind) != "f":
            raise ValueError(f"ModelField needs a field of floating-point numbers, {self.name} is of kind {kind!r}")
        if self.added is None:
            self.refuse_zeros(self.name)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {self.name: self._values.value(index, draws)}

    def write(self, model: Any, parameters: Parameters) -> None:
        number, default = parameters[self.name], self._defaults[self.name]
        write_field(model, self.name, default * number if self.added is None else default + number)


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
"""The fields that ``mj_setConst`` computes from masses, inertias and armatures."""


def _field(model: Any, name: str) -> Any:
    return reduce(getattr, name.split("."), model)


def _has_field(model: Any, name: str) -> bool:
    *holders, last = name.split(".")
    return all(hasattr(model, holder) for holder in holders) and hasattr(reduce(getattr, holders, model), last)


def _copies(model: Any, names: Iterable[str]) -> dict[str, np.ndarray]:
    return {name: np.copy(_field(model, name)) for name in names}


def _derived_names(model: Any) -> list[str]:
    return [name for name in _DERIVED if hasattr(model, name.split(".")[0])]


def _recompute(model: Any) -> None:
    mujoco: Any = import_module("mujoco")
    # In data of its own: mj_setConst moves the data that it is given to the reference pose.
    mujoco.mj_setConst(model, mujoco.MjData(model))
