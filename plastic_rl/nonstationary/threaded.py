"""Many copies of a MuJoCo task, stepped in threads: ``mj_step`` frees Python's lock, the rest is done for all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

from plastic_rl.nonstationary.batched_tasks import Outcome, batched_task
from plastic_rl.nonstationary.changes import copy_of, overridden
from plastic_rl.nonstationary.wrapper import Nonstationary

_ALLOWED = (TimeLimit, OrderEnforcing, PassiveEnvChecker, Nonstationary)


class ThreadedMujoco(VectorEnv[Any, Any, Any]):
    """A Gymnasium vector environment whose trajectories are those of its copies stepped one by one.

    Each copy has a model and data of its own, hence physics of its own. A copy whose episode ends is reset within the
    same step; its last observation is in ``info["final_obs"]``. Of what Gymnasium's environments put into ``info``, the
    velocities and the forward reward are there, and the task.

    Args:
        make: Makes one copy: Ant-v5, HalfCheetah-v5, Hopper-v5 or Walker2d-v5, plain or in ``Nonstationary`` (with
            ``copies=num_envs``).
        num_envs: How many copies.
        threads: How many threads step them; as many as there are cores to spare.

    Raises:
        ValueError: The environment is another one, or is wrapped in something that threads would pass by; or its clock
            is not one of ``num_envs`` copies.

    Example:
        >>> make = lambda: gymnasium.make("plastic_rl/SlipperyAnt-v0", copies=16)
        >>> venv = ThreadedMujoco(make, num_envs=16, threads=2)
    """

    def __init__(self, make: Callable[[], gymnasium.Env[Any, Any]], num_envs: int, *, threads: int = 2) -> None:
        if num_envs < 1 or threads < 1:
            raise ValueError(f"num_envs and threads must be at least 1, got {num_envs} and {threads}")
        self.envs = [make() for _ in range(num_envs)]
        self.num_envs = num_envs
        self.spec = self.envs[0].spec
        self.render_mode = self.envs[0].render_mode
        self.metadata = {**self.envs[0].metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = self.envs[0].observation_space
        self.single_action_space = self.envs[0].action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._layers, self._limits = _layers(self.envs), np.array([_time_limit(env) for env in self.envs])
        self._elapsed = np.zeros(num_envs, int)
        self._task = batched_task([env.unwrapped for env in self.envs])
        self._simulations = [_Simulation(env.unwrapped, self._task.needs_contact_forces) for env in self.envs]
        self._pool, self._helpers = ThreadPoolExecutor(max(threads - 1, 1)), threads - 1
        self._transforms = overridden(self._layers[0].changes if self._layers else [])

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets every copy; a single ``seed`` is the first one's, the next has ``seed + 1``, and so on."""
        if seed is None or isinstance(seed, int):
            seed = [None if seed is None else seed + index for index in range(self.num_envs)]
        observations = [env.reset(seed=each, options=options)[0] for env, each in zip(self.envs, seed, strict=True)]
        self._elapsed[:] = 0
        return np.stack(observations), self._info({})

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps every copy once."""
        before = self._task.place()
        outcome = self._transformed(self._task.outcome(before, self._simulate(actions)))
        observations, rewards, terminated, parts = outcome
        self._elapsed += 1
        truncated = self._elapsed >= self._limits
        for layer in self._layers:
            layer.run_clock.tick()
        info = self._info(parts)
        if (terminated | truncated).any():
            observations = self._reset_ended(observations, terminated | truncated, info)
        return observations, rewards, terminated, truncated, info

    def render(self) -> tuple[Any, ...]:
        return tuple(env.render() for env in self.envs)

    def close_extras(self, **kwargs: Any) -> None:
        self._pool.shutdown()
        for env in self.envs:
            env.close()

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute of every copy."""
        return tuple(env.get_wrapper_attr(name) for env in self.envs)

    def state_dict(self) -> dict[str, Any]:
        """The state of every copy, and how long its episode has lasted."""
        from plastic_rl.runs.environment_state import environment_state

        return {"elapsed": self._elapsed.copy(), "envs": [environment_state(env) for env in self.envs]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the vector that gave ``state`` was."""
        from plastic_rl.runs.environment_state import restore_environment_state

        self._elapsed[:] = state["elapsed"]
        for env, saved in zip(self.envs, state["envs"], strict=True):
            restore_environment_state(env, saved)

    def _simulate(self, actions: np.ndarray) -> np.ndarray:
        """Advances every simulation, and returns what each copy was made to do."""
        for layer in self._layers:
            layer.begin_step()
        if "action" in self._transforms:
            actions = np.stack([layer.transformed_action(a) for layer, a in zip(self._layers, actions, strict=True)])
        # Threads take the next copy from one queue: a slow one holds nobody up.
        waiting = deque(zip(self._simulations, actions, strict=True))
        others = [self._pool.submit(_work, waiting) for _ in range(self._helpers)]
        _work(waiting)
        for other in others:
            other.result()
        return actions

    def _transformed(self, outcome: Outcome) -> Outcome:
        if "observation" in self._transforms:
            rows = zip(self._layers, outcome.observations, strict=True)
            outcome = outcome._replace(observations=np.stack([layer.transformed(row) for layer, row in rows]))
        if "reward" in self._transforms:
            rewards = [self._reward(index, outcome) for index in range(self.num_envs)]
            outcome = outcome._replace(rewards=np.array(rewards))
        return outcome

    def _reward(self, index: int, outcome: Outcome) -> float:
        info = {name: part[index] for name, part in outcome.parts.items()}
        return self._layers[index].transformed_reward(float(outcome.rewards[index]), info)

    def _info(self, parts: dict[str, np.ndarray]) -> dict[str, Any]:
        tasks = (
            {"task": np.array([copy_of(layer.task) for layer in self._layers], dtype=object)} if self._layers else {}
        )
        return {**parts, **tasks}

    def _reset_ended(self, observations: np.ndarray, ended: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        final = np.full(self.num_envs, None, dtype=object)
        observations = observations.copy()
        for index in np.flatnonzero(ended):
            final[index] = observations[index].copy()
            observations[index], _ = self.envs[index].reset()
            self._elapsed[index] = 0
        info |= {"final_obs": final, "_final_obs": ended, "final_info": {"task": info.get("task")}}
        info |= self._info({})
        return observations


class _Simulation:
    """One copy's model and data, ready to be stepped by any thread."""

    def __init__(self, env: Any, contact_forces: bool) -> None:
        mujoco: Any = import_module("mujoco")
        self._model, self._data, self._frames = env.model, env.data, env.frame_skip
        self._control = env.data.ctrl
        self._mj_step, self._post = mujoco.mj_step, mujoco.mj_rnePostConstraint if contact_forces else None

    def advance(self, action: np.ndarray) -> None:
        """Does what Gymnasium's MujocoEnv does in a step."""
        self._control[:] = action
        self._mj_step(self._model, self._data, nstep=self._frames)
        if self._post:
            self._post(self._model, self._data)


def _work(waiting: deque[tuple[_Simulation, np.ndarray]]) -> None:
    while True:
        try:
            simulation, action = waiting.popleft()
        except IndexError:
            return
        simulation.advance(action)


def _layers(envs: list[gymnasium.Env[Any, Any]]) -> list[Nonstationary]:
    """The changing layer of each copy; none if the copies never change."""
    wrappers = [wrapper for env in envs for wrapper in _wrappers(env)]
    for wrapper in wrappers:
        if not isinstance(wrapper, _ALLOWED):
            raise ValueError(f"threads would pass {type(wrapper).__name__} by: wrap the vector environment instead")
    layers = [wrapper for wrapper in wrappers if isinstance(wrapper, Nonstationary)]
    if len(layers) not in (0, len(envs)):
        raise ValueError("ThreadedMujoco takes one Nonstationary around each copy: give it all changes at once")
    for clock in (layer.run_clock for layer in layers):
        if clock.copies != len(envs) or clock.resets_take_a_step:
            raise ValueError(
                f"the clock of {len(envs)} threaded copies needs copies={len(envs)}, resets_take_a_step=False, "
                f"got copies={clock.copies}, resets_take_a_step={clock.resets_take_a_step}"
            )
    return layers


def _wrappers(env: gymnasium.Env[Any, Any]) -> Iterator[gymnasium.Wrapper[Any, Any, Any, Any]]:
    while isinstance(env, gymnasium.Wrapper):
        yield env
        env = env.env


def _time_limit(env: gymnasium.Env[Any, Any]) -> float:
    limits = [wrapper._max_episode_steps for wrapper in _wrappers(env) if isinstance(wrapper, TimeLimit)]
    return float(min(limits, default=np.inf))
