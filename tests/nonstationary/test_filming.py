"""Films: the same policy in each task, side by side, without a screen."""

from __future__ import annotations

import os
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

from plastic_rl.nonstationary import film, write_film


def frames(steps: int = 12) -> np.ndarray:
    def make() -> gymnasium.Env:
        return gymnasium.make("plastic_rl/PixelPermutedCatch-v0", render_mode="rgb_array")

    return film(make, lambda observation, step: step % 3, tasks=(0, 1, 2), steps=steps)


def test_tasks_stand_side_by_side_and_the_world_behind_permuted_senses_is_one():
    scenes = frames()
    assert scenes.shape == (12, 40, 120, 3)
    np.testing.assert_array_equal(scenes[:, :, :40], scenes[:, :, 40:80])
    assert np.abs(np.diff(scenes.astype(int), axis=0)).max() == 255, "the ball moves"


def test_films_are_written(tmp_path):
    imageio = pytest.importorskip("imageio")
    write_film(frames(5), tmp_path / "catch.gif")
    assert len(imageio.mimread(tmp_path / "catch.gif")) == 5


def test_mujoco_renders_without_a_screen():
    code = """
import gymnasium, numpy as np
from plastic_rl.nonstationary import film
make = lambda: gymnasium.make("plastic_rl/RecurringAnt-v0", render_mode="rgb_array", width=64, height=48)
scenes = film(make, lambda observation, step: np.ones(8, np.float32), tasks=(0, 2), steps=25)
assert scenes.shape == (25, 48, 128, 3)
np.testing.assert_array_equal(scenes[0, :, :64], scenes[0, :, 64:])
assert np.abs(scenes[-1, :, :64].astype(int) - scenes[-1, :, 64:]).max() > 20, "another ground, another pose"
"""
    headless = {**os.environ, "MUJOCO_GL": "egl"}
    done = subprocess.run([sys.executable, "-c", code], env=headless, capture_output=True, check=False)
    if b"OpenGL" in done.stderr or b"EGL" in done.stderr:
        pytest.skip("EGL is not installed")
    assert done.returncode == 0, done.stderr.decode()
