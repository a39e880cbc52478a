"""The control that keeps nothing: a fresh agent at each change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv
from torch.optim import Optimizer

from plastic_rl.optim import PlasticOptimizer
from plastic_rl.runs import random_state, restore_random_state
from plastic_rl.sb3.task_normalization import fresh_numbers, gives_what_is_seen, write_numbers

Maker = Callable[..., OnPolicyAlgorithm]
"""Builds an untrained model: ``make(env, seed=seed)``."""


class FreshAgent(PlasticOptimizer):
    """Has a model start from scratch when a task begins, and counts how often.

    Args:
        optimizer: the model's, with all its methods.
        start: makes the model the one that a number draws: 1 at the first change, 2 at the second.
    """

    def __init__(self, optimizer: Optimizer, *, start: Callable[[int], None]) -> None:
        super().__init__(optimizer)
        self.start, self.memory = start, {"times": 0}

    @property
    def waits_for_changes(self) -> bool:
        return True

    def at_change(self) -> None:
        self.memory["times"] += 1
        with torch.enable_grad():  # a model is built as it always is
            self.start(self.memory["times"])

    def metrics(self) -> dict[str, int | float]:
        """The number of fresh agents so far, the first aside."""
        return {**super().metrics(), "fresh/times": self.memory["times"]}


def fresh_at_changes(model: BaseAlgorithm, make: Maker) -> None:
    """Has a model start from scratch at each change that its environment announces: the control of all methods.

    ::

        make = partial(PPO, "MlpPolicy", learning_rate=1e-3)
        model = make(env, seed=0)
        fresh_at_changes(model, make)
        model.learn(1_000_000, callback=ChangeAnnouncements())

    Between the rollout that meets a new task and the next, the model becomes the one that
    ``make(env, seed=seed_of_agent(model.seed, changes))`` builds: its weights, its optimiser and the memory of its
    methods. The running statistics of a VecNormalize in training start anew, from the observations at hand. Episodes
    go on, and so does what is no part of an agent: the global generators, the clock, and with it a schedule of the
    learning rate. The count of changes travels in the optimiser's state.

    Args:
        model: on-policy, with a seed, and a policy that has one optimiser (PPO, A2C).
        make: builds a model like it on a vector environment that has its spaces alone.

    Raises:
        TypeError: the model learns off-policy.
        ValueError: it has no seed.
    """
    if not isinstance(model, OnPolicyAlgorithm):
        raise TypeError(f"fresh agents are on-policy ones such as PPO; got {type(model).__name__}")
    if model.seed is None:
        raise ValueError("the weights of fresh agents are a function of the model's seed, and it has none: give seed=0")
    # A function, which copies of the policy share: they would copy the model with it otherwise.
    optimizer = model.policy.optimizer
    model.policy.optimizer = FreshAgent(optimizer, start=lambda changes: start_over(model, make, changes))


def seed_of_agent(seed: int, changes: int) -> int:
    """The seed of the agent after so many changes; that of the first is the run's own.

    Args:
        seed: of the run.
        changes: so far.
    """
    return seed if changes == 0 else int(np.random.SeedSequence([seed, changes]).generate_state(1)[0])


def start_over(model: OnPolicyAlgorithm, make: Maker, changes: int) -> None:
    """Makes a model the one that was built with the seed of its agent after so many changes, between two rollouts."""
    assert model.seed is not None
    with generators_kept():
        fresh = make(_spaces_of(model), seed=seed_of_agent(model.seed, changes))
    parameters: Any = fresh.get_parameters()
    model.set_parameters(parameters, exact_match=True, device=model.device)
    restart_statistics(model)
    if model.use_sde:
        model.policy.reset_noise(model.n_envs)  # what there is was drawn by the old agent's log_std


def restart_statistics(model: OnPolicyAlgorithm) -> None:
    """Lets the running statistics of a model's VecNormalize start anew from the observations at hand, between rollouts.

    Nothing happens where there is none, or where it is frozen (``training=False``).

    Args:
        model: whose next observations are normalised by the new statistics.
    """
    wrapper = model.get_vec_normalize_env()
    if wrapper is None or not wrapper.training:
        return
    write_numbers(wrapper, fresh_numbers(wrapper))
    wrapper.returns = np.zeros_like(wrapper.returns)
    observations: Any = wrapper.get_original_obs()
    if wrapper.norm_obs:
        statistics: Any = wrapper.obs_rms
        for key, each in statistics.items() if isinstance(statistics, dict) else [(..., statistics)]:
            each.update(observations[key])
    if model.env is not None and gives_what_is_seen(model.env):
        model._last_obs = wrapper.normalize_obs(observations)


@contextmanager
def generators_kept() -> Iterator[None]:
    """Puts the global random generators back where they were."""
    state = random_state()
    try:
        yield
    finally:
        restore_random_state(state)


class _Spaces(gymnasium.Env[Any, Any]):
    """An environment to build models on, which nobody can live in."""

    def __init__(self, env: VecEnv) -> None:
        # Copies: whoever builds a model seeds its spaces.
        self.observation_space, self.action_space = deepcopy(env.observation_space), deepcopy(env.action_space)


def _spaces_of(model: OnPolicyAlgorithm) -> VecEnv:
    env = model.env
    assert env is not None
    return DummyVecEnv([lambda: _Spaces(env)] * env.num_envs)
