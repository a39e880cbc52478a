"""The threaded MuJoCo vector environment with the interface of Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.env_util import is_wrapped
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices

from plastic_rl.nonstationary.threaded import ThreadedMujoco


class ThreadedVecEnv(VecEnv):
    """Copies of a MuJoCo task stepped in threads, with the trajectories of SB3's DummyVecEnv.

    A copy wrapped in SB3's Monitor is refused, since threads would pass it by: put VecMonitor around this instead.

    Args:
        make: Makes one copy; see :class:`~plastic_rl.nonstationary.threaded.ThreadedMujoco`.
        num_envs: How many copies.
        threads: How many threads step them.

    Example:
        >>> make = lambda: gymnasium.make("plastic_rl/SlipperyAnt-v0", copies=16)
        >>> venv = VecMonitor(ThreadedVecEnv(make, num_envs=16))
    """

    def __init__(self, make: Callable[[], gymnasium.Env[Any, Any]], num_envs: int, *, threads: int = 2) -> None:
        self.threaded = ThreadedMujoco(make, num_envs, threads=threads)
        super().__init__(num_envs, self.threaded.single_observation_space, self.threaded.single_action_space)

    def reset(self) -> np.ndarray:
        observations, _ = self.threaded.reset(seed=self._seeds)
        self._reset_seeds()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observations, rewards, terminated, truncated, info = self.threaded.step(self._actions)
        dones = terminated | truncated
        infos = self._infos(info)
        for index in np.flatnonzero(dones):
            infos[index]["terminal_observation"] = info["final_obs"][index]
            infos[index]["TimeLimit.truncated"] = bool(truncated[index] and not terminated[index])
        return observations, rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        self.threaded.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        return [self._copy(index).get_wrapper_attr(attr_name) for index in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        for index in self._get_indices(indices):
            self._copy(index).set_wrapper_attr(attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        copies = [self._copy(index) for index in self._get_indices(indices)]
        return [copy.get_wrapper_attr(method_name)(*method_args, **method_kwargs) for copy in copies]

    def env_is_wrapped(self, wrapper_class: type[gymnasium.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        return [is_wrapped(self._copy(index), wrapper_class) for index in self._get_indices(indices)]

    def get_images(self) -> Sequence[np.ndarray | None]:
        return list(self.threaded.render())

    def state_dict(self) -> dict[str, Any]:
        """The state of every copy."""
        return self.threaded.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the vector that gave ``state`` was."""
        self.threaded.load_state_dict(state)

    def _copy(self, index: int) -> gymnasium.Env[Any, Any]:
        return self.threaded.envs[index]

    def _infos(self, info: dict[str, Any]) -> list[dict[str, Any]]:
        """One dict a copy, of what its step brought: its task is that of the step, whatever the reset began."""
        tasks = info.get("final_info", info).get("task")
        names = [name for name in ("reward_forward", "x_velocity", "y_velocity") if name in info]
        rows = zip(*(info[name].tolist() for name in names), strict=True)
        infos: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
        if tasks is not None:
            for one, task in zip(infos, tasks, strict=True):
                one["task"] = dict(task)
        return infos
