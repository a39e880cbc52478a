"""The same changes of physics in thousands of worlds at once, on MuJoCo Warp (a GPU's MuJoCo; slow on a CPU).

Needs ``pip install mujoco-warp``. Warp computes in single precision: it agrees with MuJoCo until contacts amplify the
rounding, so these worlds are for training at speed, not for repeating a run of the C simulator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from plastic_rl.extras import needed
from plastic_rl.nonstationary.changes import Parameters
from plastic_rl.nonstationary.mujoco_model import PhysicsChange


class WarpWorlds:
    """Copies of one MuJoCo environment's simulation, each with physics of its own.

    Args:
        env: A MuJoCo environment; its model and its present state are every world's.
        change: What differs between the worlds.
        num_worlds: How many there are.
        device: A Warp device, such as ``"cuda:0"`` or ``"cpu"``; Warp's own choice if None.
        contacts: Room for contacts in each world.
        constraints: Room for constraint rows in each world.

    Raises:
        ValueError: The change writes something that Warp keeps once for all worlds.

    Example:
        >>> worlds = WarpWorlds(gymnasium.make("Ant-v5"), Friction(0.02, 2.0), num_worlds=4096)
        >>> worlds.apply([{"friction": friction} for friction in frictions])
        >>> worlds.step(controls, frames=5)
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        change: PhysicsChange,
        num_worlds: int,
        *,
        device: str | None = None,
        contacts: int = 64,
        constraints: int = 256,
    ) -> None:
        self._warp, self._simulator = (needed(name, "WarpWorlds") for name in ("warp", "mujoco_warp"))
        self._device, self._env, self._change = device, env, change
        self.num_worlds = num_worlds
        change.bind(env)
        self._fields = _batched_fields(self._simulator, change)
        base: Any = env.unwrapped
        with self._warp.ScopedDevice(device):
            sizes = dict.fromkeys(self._fields, num_worlds)
            self._model = self._simulator.put_model(base.model, batch_sizes=sizes)
            self._data = self._simulator.put_data(
                base.model, base.data, nworld=num_worlds, nconmax=contacts, njmax=constraints
            )

    @property
    def positions(self) -> np.ndarray:
        """Generalised positions, ``[worlds, nq]``."""
        return np.array(self._data.qpos.numpy())  # on a CPU, Warp hands out the simulation's own memory

    @property
    def velocities(self) -> np.ndarray:
        """Generalised velocities, ``[worlds, nv]``."""
        return np.array(self._data.qvel.numpy())

    def place(self, positions: np.ndarray, velocities: np.ndarray) -> None:
        """Puts every world into a state of its own, ``[worlds, nq]`` and ``[worlds, nv]``."""
        self._data.qpos.assign(positions.astype(np.float32))
        self._data.qvel.assign(velocities.astype(np.float32))

    def apply(self, tasks: Sequence[Parameters]) -> None:
        """Gives each world the physics of its task."""
        if len(tasks) != self.num_worlds:
            raise ValueError(f"one task for each of the {self.num_worlds} worlds is needed, got {len(tasks)}")
        rows = [self._row(task) for task in tasks]
        self._change.undo(self._env)
        for name in self._fields:
            field = getattr(self._model, name)
            field.assign(np.stack([row[name] for row in rows]).astype(np.float32).reshape(field.numpy().shape))

    def step(self, controls: np.ndarray, *, frames: int = 1) -> None:
        """Advances every world by ``frames`` simulation steps under its controls, ``[worlds, nu]``."""
        self._data.ctrl.assign(controls.astype(np.float32))
        with self._warp.ScopedDevice(self._device):
            for _ in range(frames):
                self._simulator.step(self._model, self._data)

    def _row(self, task: Parameters) -> dict[str, np.ndarray]:
        self._change.apply(self._env, task)
        model: Any = self._env.unwrapped.model  # pyright: ignore[reportAttributeAccessIssue]
        return {name: np.copy(getattr(model, name)) for name in self._fields}


def _batched_fields(simulator: Any, change: PhysicsChange) -> tuple[str, ...]:
    """The fields that ``change`` writes or has recomputed, each of which Warp can keep for every world."""
    specs = simulator.Model.__annotations__
    derived = ("dof_invweight0", "body_invweight0", "body_subtreemass") if change.recomputes else ()
    for name in change.touches:
        if getattr(specs.get(name), "shape", ("",))[0] != "*":
            raise ValueError(f"{type(change).__name__} writes {name}, which Warp keeps once for all worlds")
    return (*change.touches, *derived)
