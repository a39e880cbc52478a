"""The bases of all recipes of problems: settings, and an environment or a stream that is made from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from plastic_rl.choices import Actions
from plastic_rl.settings import Count, OptionalCount, Positive

if TYPE_CHECKING:
    import gymnasium
    from stable_baselines3.common.vec_env import VecEnv

    from plastic_rl.streams import Stream
    from plastic_rl.streams.data.images import ImageSet


@dataclass
class Problem:
    """The settings of a problem."""

    agent_settings: ClassVar[Mapping[str, object]] = {}
    """Settings that an agent should use here unless the command line says otherwise, if it has them."""

    added_later: ClassVar[Mapping[str, object]] = {}
    """Settings that came with a later version, with the values at which nothing changes: runs from before are found."""

    @classmethod
    def steps_of_a_run(cls) -> int | None:
        """Return how many steps a run takes unless the command line says otherwise; None where its tasks say it."""
        return None


@dataclass
class SupervisedStream(Problem, ABC):
    """The settings of a supervised problem that arrives task by task."""

    @abstractmethod
    def build(self, *, seed: int, device: str) -> Stream:
        """Return the stream.

        Args:
            seed: Of its tasks, and of the order of its examples.
            device: The torch device where its examples are to lie.
        """


@dataclass
class ImageStream(SupervisedStream):
    """The settings of a stream that is made of a data set of images."""

    data_folder: str | None = None  # where data sets are (docs/data.md); None for the user's cache folder
    download: bool = True  # a data set that is not there, into that folder

    def load(self, name: str, device: str, *, scrambled: bool = False) -> ImageSet:
        """Return a data set on a device; the streams of all seeds share it.

        Args:
            name: Of the data set (`plastic_rl.streams.data.datasets.DATASETS`).
            device: A torch device.
            scrambled: Take channel-first images for channel-last, as the released APD code does.
        """
        from plastic_rl.streams.data.images import load_images

        return load_images(name, self.data_folder, device=device, download=self.download, scrambled=scrambled)


@dataclass
class Environment(Problem, ABC):
    """The settings of a reinforcement-learning problem."""

    total_steps: ClassVar[int]
    """The steps of a run here unless the command line says otherwise."""

    actions: ClassVar[Actions]
    """The kind of actions that it takes."""

    n_envs: Count = 1  # sub-environments stepped together; 1 is the papers' setting
    tasks: str | None = None  # a file of tasks to go through instead of drawing them, as runs write them (tasks.jsonl)

    @classmethod
    def steps_of_a_run(cls) -> int | None:
        return cls.total_steps

    @abstractmethod
    def build(self, *, seed: int, render_mode: str | None = None) -> gymnasium.Env:
        """Return one environment.

        Args:
            seed: Seed of the sequence of tasks, the same in every sub-environment.
            render_mode: Gymnasium's, "rgb_array" to be filmed; None where nobody looks.
        """

    def make(self, seed: int) -> VecEnv:
        """Return the sub-environments of a run, monitored and seeded.

        Args:
            seed: The run's seed: of the tasks, and of the sub-environments' own randomness.
        """
        from stable_baselines3.common.monitor import Monitor
        from stable_baselines3.common.vec_env import DummyVecEnv

        copies = [lambda: self._learned_from(Monitor(self.build_one(seed))) for _ in range(self.n_envs)]
        env = DummyVecEnv(copies)
        env.seed(seed)
        return env

    def build_one(self, seed: int, render_mode: str | None = None) -> gymnasium.Env:
        """Return one environment as an agent meets it.

        Args:
            seed: Seed of the sequence of tasks.
            render_mode: See :meth:`build`.
        """
        return self._prepared(self.build(seed=seed, render_mode=render_mode))

    def _prepared(self, env: gymnasium.Env) -> gymnasium.Env:
        return self._with_tasks(env)

    def _learned_from(self, env: gymnasium.Env) -> gymnasium.Env:
        """Return one environment, whose returns are measured, as an agent learns from it."""
        return env

    def _with_tasks(self, env: gymnasium.Env) -> gymnasium.Env:
        from plastic_rl.errors import UserError
        from plastic_rl.nonstationary import read_tasks

        if self.tasks is None:
            return env
        if not env.has_wrapper_attr("follow"):
            raise UserError(f"env.tasks={self.tasks} is of no use here: {env} draws no tasks")
        try:
            env.get_wrapper_attr("follow")(read_tasks(self.tasks))
        except OSError as error:
            raise UserError(f"env.tasks={self.tasks} cannot be read: {error.strerror or error}") from error
        return env


# Steps to a change that no run comes to.
NEVER = 2**62

# An agent for classic control and the like: a small network that learns fast.
SMALL_PROBLEM: Mapping[str, object] = {
    "learning_rate": 1e-3,
    "rollout_steps": 1024,
    "hidden_units": 64,
    "maturity_threshold": 500,  # minibatch updates; at 80 a rollout, 6,400 environment steps
}


@dataclass
class World(Environment):
    """The settings of a world that plastic_rl registers under the name of the class; its fields are its keywords."""

    is_drawn: ClassVar[bool] = True
    """True if its tasks are drawn, so that it takes a seed; else they come in a fixed order."""

    added_later: ClassVar[Mapping[str, object]] = {
        "changes": True,
        "told": False,
        "episode_steps": None,
        "reward_scale": 1.0,
        "first_clean": False,
    }

    changes: bool = True  # false is a control: the first task for ever
    told: bool = False  # true is a control: the observation says in which task the world is
    episode_steps: OptionalCount = None  # the longest episode; None for the world's own limit
    reward_scale: Positive = 1.0  # of what the agent learns from; returns are reported as the world pays them

    def build(self, *, seed: int, render_mode: str | None = None) -> gymnasium.Env:
        import gymnasium

        from plastic_rl.errors import UserError

        world = f"plastic_rl.nonstationary:plastic_rl/{type(self).__name__}-v0"
        drawn: dict[str, Any] = {"seed": seed} if self.is_drawn else {}
        seen: dict[str, Any] = {} if render_mode is None else {"render_mode": render_mode}
        try:
            return gymnasium.make(
                world, max_episode_steps=self.episode_steps, copies=self.n_envs, **drawn, **seen, **self.keywords()
            )
        except gymnasium.error.DependencyNotInstalled as error:
            raise UserError(f"{world} needs a package that is not installed: {error}") from error

    def keywords(self) -> dict[str, Any]:
        """Return the fields that are the world's own."""
        shared = {setting.name for setting in fields(World)}
        own = {setting.name: getattr(self, setting.name) for setting in fields(self) if setting.name not in shared}
        return own if self.changes else {**own, "change_every": NEVER}

    def first_change(self) -> int | None:
        """Return the environment step of the first change; None where there is none, or nobody knows before."""
        return self.keywords()["change_every"] if self.changes else None

    def _prepared(self, env: gymnasium.Env) -> gymnasium.Env:
        from plastic_rl.errors import UserError
        from plastic_rl.nonstationary import tell_task

        env = super()._prepared(env)
        if not self.told:
            return env
        try:
            return tell_task(env)
        except ValueError as error:
            raise UserError(f"env.told=true cannot be here: {error}") from error

    def _learned_from(self, env: gymnasium.Env) -> gymnasium.Env:
        from gymnasium.wrappers import TransformReward

        return env if self.reward_scale == 1 else TransformReward(env, lambda reward: float(reward) * self.reward_scale)
