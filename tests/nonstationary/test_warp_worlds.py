"""Worlds on MuJoCo Warp, here on the CPU and few of them: the changes do there what they do in MuJoCo."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from plastic_rl.nonstationary import BodyMass, DamagedActuators, Friction, Gravity, Listed, LogUniformValues
from plastic_rl.nonstationary.warp_worlds import WarpWorlds

pytest.importorskip("mujoco_warp", reason="mujoco-warp is not installed")
mujoco = pytest.importorskip("mujoco")

FRICTIONS = [0.02, 0.3, 1.0, 2.0]


@pytest.fixture(scope="module")
def worlds() -> WarpWorlds:
    import warp

    warp.config.quiet = True
    env = gymnasium.make("Ant-v5")
    env.reset(seed=0)
    made = WarpWorlds(env, Friction(), len(FRICTIONS), device="cpu")
    made.apply([{"friction": friction} for friction in FRICTIONS])
    np.testing.assert_array_equal(env.unwrapped.model.geom_friction[:, 0], np.ones(14), "the model is left as it was")
    return made


def ants() -> list:
    """MuJoCo's own: one environment for each friction."""
    envs = [gymnasium.make("Ant-v5").unwrapped for _ in FRICTIONS]
    for env, friction in zip(envs, FRICTIONS, strict=True):
        env.reset(seed=0)
        env.model.geom_friction[:, 0] = friction
    return envs


def place(worlds: WarpWorlds, envs: list) -> None:
    worlds.place(np.stack([env.data.qpos for env in envs]), np.stack([env.data.qvel for env in envs]))


def advance(worlds: WarpWorlds, envs: list, controls: np.ndarray, frames: int) -> np.ndarray:
    """How far each world's position is from MuJoCo's after the same controls."""
    worlds.step(controls, frames=frames)
    for env, control in zip(envs, controls, strict=True):
        env.data.ctrl[:] = control
        mujoco.mj_step(env.model, env.data, frames)
    return np.abs(worlds.positions - [env.data.qpos for env in envs]).max(axis=1)


def test_a_short_rollout_agrees_with_mujoco(worlds):
    """Five simulation steps in the air, within single precision; five more, in which feet strike, within 5e-3."""
    envs, generator = ants(), np.random.default_rng(0)
    place(worlds, envs)
    for tolerance in (1e-5, 5e-3):
        assert advance(worlds, envs, generator.uniform(-1, 1, (4, 8)), frames=5).max() < tolerance


def test_every_step_on_the_ground_agrees_with_mujoco(worlds):
    """From the same state, one simulation step: 1e-5 on most, 5e-3 where a foot strikes."""
    envs, generator = ants(), np.random.default_rng(0)
    distances = []
    for _ in range(60):
        place(worlds, envs)
        distances.append(advance(worlds, envs, generator.uniform(-1, 1, (4, 8)), frames=1))
    assert np.median(distances) < 1e-5
    assert np.max(distances) < 5e-3


def test_friction_is_each_worlds_own(worlds):
    place(worlds, ants())
    worlds.step(np.tile(np.random.default_rng(1).uniform(-1, 1, 8), (4, 1)), frames=60)
    assert np.abs(worlds.positions[0] - worlds.positions[3]).max() > 1e-2


def test_what_is_kept_once_for_all_worlds_is_refused():
    with pytest.raises(ValueError, match=r"Gravity writes opt\.gravity, which Warp keeps once"):
        WarpWorlds(gymnasium.make("Ant-v5"), Gravity(LogUniformValues(0.5, 2.0)), 2, device="cpu")


def test_every_world_needs_its_task(worlds):
    with pytest.raises(ValueError, match="one task for each of the 4 worlds is needed, got 1"):
        worlds.apply([{"friction": 1.0}])


def test_masses_and_damages_are_batched_too():
    env = gymnasium.make("Ant-v5")
    env.reset(seed=0)
    masses = WarpWorlds(env, BodyMass(LogUniformValues(0.5, 2.0)), 2, device="cpu")
    masses.apply([{"mass": 1.0}, {"mass": 2.0}])
    kept = masses._model.body_mass.numpy()
    np.testing.assert_allclose(kept[1], 2 * kept[0], rtol=1e-6)
    damaged = WarpWorlds(env, DamagedActuators(Listed([1.0])), 2, device="cpu")
    damaged.apply([{"damaged": []}, {"damaged": [3]}])
    assert np.abs(damaged._model.actuator_gainprm.numpy()[:, 3]).max(axis=1).tolist() == [1.0, 0.0]
