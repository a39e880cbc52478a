"""Observations, rewards and ends of Gymnasium's MuJoCo locomotion tasks, for many copies at once.

The same arithmetic as in ``gymnasium.envs.mujoco``, in the same order and precision, on arrays with one row a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Outcome(NamedTuple):
    """The outcome of a step, one row a copy.

    Args:
        observations: What each copy looks like now.
        rewards: What each is paid.
        terminated: Whether each has fallen.
        parts: What ``info`` says of each: the reward's forward part and the velocities, by name.
    """

    observations: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    parts: dict[str, np.ndarray]


class BatchedPlanar:
    """HalfCheetah, Hopper and Walker2d: paid for speed along x, in one plane.

    Args:
        envs: The copies, without wrappers, all made alike.
    """

    needs_contact_forces = False

    def __init__(self, envs: Sequence[Any]) -> None:
        self._env = envs[0]
        self._positions = [env.data.qpos for env in envs]
        self._velocities = [env.data.qvel for env in envs]
        self._skip = int(self._env._exclude_current_positions_from_observation)
        self._falls = hasattr(self._env, "_healthy_reward")

    def place(self) -> np.ndarray:
        """The place of each copy, from which the velocities are computed."""
        return np.array([position[0] for position in self._positions])

    def outcome(self, before: np.ndarray, actions: np.ndarray) -> Outcome:
        """The outcome of the step that led here.

        Args:
            before: :meth:`place` before the step.
            actions: What each copy did.
        """
        env, position, velocity = self._env, np.stack(self._positions), np.stack(self._velocities)
        speed = (position[:, 0] - before) / env.dt
        forward = env._forward_reward_weight * speed
        healthy = self._healthy(position, velocity)
        survival = healthy * env._healthy_reward if self._falls else 0.0
        rewards = forward + survival - _control_cost(env, actions)
        terminated = ~healthy & bool(self._falls and env._terminate_when_unhealthy)
        clipped = np.clip(velocity, -10, 10) if self._falls else velocity
        observations = np.concatenate([position[:, self._skip :], clipped], axis=1)
        return Outcome(observations, rewards, terminated, {"reward_forward": forward, "x_velocity": speed})

    def _healthy(self, position: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        healthy = np.ones(len(position), bool)
        if self._falls:
            healthy &= _within(position[:, 1], self._env._healthy_z_range)
            healthy &= _within(position[:, 2], self._env._healthy_angle_range)
        if hasattr(self._env, "_healthy_state_range"):
            state = np.concatenate([position, velocity], axis=1)[:, 2:]
            healthy &= _within(state, self._env._healthy_state_range).all(axis=1)
        return healthy


class BatchedAnt:
    """Ant: paid for speed along x, on a plane.

    Args:
        envs: The copies, without wrappers, all made alike.
    """

    def __init__(self, envs: Sequence[Any]) -> None:
        self._env = env = envs[0]
        torso = env.data.body(env._main_body).id
        self._places = [copy.data.xpos[torso] for copy in envs]
        self._positions = [copy.data.qpos for copy in envs]
        self._velocities = [copy.data.qvel for copy in envs]
        self._forces = [copy.data.cfrc_ext for copy in envs]
        self._skip = 2 * env._exclude_current_positions_from_observation
        # The forces are nobody's input elsewhere, so where they are not asked for they need not be computed.
        self.needs_contact_forces = bool(env._include_cfrc_ext_in_observation or env._contact_cost_weight)

    def place(self) -> np.ndarray:
        """The place of each copy, from which the velocities are computed."""
        return np.stack(self._places)[:, :2]

    def outcome(self, before: np.ndarray, actions: np.ndarray) -> Outcome:
        """The outcome of the step that led here.

        Args:
            before: :meth:`place` before the step.
            actions: What each copy did.
        """
        env, position, velocity = self._env, np.stack(self._positions), np.stack(self._velocities)
        speed = (self.place() - before) / env.dt
        forward = speed[:, 0] * env._forward_reward_weight
        low, high = env._healthy_z_range
        finite = np.isfinite(position).all(axis=1) & np.isfinite(velocity).all(axis=1)
        healthy = finite & (low <= position[:, 2]) & (position[:, 2] <= high)
        parts, cost = [position[:, self._skip :], velocity], _control_cost(env, actions)
        if self.needs_contact_forces:
            forces = np.clip(np.stack(self._forces), *env._contact_force_range)
            cost = cost + env._contact_cost_weight * np.square(forces).reshape(len(forces), -1).sum(axis=1)
            parts += [forces[:, 1:].reshape(len(forces), -1)] * bool(env._include_cfrc_ext_in_observation)
        rewards = forward + healthy * env._healthy_reward - cost
        info = {"reward_forward": forward, "x_velocity": speed[:, 0], "y_velocity": speed[:, 1]}
        terminated = ~healthy & bool(env._terminate_when_unhealthy)
        return Outcome(np.concatenate(parts, axis=1), rewards, terminated, info)


def batched_task(envs: Sequence[Any]) -> BatchedPlanar | BatchedAnt:
    """The task of the copies; a ValueError that names what they are if they have none here."""
    from gymnasium.envs.mujoco.ant_v5 import AntEnv
    from gymnasium.envs.mujoco.half_cheetah_v5 import HalfCheetahEnv
    from gymnasium.envs.mujoco.hopper_v5 import HopperEnv
    from gymnasium.envs.mujoco.walker2d_v5 import Walker2dEnv

    kinds = {type(env) for env in envs}
    if kinds == {AntEnv}:
        return BatchedAnt(envs)
    if len(kinds) == 1 and kinds <= {HalfCheetahEnv, HopperEnv, Walker2dEnv}:
        return BatchedPlanar(envs)
    raise ValueError(
        f"there is no batched version of {', '.join(sorted({str(env) for env in envs}))}; "
        "there is one of Ant, HalfCheetah, Hopper and Walker2d (v5), of one of them at a time"
    )


def _control_cost(env: Any, actions: np.ndarray) -> np.ndarray:
    return env._ctrl_cost_weight * np.square(actions).sum(axis=1)


def _within(values: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    return (bounds[0] < values) & (values < bounds[1])
