"""Models that are played beside their training: the best one is kept, and all tasks so far make a matrix."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from training import EAGER, learn, make, same_optimizers, same_parameters

from plastic_rl.nonstationary import Change, Every, Nonstationary
from plastic_rl.sb3 import Evaluation, TaskReturns, plastic
from plastic_rl.sb3.playing import mean_return


class Tray(gymnasium.Env[np.ndarray, int]):
    """Ten steps, each of which pays what the task says."""

    observation_space, action_space = Box(-1, 1, (2,)), Discrete(2)
    pay = 1.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(2, dtype=np.float32), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return np.zeros(2, dtype=np.float32), self.pay, self.steps == 10, False, {}


class Pay(Change):
    """Task k pays k + 1 a step."""

    def draw(self, index: int, draws: Any) -> dict[str, Any]:
        return {"pay": float(index + 1)}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Any) -> None:
        env.unwrapped.pay = parameters["pay"]


def world() -> gymnasium.Env[Any, Any]:
    return Nonstationary(Tray(), Pay(), Every(100))


def model(**settings: Any) -> Any:
    return make(plastic(PPO), env=DummyVecEnv([lambda: Monitor(world())]), **settings)


def test_a_model_is_evaluated_in_the_task_of_its_training_and_the_best_of_the_task_is_kept(tmp_path: Path):
    file, memory = tmp_path / "best_model.zip", dict[str, Any]()
    lines = learn(model(), 256, callback=Evaluation(world, 64, episodes=2, best=file, memory=memory))
    # After 64, 128, 192 and 256 steps: tasks 0, 1, 1 and 2, which pay ten times 1, 2, 2 and 3.
    assert [line["evaluation/return"] for line in lines if "evaluation/return" in line] == [10, 20, 20, 30]
    assert memory == {"task": 2, "return": 30.0}
    assert "policy.pth" in zipfile.ZipFile(file).namelist()


def test_when_the_task_changes_the_comparison_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results = iter([5.0, 3.0, 4.0, 1.0])
    monkeypatch.setattr("plastic_rl.sb3.evaluation_callback.mean_return", lambda *_: next(results))
    lines = learn(model(), 256, callback=Evaluation(world, 64, best=tmp_path / "best.zip"))
    assert [line["evaluation/best"] for line in lines if "evaluation/best" in line] == [5.0, 3.0, 4.0, 1.0]


def test_within_a_task_a_worse_model_does_not_replace_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results, saved = iter([5.0, 3.0, 6.0]), list[int]()
    monkeypatch.setattr("plastic_rl.sb3.evaluation_callback.mean_return", lambda *_: next(results))
    fixed = make(plastic(PPO))
    monkeypatch.setattr(fixed, "save", lambda file: saved.append(fixed.num_timesteps))
    learn(fixed, 192, callback=Evaluation(lambda: gymnasium.make("CartPole-v1"), 64, best=tmp_path / "best.zip"))
    assert saved == [64, 192]


def test_all_tasks_so_far_are_played_when_one_has_ended():
    returns = TaskReturns(world, episodes=1)
    learn(model(), 256, callback=returns)
    assert returns.rows == [[10.0, 20.0], [10.0, 20.0, 30.0]]
    found = returns.numbers()
    assert found["matrix/average"] == 15
    assert found["forgetting"] == found["transfer/backward"] == found["transfer/forward"] == 0
    assert found["matrix/task_2"] == 30


def test_a_matrix_that_would_lack_its_first_rows_is_not_begun(caplog: pytest.LogCaptureFixture):
    returns, late = TaskReturns(world, episodes=1), model()
    learn(late, 128)
    with caplog.at_level("WARNING", logger="plastic_rl"):
        learn(late, 320, callback=returns, reset_num_timesteps=False)
    assert returns.rows == []
    assert [message for message in caplog.messages if "there is no matrix" in message] == [
        "Task 1 has ended, but not the tasks before it were played: there is no matrix."
    ]


def test_the_training_is_bit_for_bit_the_same_beside_them(tmp_path: Path):
    models: list[Any] = []
    for callbacks in ([], [Evaluation(world, 64, best=tmp_path / "best.zip"), TaskReturns(world, 1)]):
        models.append(model(plasticity=EAGER))
        learn(models[-1], 256, callback=callbacks)
    assert same_parameters(*models)
    assert same_optimizers(*models)


def test_observations_are_normalised_as_in_training_and_the_statistics_stay():
    env = VecNormalize(DummyVecEnv([Tray]), norm_reward=False)
    env.obs_rms.mean = np.array([1.0, 2.0])
    seen: list[np.ndarray] = []

    class Player:
        def predict(self, observation: np.ndarray, deterministic: bool) -> tuple[int, None]:
            seen.append(observation)
            return 0, None

    count = env.obs_rms.count
    assert mean_return(Player(), Tray(), 2, env) == 10
    np.testing.assert_allclose(seen[0], [-1, -2], rtol=1e-4)
    assert env.obs_rms.count == count


def test_numbers_and_worlds_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="every and episodes must be 1 or more"):
        Evaluation(world, 0)
    with pytest.raises(ValueError, match="never changes"):
        make().learn(64, callback=TaskReturns(Tray))
