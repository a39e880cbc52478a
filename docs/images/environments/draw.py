"""Draws the pictures of docs/environments.md: what is seen before a change, and after it.

MUJOCO_GL=egl python docs/images/environments/draw.py
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from imageio.v3 import imwrite

from plastic_rl.nonstationary import film, stay_in_task, write_film

HERE = Path(__file__).parent
SIZE = {"render_mode": "rgb_array", "width": 200, "height": 150}


def gait(_: Any, step: int) -> np.ndarray:
    """The same open-loop trot for every Ant: the hips swing, the ankles follow a quarter of a turn later."""
    phase = 2 * np.pi * step / 24
    sides = np.array([0, 0, np.pi, np.pi, 0, 0, np.pi, np.pi]) + np.tile([0, np.pi / 2], 4)
    return np.sin(phase + sides).astype(np.float32)


def push(_: Any, step: int) -> np.ndarray:
    """The same swinging of six joints."""
    return np.sin(2 * np.pi * step / 20 + np.arange(6)).astype(np.float32)


ROBOTS: dict[str, tuple[str, Callable[[Any, int], Any], tuple[int, int]]] = {
    "slippery": ("SlipperyAnt", gait, (1, 2)),
    "gravity": ("GravityAnt", gait, (1, 2)),
    "heavy": ("HeavyAnt", gait, (1, 2)),
    "damaged": ("DamagedAnt", gait, (0, 1)),
    "recurring": ("RecurringAnt", gait, (0, 2)),
    "slippery-halfcheetah": ("SlipperyHalfCheetah", push, (1, 2)),
}
SENSES = {"permuted": "PermutedAnt", "noisy": "NoisyCartPole"}


def made(name: str, **settings: Any) -> Callable[[], gymnasium.Env]:
    """A function that makes the world of that name."""
    return lambda: gymnasium.make(f"plastic_rl/{name}-v0", **settings)


def draw_robots() -> None:
    """The same policy in two tasks, side by side, after three seconds; and the first pair as a film."""
    for picture, (name, policy, tasks) in ROBOTS.items():
        frames = film(made(name, **SIZE), policy, tasks=tasks, steps=60)
        imwrite(HERE / f"{picture}.png", frames[-1])
        if picture == "slippery":
            write_film(frames[::2], HERE / "slippery.gif", frames_per_second=10)


def draw_shifting_cartpole() -> None:
    """Two tasks with the same pushes."""
    frames = film(made("ShiftingCartPole", render_mode="rgb_array"), lambda _, step: step % 2, tasks=(1, 2), steps=20)
    imwrite(HERE / "shifting.png", frames[-1, ::3, ::3])


def draw_chains() -> None:
    """Each environment of a chain, as far as it is installed."""
    classic = made("ClassicChain", render_mode="rgb_array")
    images = [film(classic, lambda _, step: 0, tasks=(task,), steps=8)[-1] for task in (0, 1, 2)]
    imwrite(HERE / "classic-chain.png", np.concatenate([shrunk(image) for image in images], axis=1))
    try:
        games = film(made("MinAtarChain", render_mode="rgb_array"), lambda _, step: step % 6, tasks=(0, 1, 2), steps=40)
    except gymnasium.error.DependencyNotInstalled:
        return
    imwrite(HERE / "minatar-chain.png", games[-1])


def shrunk(image: np.ndarray, height: int = 120) -> np.ndarray:
    """Every n-th row and column, cut to one height and width."""
    every = max(image.shape[0] // height, 1)
    return image[::every, ::every][:height, : height + height // 2]


def draw_senses() -> None:
    """Entry by step, before a change of the senses and after it, with a white line between."""
    for picture, name in SENSES.items():
        before, after = (life(made(name, change_every=1)(), task, steps=60) for task in (1, 2))
        imwrite(HERE / f"{picture}.png", raster(np.concatenate([before, after]).T))


def life(env: gymnasium.Env, task: int, steps: int) -> np.ndarray:
    """What is seen under random actions in one task, with resets where episodes end."""
    stay_in_task(env, task)
    env.action_space.seed(0)
    seen = [env.reset(seed=0)[0]]
    while len(seen) < steps:
        observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
        seen.append(env.reset()[0] if terminated or truncated else observation)
    return np.array(seen)


def raster(entries: np.ndarray) -> np.ndarray:
    """Grey levels, the same scale in every row, with the change in the middle."""
    bound = np.quantile(np.abs(entries), 0.98)
    grey = (127.5 * (1 + np.clip(entries / bound, -1, 1))).astype(np.uint8)
    half = entries.shape[1] // 2
    line = np.full((len(grey), 1), 255, np.uint8)
    cell = max(96 // len(grey), 3)
    return np.concatenate([grey[:, :half], line, grey[:, half:]], axis=1).repeat(cell, 0).repeat(3, 1)


def draw_pixels() -> None:
    """What the agent sees of the same moment in four tasks."""
    images = []
    for task in range(4):
        observation = life(made("PixelPermutedCatch")(), task, steps=4)[-1]
        images.append(np.pad(observation[..., 0].repeat(3, 0).repeat(3, 1), 4, constant_values=90))
    imwrite(HERE / "pixel-permuted.png", np.concatenate(images, axis=1))


def main() -> None:
    """Draws them all."""
    warnings.simplefilter("ignore")
    for draw in (draw_robots, draw_shifting_cartpole, draw_chains, draw_senses, draw_pixels):
        draw()
    print(f"drawn into {HERE.relative_to(Path.cwd()) if HERE.is_relative_to(Path.cwd()) else HERE}")


if __name__ == "__main__":
    sys.exit(main())
