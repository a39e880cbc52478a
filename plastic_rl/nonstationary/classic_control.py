"""One step of many copies of a classic-control world: Gymnasium's physics on arrays, to the bits of single copies.

The states live in the copies as ever: each step reads them there and writes them there, so that whatever looks at a
copy, changes or saves it, finds it as if it had been stepped alone.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium.envs.classic_control import AcrobotEnv, CartPoleEnv, MountainCarEnv, PendulumEnv


class ClassicOutcome(NamedTuple):
    """The outcome of a step.

    Args:
        observations: one row a copy.
        rewards: one a copy.
        terminated: whether each has come to its end.
    """

    observations: np.ndarray
    rewards: Sequence[float]
    terminated: Sequence[bool]


class BatchedClassic(ABC):
    """Copies of one classic-control world.

    Args:
        envs: the copies, without wrappers.
    """

    physics: ClassVar[tuple[str, ...]]
    """The attributes of a copy that its steps depend on."""

    fewest: ClassVar[int]
    """The number of copies from which on a step of all takes less time than steps of each, as measured."""

    def __init__(self, envs: Sequence[Any]) -> None:
        self.envs, self._physics_of = list(envs), attrgetter(*self.physics)
        self._known: list[tuple[float, ...]] = []

    @classmethod
    def takes(cls, env: Any) -> bool:
        """True if a copy's steps are those written here."""
        return env.render_mode != "human" and "step" not in vars(env)

    def constants(self) -> list[np.ndarray]:
        """The numbers that steps need of the physics, arrays with one a copy."""
        now = [self._physics_of(env) for env in self.envs]
        if now != self._known:
            self._known = now
            self._constants = self.derived(*(np.array(each, dtype=float) for each in zip(*now, strict=True)))
        return self._constants

    def derived(self, *physics: np.ndarray) -> list[np.ndarray]:
        """The numbers that steps need, computed from the physics in the order in which single copies do."""
        return list(physics)

    @abstractmethod
    def step(self, actions: np.ndarray) -> ClassicOutcome:
        """Steps every copy.

        Args:
            actions: one a copy, as single copies take them.
        """


class CartPoles(BatchedClassic):
    """Copies of CartPole, by Euler's method, with a reward of 1 a step."""

    physics = (
        *("force_mag", "polemass_length", "total_mass", "gravity", "length", "masspole", "tau"),
        *("x_threshold", "theta_threshold_radians"),
    )
    fewest = 5

    @classmethod
    def takes(cls, env: Any) -> bool:
        return super().takes(env) and env.kinematics_integrator == "euler" and not env._sutton_barto_reward

    def step(self, actions: np.ndarray) -> ClassicOutcome:
        strength, pole, mass, gravity, length, pole_mass, tau, farthest, steepest = self.constants()
        x, speed, angle, turn = np.array([env.state for env in self.envs]).T
        force = np.where(actions == 1, strength, -strength)
        cosine, sine = np.cos(angle), np.sin(angle)
        push = (force + pole * np.square(turn) * sine) / mass
        turning = (gravity * sine - cosine * push) / (length * (4.0 / 3.0 - pole_mass * np.square(cosine) / mass))
        speeding = push - pole * turning * cosine / mass
        states = np.empty((len(x), 4))  # half the time of `np.stack`
        for place, (was, change) in enumerate(((x, speed), (speed, speeding), (angle, turn), (turn, turning))):
            states[:, place] = was + tau * change
        for env, state in zip(self.envs, states, strict=True):
            env.state = state
        x, angle = states[:, 0], states[:, 2]
        fallen = (x < -farthest) | (x > farthest) | (angle < -steepest) | (angle > steepest)
        return ClassicOutcome(states.astype(np.float32), [1.0] * len(states), fallen.tolist())


class MountainCars(BatchedClassic):
    """Copies of MountainCar with three actions."""

    physics = ("force", "gravity", "max_speed", "min_position", "max_position", "goal_position", "goal_velocity")
    fewest = 3

    def step(self, actions: np.ndarray) -> ClassicOutcome:
        force, gravity, fastest, leftmost, rightmost, goal, goal_speed = self.constants()
        position, speed = np.array([env.state for env in self.envs]).T
        slope = np.array([math.cos(each) for each in (3 * position).tolist()])
        speed = speed + ((actions - 1) * force + slope * (-gravity))
        speed = np.minimum(np.maximum(speed, -fastest), fastest)  # a quarter of the time of `np.clip`
        position = np.minimum(np.maximum(position + speed, leftmost), rightmost)
        speed = np.where((position == leftmost) & (speed < 0), 0.0, speed)
        for env, *state in zip(self.envs, position, speed, strict=True):
            env.state = tuple(state)
        arrived = (position >= goal) & (speed >= goal_speed)
        return ClassicOutcome(np.stack([position, speed], 1).astype(np.float32), [-1.0] * len(speed), arrived.tolist())


class Pendulums(BatchedClassic):
    """Copies of Pendulum."""

    physics = ("g", "m", "l", "dt", "max_torque", "max_speed")
    fewest = 3

    def derived(self, *physics: np.ndarray) -> list[np.ndarray]:
        gravity, mass, length, *others = physics
        return [3 * gravity / (2 * length), 3.0 / (mass * squares(length)), *others]

    def step(self, actions: np.ndarray) -> ClassicOutcome:
        fall, ease, dt, strongest, fastest = self.constants()
        angle, turn = np.array([env.state for env in self.envs]).T
        kind = actions.dtype
        torque = np.minimum(np.maximum(actions[:, 0], -strongest.astype(kind)), strongest.astype(kind))
        off = ((angle + np.pi) % (2 * np.pi)) - np.pi
        effort = np.array([each**2 for each in torque])  # in the precision of the action, as the push below
        costs = squares(off) + 0.1 * squares(turn) + 0.001 * effort
        turn = turn + (fall * np.sin(angle) + ease.astype(kind) * torque) * dt
        turn = np.minimum(np.maximum(turn, -fastest), fastest)
        angle = angle + turn * dt
        for env, state, last in zip(self.envs, np.stack([angle, turn], 1), torque, strict=True):
            env.state, env.last_u = state, last
        seen = np.stack([np.cos(angle), np.sin(angle), turn], 1).astype(np.float32)
        return ClassicOutcome(seen, (-costs).tolist(), [False] * len(seen))


class Acrobots(BatchedClassic):
    """Copies of Acrobot, of the book's equations, without noise on the torque."""

    physics = (
        *("LINK_MASS_1", "LINK_MASS_2", "LINK_LENGTH_1", "LINK_COM_POS_1", "LINK_COM_POS_2", "LINK_MOI", "dt"),
        *("MAX_VEL_1", "MAX_VEL_2"),
    )
    fewest = 5

    @classmethod
    def takes(cls, env: Any) -> bool:
        return super().takes(env) and env.book_or_nips == "book" and not env.torque_noise_max

    def derived(self, *physics: np.ndarray) -> list[np.ndarray]:
        m1, m2, l1, lc1, lc2, inertia, dt, fastest1, fastest2 = physics
        g, second = 9.8, squares(lc2)
        return [
            *(dt, np.stack([fastest1, fastest2]), m2, inertia, second, l1 * lc2, 2 * l1 * lc2),
            *(m1 * squares(lc1), squares(l1) + second, m2 * lc2 * g, (m1 * lc1 + m2 * l1) * g),
            *(m2 * l1 * lc2, 2 * m2 * l1 * lc2, m2 * second + inertia),
        ]

    def step(self, actions: np.ndarray) -> ClassicOutcome:
        constants = self.constants()
        torques = [env.AVAIL_TORQUE[action] for env, action in zip(self.envs, actions, strict=True)]
        before = np.array([env.state for env in self.envs], dtype=float).T
        states = _moved(before, np.array(torques, float), *constants)
        states[:2], fastest = wrapped(states[:2]), constants[1]
        states[2:] = np.minimum(np.maximum(states[2:], -fastest), fastest)
        for env, state in zip(self.envs, states.T.copy(), strict=True):
            env.state = state
        first, second, *turns = states
        cosine = np.cos(first)
        risen = (-cosine - np.cos(second + first) > 1.0).tolist()
        seen = np.stack([cosine, np.sin(first), np.cos(second), np.sin(second), *turns], 1).astype(np.float32)
        return ClassicOutcome(seen, [0.0 if each else -1.0 for each in risen], risen)


def _moved(states: np.ndarray, torque: np.ndarray, dt: np.ndarray, _: np.ndarray, *constants: np.ndarray) -> np.ndarray:
    """The states of acrobots, of shape (4, copies), after one step of Runge and Kutta's method."""
    half = dt / 2.0
    first = _speeds(states, torque, *constants)
    second = _speeds(states + half * first, torque, *constants)
    third = _speeds(states + half * second, torque, *constants)
    fourth = _speeds(states + dt * third, torque, *constants)
    return states + dt / 6.0 * (first + 2 * second + 2 * third + fourth)


def _speeds(states: np.ndarray, torque: np.ndarray, *constants: np.ndarray) -> np.ndarray:
    """The time derivatives of the states of acrobots, by the constants of :meth:`Acrobots.derived`."""
    m2, inertia, lc2_squared, l1_lc2, twice_l1_lc2, of_first, of_lengths, pull, pull_of_first, coupling, *more = (
        constants
    )
    twice_coupling, of_second = more
    angle1, angle2, turn1, turn2 = states
    cosine, sine = np.cos(angle2), np.sin(angle2)
    d1 = of_first + m2 * (of_lengths + twice_l1_lc2 * cosine) + inertia + inertia
    d2 = m2 * (lc2_squared + l1_lc2 * cosine) + inertia
    turn1_squared, turn2_squared, d2_squared = squares(np.stack([turn1, turn2, d2]))
    pull2 = pull * np.cos(angle1 + angle2 - np.pi / 2.0)
    whirl = -coupling * turn2_squared * sine - twice_coupling * turn2 * turn1 * sine
    pull1 = whirl + pull_of_first * np.cos(angle1 - np.pi / 2) + pull2
    turning2 = (torque + d2 / d1 * pull1 - coupling * turn1_squared * sine - pull2) / (of_second - d2_squared / d1)
    return np.stack([turn1, turn2, -(d2 * turning2 + pull1) / d1, turning2])


def squares(values: np.ndarray) -> np.ndarray:
    """The squares as Python's ``**`` takes them of single numbers, which is not always the bits of x·x."""
    return np.array([each**2 for each in values.ravel().tolist()]).reshape(values.shape)


def wrapped(angles: np.ndarray) -> np.ndarray:
    """Angles between -π and π, by whole turns at a time."""
    while (over := angles > np.pi).any():
        angles = np.where(over, angles - 2 * np.pi, angles)
    while (under := angles < -np.pi).any():
        angles = np.where(under, angles + 2 * np.pi, angles)
    return angles


_KINDS: dict[type[Any], type[BatchedClassic]] = {
    CartPoleEnv: CartPoles,
    MountainCarEnv: MountainCars,
    PendulumEnv: Pendulums,
    AcrobotEnv: Acrobots,
}


def batched_classic(envs: Sequence[Any]) -> BatchedClassic | None:
    """The copies as one batch; None where there is none of them, or where single steps are quicker.

    Args:
        envs: copies, without wrappers.
    """
    kind = _KINDS.get(type(envs[0]))
    if kind is None or len(envs) < kind.fewest or any(type(env) is not type(envs[0]) for env in envs):
        return None
    return kind(envs) if all(map(kind.takes, envs)) and _arrays_have_the_bits_of_numbers() else None


@cache
def _arrays_have_the_bits_of_numbers() -> bool:
    """True if this build of NumPy takes the sine and cosine of an array as it takes those of single numbers."""
    angles = np.random.default_rng(0).uniform(-7, 7, 1001)
    return all(
        np.array_equal(function(angles[: size or None]), [function(each) for each in angles[: size or None]])
        for function in (np.cos, np.sin)
        for size in (0, 2, 3, 4, 7, 8)
    )
