"""Policies that remember tasks: who acts when, who learns from what, and what is there when a task returns."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import TimeLimit
from places import SMALL, A, B, Places, weights
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from training import learn_in

from plastic_rl.nonstationary import Cycle, Every, Nonstationary, PermuteObservations
from plastic_rl.optim import ContinualBackprop
from plastic_rl.runs import read_metrics, seed_everything
from plastic_rl.sb3 import plastic, remember_tasks
from plastic_rl.sb3.task_switch import TaskSwitch, keep_only
from plastic_rl.sb3.tasks import task_name, tasks_of


class Diary(BaseCallback):
    """Notes who acts, what is left of each rollout, and what each task's policy is when a rollout begins."""

    def __init__(self) -> None:
        super().__init__()
        self.acted: list[Any] = []
        self.acting_weights: list[torch.Tensor] = []
        self.trained: list[tuple[Any, np.ndarray]] = []
        self.policies: list[dict[Any, torch.Tensor]] = []

    def _on_rollout_start(self) -> None:
        tasks = tasks_of(self.model)
        self.policies.append({})
        for name in tasks.tasks:
            with tasks.task(name):
                self.policies[-1][name] = weights(self.model)

    def _on_step(self) -> bool:
        self.acted.append(tasks_of(self.model).active)  # from the next step on
        self.acting_weights.append(weights(self.model))
        return True

    def _on_rollout_end(self) -> None:
        self.trained.append((tasks_of(self.model).active, self.model.rollout_buffer.observations.copy()))


def in_places(*copies: tuple[list[int], int], **settings: Any) -> PPO:
    env = DummyVecEnv([partial(Places, *copy) for copy in copies])
    return PPO("MlpPolicy", env, **{**SMALL, **settings})


def told(model, steps: int) -> Diary:
    diary = Diary()
    model.learn(steps, callback=CallbackList([TaskSwitch(), diary]))
    return diary


def test_a_task_is_called_by_its_parameters_whatever_its_index():
    assert task_name({"index": 3, "friction": 0.5}) == task_name({"friction": 0.5, "index": 0}) == '{"friction": 0.5}'
    assert task_name({"index": 0, "signs": np.array([1, -1])}) == '{"signs": [1, -1]}'


def test_the_actor_is_decomposed_and_the_critic_is_each_tasks_own():
    model = in_places(([0], 4), n_steps=8)
    tasks = remember_tasks(model)
    assert [layer.name for layer in tasks.layers] == ["mlp_extractor.policy_net.0.weight"]
    assert {"mlp_extractor.value_net.0.weight", "value_net.weight", "action_net.weight"} < set(tasks.parts.tensors)
    assert tasks.tasks == [A]


def test_the_features_extractor_is_decomposed_and_that_of_the_critic_is_not():
    env = DummyVecEnv([lambda: gymnasium.make("plastic_rl.nonstationary:plastic_rl/PixelPermutedCatch-v0")])
    model = PPO("CnnPolicy", env, policy_kwargs={"share_features_extractor": False}, n_steps=8, batch_size=8)
    names = [layer.name.split(".")[0] for layer in remember_tasks(model).layers]
    assert names == ["features_extractor"] * 4


def test_what_cannot_remember_tasks_is_refused():
    with pytest.raises(TypeError, match="on-policy algorithms such as PPO; got DQN"):
        remember_tasks(DQN("MlpPolicy", "CartPole-v1", buffer_size=10))
    model = in_places(([0], 4), n_steps=8)
    with pytest.raises(ValueError, match="call remember_tasks"):
        model.learn(8, callback=TaskSwitch())
    remember_tasks(model)
    with pytest.raises(ValueError, match="remembers its tasks already"):
        remember_tasks(model)


def test_with_one_task_training_is_bit_for_bit_plain_ppo():
    trained = []
    for remembers in (False, True):
        model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, **SMALL)
        if remembers:
            remember_tasks(model, initial_mask=1.0)
        trained.append(weights(model.learn(192, callback=TaskSwitch() if remembers else None)))
    assert torch.equal(*trained)


def test_the_policy_switches_when_the_first_copy_does_and_learns_from_its_own_transitions_alone():
    """The second copy is in place 0 to step 6; the first, and with it the policy, is in place 1 from step 3 on."""
    model = in_places(([0, 1], 2), ([0, 0, 1], 3), n_steps=8)
    remember_tasks(model)
    diary = told(model, 16)
    assert diary.acted == [A, *[B] * 7]
    ((trained, observations),) = diary.trained
    assert trained == B
    assert set(observations[..., 0].flatten()) == {1.0}
    # The last two steps of the second copy are place 1's; the first six are copies of the first copy's, in turn.
    assert observations[6:, 1].tolist() == [[1.0, 0.0], [1.0, 1.0]]
    assert tasks_of(model).tasks == [A, B]


def test_a_rollout_that_holds_a_change_trains_the_task_of_most_of_it_and_no_other():
    model = in_places(([0, 1], 3), n_steps=8, batch_size=4)
    remember_tasks(model)
    diary = told(model, 16)
    # Three steps of place 0 and five of place 1; then place 1 alone.
    assert [trained for trained, _ in diary.trained] == [B, B]
    first, second = diary.policies
    assert torch.equal(first[A], second[A])
    model = in_places(([0, 1], 5), n_steps=8, batch_size=4)
    remember_tasks(model)
    diary = told(model, 16)
    assert [trained for trained, _ in diary.trained] == [A, B]
    assert set(diary.trained[0][1][..., 0].flatten()) == {0.0}
    assert diary.acted[3:9] == [A, B, B, B, B, B]
    assert not torch.equal(diary.policies[0][A], diary.policies[1][A])


class Returns(BaseCallback):
    """Notes the returns of the first rollout before anything is filled in."""

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.returns = self.model.rollout_buffer.returns.copy()


def returns_of_a_critic_that_expects_ten(*copies) -> list[list[float]]:
    """For each copy those of a rollout of 8 steps without rewards, in which the second task begins."""
    model = PPO("MlpPolicy", DummyVecEnv(list(copies)), n_steps=8, gamma=0.5, gae_lambda=1.0, **SMALL)
    remember_tasks(model)
    with torch.no_grad():
        model.policy.value_net.weight.zero_()
        model.policy.value_net.bias.fill_(10.0)
    noted = Returns()
    model.learn(8, callback=CallbackList([noted, TaskSwitch()]))
    return noted.returns.T.tolist()


class Unpaid(Places):
    def step(self, action):
        return super().step(0)


def test_an_episode_cut_short_as_the_task_ends_is_worth_what_its_own_critic_says():
    ((*_, before, last),) = returns_of_a_critic_that_expects_ten(lambda: TimeLimit(Unpaid([0, 1], 99), 8))
    assert (before, last) == pytest.approx((2.5, 5.0))


def test_what_another_policy_earns_in_the_rest_of_an_episode_is_not_counted():
    """The first copy's episode is over after five steps, and the second goes on in the old world."""
    first, second = returns_of_a_critic_that_expects_ten(lambda: Unpaid([0, 1], 5), lambda: Unpaid([0], 99))
    assert first[:5] == [0.0] * 5
    assert second[:5] == pytest.approx([10 / 32, 10 / 16, 10 / 8, 10 / 4, 10 / 2])


class Moving(Places):
    action_space = Box(-1, 1, (1,))

    def step(self, action):
        return super().step(0)


def test_noise_that_depends_on_the_state_is_drawn_anew_for_another_task(monkeypatch):
    env = DummyVecEnv([lambda: Moving([0, 1], 4)])
    model = PPO("MlpPolicy", env, n_steps=8, use_sde=True, **SMALL)
    remember_tasks(model)
    draw, drawn_in = model.policy.reset_noise, []
    monkeypatch.setattr(model.policy, "reset_noise", lambda n: (drawn_in.append(tasks_of(model).active), draw(n)))
    told(model, 8)
    assert drawn_in[:2] == [A, B]


def test_a_task_that_returns_is_met_with_the_policy_that_it_was_left_with():
    model = in_places(([0, 0, 1, 1, 1, 0], 4), n_steps=8, learning_rate=0.01)
    remember_tasks(model)
    diary = told(model, 32)
    back = next(step for step, name in enumerate(diary.acted) if name == A and B in diary.acted[:step])
    left = diary.policies[back // 8][A]
    assert torch.equal(diary.acting_weights[back], left)
    assert not torch.equal(diary.acting_weights[back - 1], left)
    assert tasks_of(model).tasks == [A, B]


def test_rollouts_without_any_change_are_left_alone():
    model = in_places(([0], 4), n_steps=8)
    remember_tasks(model)
    diary = told(model, 8)
    assert diary.trained[0][1][:, 0, 1].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_the_places_of_others_are_filled_with_what_is_kept_in_turn():
    space, actions = Box(0, 9, (1,)), Discrete(2)
    buffer = RolloutBuffer(3, space, actions, n_envs=2)
    for part in ("observations", "actions", "rewards", "values", "log_probs", "advantages", "returns"):
        values = getattr(buffer, part)
        values[:] = np.arange(6).reshape(3, 2, *[1] * (values.ndim - 2))
    keep_only(buffer, np.array([[False, True], [False, False], [True, False]]))
    expected = [[1, 1], [4, 1], [4, 4]]
    assert buffer.observations[..., 0].tolist() == buffer.actions[..., 0].tolist() == expected
    assert buffer.log_probs.tolist() == buffer.advantages.tolist() == buffer.returns.tolist() == expected


def test_observations_that_are_dicts_are_filled_alike():
    buffer = DictRolloutBuffer(2, gymnasium.spaces.Dict({"seen": Box(0, 9, (1,))}), Discrete(2), n_envs=1)
    buffer.observations["seen"][:] = [[[3.0]], [[5.0]]]
    keep_only(buffer, np.array([[False], [True]]))
    assert buffer.observations["seen"].flatten().tolist() == [5.0, 5.0]


def test_a_zip_opens_in_plain_sb3_and_its_tasks_in_a_model_that_remembers(tmp_path: Path):
    model = in_places(([0, 1], 8), n_steps=8)
    tasks = remember_tasks(model)
    model.learn(24, callback=TaskSwitch())
    model.save(tmp_path / "model")
    assert torch.equal(weights(PPO.load(tmp_path / "model", device="cpu")), weights(model))
    other = in_places(([0], 8), n_steps=8)
    remember_tasks(other)
    other.set_parameters(str(tmp_path / "model"))
    for name in (A, B):
        with tasks.task(name), tasks_of(other).task(name):
            assert torch.equal(weights(other), weights(model))


def cartpole() -> Monitor:
    world = Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Cycle(Every(45), 2), copies=2)
    return Monitor(world)


def trained_in(path: Path, total_steps: int, **overrides: Any) -> PPO:
    seed_everything(0)
    method = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)
    settings = {"n_steps": 32, "plasticity": method, **SMALL, **overrides}
    model = plastic(PPO)("MlpPolicy", DummyVecEnv([cartpole, cartpole]), **settings)
    remember_tasks(model)
    return learn_in(path, model, total_steps, checkpoint_seconds=0.0)


def test_a_run_in_parts_is_the_run_in_one_continual_backprop_inside(tmp_path: Path):
    whole = trained_in(tmp_path / "whole", 448)
    for steps in (128, 256):
        trained_in(tmp_path / "parts", steps)
    parts = trained_in(tmp_path / "parts", 448)
    assert len(tasks_of(whole).tasks) == 2
    for name in tasks_of(whole).tasks:
        with tasks_of(whole).task(name), tasks_of(parts).task(name):
            assert torch.equal(weights(whole), weights(parts))
    lines = [
        [{name: value for name, value in line.items() if not name.startswith("time/")} for line in read_metrics(path)]
        for path in (tmp_path / "whole" / "metrics.jsonl", tmp_path / "parts" / "metrics.jsonl")
    ]
    assert lines[0] == lines[1]
    last = next(line for line in reversed(lines[0]) if "apd/tasks" in line)
    assert last["apd/tasks"] == 2
    assert last["cbp/replaced"] > 0
