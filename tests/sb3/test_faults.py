"""Numbers gone bad: everything that is saved is looked at, and what was at fault is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from training import EAGER, learn_in

from plastic_rl.errors import RunError
from plastic_rl.runs import RunFolder
from plastic_rl.sb3 import plastic

SMALL = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "policy_kwargs": {"net_arch": [4]}, "seed": 0, "device": "cpu"}
STEEP = {"net_arch": [16, 16], "activation_fn": torch.nn.ReLU}
STEPS = 64


class Point(gymnasium.Env):
    """Gives what it is told to from some step on, with episodes of five steps."""

    observation_space, action_space = Box(-np.inf, np.inf, (3,), np.float32), Discrete(2)

    def __init__(self, *, seen: float = 0.5, paid: float = 1.0, task: float | None = None, after: int = 20) -> None:
        self.seen, self.paid, self.task, self.after, self.steps = seen, paid, task, after, 0

    def look(self) -> Any:
        looked = np.full(3, 0.5, dtype=np.float32)
        if self.steps > self.after:
            looked[1] = self.seen
        return looked

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.look(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        paid = self.paid if self.steps > self.after else 1.0
        info = {} if self.task is None else {"task": {"index": 2, "friction": self.task}}
        return self.look(), paid, self.steps % 5 == 0, False, info


class Named(Point):
    observation_space = Dict({"place": Point.observation_space, "picture": Box(0, 255, (2, 2), np.uint8)})

    def look(self) -> Any:
        return {"place": super().look(), "picture": np.zeros((2, 2), dtype=np.uint8)}


def told(path: Path, model: Any) -> str:
    """What is said of a run that has gone wrong, after a look at what it has saved."""
    with pytest.raises(RunError) as ill:
        learn_in(path, model, STEPS, checkpoint_seconds=0.0)
    step, state = RunFolder(path).checkpoints.latest()
    assert all(torch.isfinite(value).all() for value in state["algorithm"]["parameters"]["policy"].values())
    assert str(RunFolder(path).checkpoints.directory) in str(ill.value)
    assert step <= model.num_timesteps
    return str(ill.value)


@pytest.mark.parametrize("algorithm", [PPO, A2C])
@pytest.mark.parametrize(
    ("world", "what"),
    [
        (lambda: Point(seen=np.nan), "the observation is nan"),
        (lambda: Point(seen=-np.inf), "the observation is -inf"),
        (lambda: Point(seen=np.nan, after=30), "the observation is nan"),  # the last of a rollout
        (lambda: Point(paid=np.nan), "the reward is nan"),
        (lambda: Point(paid=np.inf), "the reward is inf"),
        (lambda: Point(seen=np.nan, task=0.3), "the observation is nan in task 2"),
        (lambda: Point(seen=np.nan, task=np.nan), "task 2 has friction nan"),
        (lambda: Named(seen=np.nan), "the observation 'place' is nan"),
    ],
)
def test_what_the_world_gave_is_not_blamed_on_the_learning_rate(
    tmp_path: Path, algorithm: type, world: Callable[[], Point], what: str
):
    settings = {**SMALL, "policy_kwargs": {"net_arch": [4]}}  # of its own, as A2C writes into it
    for name in ("batch_size", "n_epochs") if algorithm is A2C else ():
        del settings[name]
    policy = "MultiInputPolicy" if isinstance(world(), Named) else "MlpPolicy"
    message = told(tmp_path, algorithm(policy, DummyVecEnv([world]), **settings))
    assert f": {what}. The last healthy checkpoint" in message
    assert "learning_rate" not in message
    assert ("correct the tasks" if "friction" in what else "no setting of the agent mends it") in message


def test_the_same_is_said_where_distributions_do_not_look(tmp_path: Path):
    """As from the first `torch.compile` in a process on."""
    torch.distributions.Distribution.set_default_validate_args(False)
    env = DummyVecEnv([lambda: Named(seen=np.nan)])
    message = told(tmp_path, PPO("MultiInputPolicy", env, **{**SMALL, "policy_kwargs": {"net_arch": [4]}}))
    assert ": the observation 'place' is nan. The last healthy checkpoint" in message


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_statistics_of_a_vec_normalize_are_looked_at(tmp_path: Path):
    """It clips what it gives on: an infinite reward is a finite one to the learner, and its statistics are lost."""
    message = told(tmp_path, PPO("MlpPolicy", VecNormalize(DummyVecEnv([lambda: Point(paid=np.inf)])), **SMALL))
    assert "the running statistics of VecNormalize are not finite" in message or "the reward is nan" in message
    assert "learning_rate" not in message


def spoilt(spoil: Callable[[Any], None], **settings: Any) -> Any:
    """A model in whose third update something becomes infinite."""
    model = plastic(PPO)("MlpPolicy", DummyVecEnv([Point]), **{**SMALL, **settings})
    plain_train = model.train

    def train() -> None:
        plain_train()
        if model.num_timesteps == 48:
            spoil(model)

    model.train = train
    return model


def moments(model: Any) -> None:
    first = next(model.policy.parameters())
    model.policy.optimizer.state[first]["exp_avg_sq"].fill_(torch.inf)


def memory(model: Any) -> None:
    for watched in model.policy.optimizer.watched:
        watched.average.fill_(torch.nan)


@torch.no_grad()
def weights(model: Any) -> None:
    next(model.policy.parameters()).fill_(torch.nan)


@pytest.mark.parametrize(
    ("spoil", "settings", "what"),
    [
        (moments, {}, r"policy.optimizer.state.0.exp_avg_sq is no longer made of finite numbers"),
        (moments, {"plasticity": EAGER}, r"\S+exp_avg_sq is no longer made of finite numbers"),
        (memory, {"plasticity": EAGER}, r"policy.optimizer.ContinualBackprop\S* is no longer made of finite numbers"),
        (weights, {}, r"policy.mlp_extractor.policy_net.0.weight is no longer made of finite numbers"),
    ],
)
def test_all_that_is_saved_is_looked_at_before_it_is(
    tmp_path: Path, spoil: Callable[[Any], None], settings: dict[str, Any], what: str
):
    model = spoilt(spoil, **settings)
    with pytest.raises(RunError, match=f"Step 48: {what}.*learning_rate"):
        learn_in(tmp_path, model, STEPS, checkpoint_seconds=0.0)
    assert RunFolder(tmp_path).checkpoints.latest()[0] == 32


@pytest.mark.parametrize("settings", [{}, {"plasticity": EAGER}])
def test_a_gradient_that_is_no_number_stops_the_run_before_it_is_saved(tmp_path: Path, settings: dict[str, Any]):
    def gradients(model: Any) -> None:
        next(model.policy.parameters()).register_hook(lambda gradient: gradient * torch.nan)

    with pytest.raises(RunError, match=r"Step 64: .* no longer made of finite numbers"):
        learn_in(tmp_path, spoilt(gradients, **settings), STEPS, checkpoint_seconds=0.0)
    assert RunFolder(tmp_path).checkpoints.latest()[0] == 48


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_learning_rate_of_a_billion_is_explained(tmp_path: Path):
    model = PPO("MlpPolicy", "CartPole-v1", learning_rate=1e9, max_grad_norm=1e9, **{**SMALL, "policy_kwargs": STEEP})
    message = told(tmp_path, model)
    assert "try a smaller agent.learning_rate" in message


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("world", "said"),
    [
        (lambda: Point(seen=3e38), "the largest observation was 3e+38: scale them"),
        (lambda: Point(paid=-3e37), "the largest reward was 3e+37: scale them"),
    ],
)
def test_what_is_too_large_for_the_network_is_told_from_steps_that_are(
    tmp_path: Path, world: Callable[[], Point], said: str
):
    message = told(tmp_path, PPO("MlpPolicy", DummyVecEnv([world]), **{**SMALL, "policy_kwargs": STEEP}))
    assert said in message
    assert "learning_rate" not in message


def test_what_somebody_elses_code_refuses_is_passed_on_as_it_is(tmp_path: Path):
    class Refuses(Point):
        def step(self, action: Any) -> Any:
            if self.steps == 20:
                raise ValueError("the door is shut\nand bolted")
            return super().step(action)

    message = told(tmp_path, PPO("MlpPolicy", DummyVecEnv([Refuses]), **SMALL))
    assert message.startswith("Step 20: the door is shut. The last healthy checkpoint")
    assert "learning_rate" not in message
