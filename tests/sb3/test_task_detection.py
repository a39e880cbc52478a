"""Tasks that nobody announces: who acts when, who learns from what, and that runs are gone on with exactly."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import torch
from sides import Sides
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from training import are_equal, learn_in

from plastic_rl.runs import Checkpoints, seed_everything
from plastic_rl.sb3 import TaskSwitch, detect_tasks, remember_tasks
from plastic_rl.sb3.algorithm_state import restore_algorithm_state
from plastic_rl.sb3.tasks import detector_of, tasks_of

FIXTURES = Path(__file__).parents[1] / "fixtures"
SMALL = {"n_steps": 32, "batch_size": 32, "n_epochs": 1, "policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu"}


class Diary(BaseCallback):
    """Notes who acts after each step, and from whose transitions each rollout is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[Any] = []
        self.trained: list[tuple[Any, set[float]]] = []

    def _on_step(self) -> bool:
        self.acting.append(tasks_of(self.model).active)
        return True

    def _on_rollout_end(self) -> None:
        self.trained.append((tasks_of(self.model).active, set(self.model.rollout_buffer.rewards.flatten().tolist())))


def detecting(env: Any, **settings: Any) -> PPO:
    model = PPO("MlpPolicy", env, **SMALL)
    remember_tasks(model, first_task=0)
    detect_tasks(model, **settings)
    return model


def sides(copies: int = 1, change_every: int = 200) -> DummyVecEnv:
    return DummyVecEnv([partial(Sides, change_every)] * copies)


def test_the_policy_switches_soon_after_the_world_and_back_when_it_returns():
    model, diary = detecting(sides()), Diary()
    model.learn(640, callback=CallbackList([TaskSwitch(), diary]))
    switches = [step for step in range(1, 640) if diary.acting[step] != diary.acting[step - 1]]
    assert [diary.acting[step] for step in switches] == [1, 0, 1]
    assert all(0 < step - 200 * (index + 1) < 25 for index, step in enumerate(switches))
    assert tasks_of(model).tasks == [0, 1]


def test_no_task_learns_from_what_is_found_to_be_of_another_world():
    """The rollout from step 192 on has seven steps of the first world, and the change is noticed in it."""
    model, diary = detecting(sides()), Diary()
    model.learn(256, callback=CallbackList([TaskSwitch(), diary]))
    assert [rewards for _, rewards in diary.trained[:6]] == [{1.0}] * 6
    assert [task for task, _ in diary.trained] == [0] * 6 + [1] * 2
    assert [rewards for _, rewards in diary.trained[6:]] == [{-1.0}] * 2


def test_a_world_that_stays_has_one_task_and_trains_as_if_it_were_announced():
    trained = []
    for detects in (False, True):
        model = PPO("MlpPolicy", sides(copies=2, change_every=10_000), **SMALL)
        remember_tasks(model, first_task=0)
        if detects:
            detect_tasks(model)
        model.learn(512, callback=TaskSwitch())
        assert tasks_of(model).tasks == [0]
        trained.append(torch.nn.utils.parameters_to_vector(model.policy.parameters()))
    assert torch.equal(*trained)


def test_the_detector_sees_what_was_before_normalisation():
    plain, normalised = detecting(sides(copies=2)), detecting(VecNormalize(sides(copies=2)))
    for model in (plain, normalised):
        model.learn(640, callback=TaskSwitch())
        assert tasks_of(model).tasks == [0, 1]
    means = [detector_of(model).models[0].moments.mean[:2] for model in (plain, normalised)]
    deviations = [detector_of(model).models[0].moments.target_mean[-1] for model in (plain, normalised)]
    assert all(mean.abs().max() < 1 for mean in means)
    assert deviations == [pytest.approx(1), pytest.approx(1)]  # the reward as it is paid


def trained_in(path: Path, total_steps: int) -> PPO:
    seed_everything(0)
    model = detecting(VecNormalize(sides(copies=2, change_every=93)))
    return learn_in(path, model, total_steps, checkpoint_seconds=0.0)


def test_a_run_in_parts_is_the_run_in_one_even_where_it_stops_before_an_alarm(tmp_path: Path):
    whole = trained_in(tmp_path / "whole", 640)
    for steps in (192, 384):  # three and six steps of each copy after a change
        half = trained_in(tmp_path / "parts", steps)
        assert max(each.statistic for each in detector_of(half).suspicions) > 0
    parts = trained_in(tmp_path / "parts", 640)
    watchers = [detector_of(model) for model in (whole, parts)]
    assert watchers[0].regimes == watchers[1].regimes
    assert len(watchers[0].models) == 2
    for name, model in watchers[0].models.items():
        assert torch.equal(model.moments.products, watchers[1].models[name].moments.products)
    vectors = [torch.nn.utils.parameters_to_vector(model.policy.parameters()) for model in (whole, parts)]
    assert torch.equal(*vectors)


def test_the_worlds_that_are_known_travel_in_a_zip(tmp_path: Path):
    model = detecting(sides(copies=2))
    model.learn(640, callback=TaskSwitch())
    model.save(tmp_path / "model")
    other = detecting(sides(copies=2))
    other.set_parameters(str(tmp_path / "model"))
    ours, theirs = (detector_of(each) for each in (model, other))
    assert list(theirs.models) == [0, 1]
    assert torch.equal(ours.models[1].moments.products, theirs.models[1].moments.products)
    PPO.load(tmp_path / "model", device="cpu")


def test_a_zip_of_earlier_days_opens_with_its_tasks_and_its_worlds():
    """Saved when the decomposition of the policy held the detector itself (tests/fixtures/README.md)."""
    other = detecting(sides(copies=2))
    other.set_parameters(str(FIXTURES / "detected_tasks.zip"))
    tasks, detector = tasks_of(other), detector_of(other)
    assert tasks.tasks == list(detector.models) == [0, 1]
    assert detector.regimes == [1, 1]
    assert all(float(model.moments.covariance.diagonal().min()) >= 0 for model in detector.models.values())
    assert not any(model.is_young for model in detector.models.values())
    plain = PPO.load(FIXTURES / "detected_tasks.zip", device="cpu")
    assert torch.equal(*(torch.nn.utils.parameters_to_vector(model.policy.parameters()) for model in (plain, other)))
    announced = PPO("MlpPolicy", sides(copies=2), **SMALL)
    remember_tasks(announced, first_task=0).load_state_dict(tasks.state_dict())
    assert tasks_of(announced).tasks == [0, 1]


def test_a_run_of_earlier_days_is_gone_on_with(tmp_path: Path):
    """Its checkpoint was saved six steps of each copy after the fourth change, when nobody had noticed it yet."""
    shutil.copytree(FIXTURES / "detected_tasks_checkpoints", tmp_path / "run" / "checkpoints")
    state = Checkpoints(tmp_path / "run" / "checkpoints").latest()[1]["algorithm"]
    model = detecting(sides(copies=2, change_every=93))
    restore_algorithm_state(model, state)
    saved = state["parameters"]["policy.optimizer"]["AdditiveOptimizer"]
    assert are_equal(tasks_of(model).state_dict()["detector"]["suspicions"], saved["detector"]["suspicions"])
    assert [each.statistic for each in detector_of(model).suspicions] == [7.0, 7.0]
    learnt_before = saved["detector"]["models"][0][1]["moments"]["products"]
    assert torch.equal(detector_of(model).models[0].moments.products, learnt_before)
    assert tasks_of(model).active == detector_of(model).latest
    diary = Diary()
    model.learn(64, callback=CallbackList([TaskSwitch(), diary]), reset_num_timesteps=False)
    switches = [step for step in range(1, 32) if diary.acting[step] != diary.acting[step - 1]]
    assert switches
    assert switches[0] < 20
    assert tasks_of(model).tasks == [0, 1]


def test_what_cannot_be_detected_is_refused(tmp_path: Path):
    model = PPO("MlpPolicy", sides(), **SMALL)
    with pytest.raises(ValueError, match=r"call remember_tasks\(model\) first"):
        detect_tasks(model)
    remember_tasks(model)
    model.save(tmp_path / "announced")
    with pytest.raises(ValueError, match="the saved tasks were announced"):
        detecting(sides()).set_parameters(str(tmp_path / "announced"))
    tasks_of(model).new_task()
    with pytest.raises(ValueError, match=r"worlds of tasks \[0, 1\]: detect tasks from the first one on"):
        detect_tasks(model)
    images = DummyVecEnv([lambda: gymnasium.make("plastic_rl.nonstationary:plastic_rl/PixelPermutedCatch-v0")])
    model = PPO("CnnPolicy", images, n_steps=8, batch_size=8, device="cpu")
    remember_tasks(model)
    with pytest.raises(ValueError, match="observations that are vectors, got Box"):
        detect_tasks(model)
