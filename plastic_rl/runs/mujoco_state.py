"""Everything in a MuJoCo simulation that the next step, or a change of physics, could read."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

# Shapes, pictures and look-up structures: large, and no change of physics writes them.
_FIXED = ("mesh_", "tex_", "hfield_", "skin_", "bvh_", "oct_", "flex_", "name", "text_")


def mujoco_state(model: Any, data: Any) -> dict[str, Any]:
    """A simulation's integration state, and every array and number of its data and model that a step can write or read.

    ``mjSTATE_INTEGRATION`` alone does not hold what an environment reads *before* it steps (Ant-v5 reads ``xpos``), nor
    the model's own parameters, which changes of physics write. Contacts are not kept: MuJoCo finds them anew.

    Args:
        model: An ``mujoco.MjModel``.
        data: Its ``mujoco.MjData``.
    """
    mujoco: Any = import_module("mujoco")  # optional; and its bindings carry no types
    whole = mujoco.mjtState.mjSTATE_INTEGRATION
    integration = np.empty(mujoco.mj_stateSize(model, whole))
    mujoco.mj_getState(model, data, integration, whole)
    return {
        "integration": integration,
        "data": _arrays(data, ("efc_",)),
        "model": _arrays(model, _FIXED),
        "option": _arrays(model.opt) | _scalars(model.opt),
        "statistic": _arrays(model.stat) | _scalars(model.stat),
    }


def restore_mujoco_state(model: Any, data: Any, state: dict[str, Any]) -> None:
    """Puts a simulation of the same model where the one that gave ``state`` was."""
    mujoco: Any = import_module("mujoco")  # optional; and its bindings carry no types
    _write(model, state["model"])
    _write(model.opt, state["option"])
    _write(model.stat, state["statistic"])
    mujoco.mj_setState(model, data, state["integration"], mujoco.mjtState.mjSTATE_INTEGRATION)
    _write(data, state["data"])


def _public(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in dir(struct) if not name.startswith("_")}


def _arrays(struct: Any, but: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    arrays = {name: value for name, value in _public(struct).items() if isinstance(value, np.ndarray)}
    return {name: value.copy() for name, value in arrays.items() if not name.startswith(but)}


def _scalars(struct: Any) -> dict[str, int | float]:
    return {name: value for name, value in _public(struct).items() if type(value) in (int, float)}


def _write(struct: Any, numbers: dict[str, Any]) -> None:
    for name, value in numbers.items():
        current = getattr(struct, name)
        if not isinstance(current, np.ndarray):
            setattr(struct, name, value)
        elif current.shape == value.shape:
            current[...] = value
