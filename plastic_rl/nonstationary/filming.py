"""One policy in several tasks, side by side on film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from plastic_rl.extras import needed
from plastic_rl.nonstationary.evaluation_worlds import stay_in_task

Policy = Callable[[Any, int], Any]
"""A policy: from what the agent sees, and the step of the film, to what it does."""


def film(
    make: Callable[[], gymnasium.Env[Any, Any]],
    policy: Policy,
    *,
    tasks: Sequence[int] = (0, 1),
    steps: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Frames of the same policy in each task, from the same beginning; an episode that ends begins again.

    On a machine without a screen, ``MUJOCO_GL=egl`` must be set before MuJoCo is imported.

    Args:
        make: Makes the environment, with ``render_mode="rgb_array"``.
        policy: Acts on what it sees in each task.
        tasks: The tasks' indices, from left to right.
        steps: How many frames.
        seed: Seed of the resets.

    Returns:
        Bytes of shape ``[steps, height, width · tasks, 3]``.
    """
    return np.concatenate([_scene(make(), policy, task, steps, seed) for task in tasks], axis=2)


def write_film(frames: np.ndarray, path: str | Path, *, frames_per_second: int = 20) -> None:
    """Writes frames as ``.gif`` (needs imageio), ``.mp4`` (needs imageio-ffmpeg too) or whatever else imageio can."""
    imageio: Any = needed("imageio", "write_film")
    timing = {"duration": 1000 / frames_per_second, "loop": 0} if Path(path).suffix == ".gif" else None
    imageio.mimsave(path, list(frames), **(timing or {"fps": frames_per_second}))


def _scene(env: gymnasium.Env[Any, Any], policy: Policy, task: int, steps: int, seed: int) -> np.ndarray:
    stay_in_task(env, task)
    frames, (observation, _) = [], env.reset(seed=seed)
    for step in range(steps):
        frames.append(np.array(env.render()))
        observation, _, terminated, truncated, _ = env.step(policy(observation, step))
        if terminated or truncated:
            observation, _ = env.reset(seed=seed + 1 + step)
    env.close()
    return np.stack(frames)
