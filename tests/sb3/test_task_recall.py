"""Tasks recalled under VecNormalize: statistics are of what each task has shown, and come back with its weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict
from places import SMALL, A, B, Places, weights
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecMonitor, VecNormalize

from plastic_rl.sb3 import TaskSwitch, recall_task, remember_tasks
from plastic_rl.sb3.task_normalization import TaskNormalization, numbers_of
from plastic_rl.sb3.tasks import tasks_of
from plastic_rl.sb3.vec_env_state import restore_vec_env_state, vec_env_state

PROBE = np.array([[0.3, 2.0], [1.0, 1.0], [-2.0, 5.0]], dtype=np.float32)


class Noisy(Places):
    """Places that are seen through noise, so that no statistic is trivial, and that pay by it."""

    def __init__(self, places: list[int], length: int, seed: int = 0) -> None:
        super().__init__(places, length)
        self.noise = np.random.default_rng(seed)
        self.shown: list[tuple[int, np.ndarray]] = []

    def seen(self):
        seen = super().seen() + self.noise.normal(size=2).astype(np.float32)
        self.shown.append((self.place(), seen))
        return seen

    def step(self, action):
        seen, _, is_over, *rest = super().step(action)
        if is_over:  # a vector environment gives out the first observation of the next episode instead
            self.shown.pop()
        return seen, float(seen[1]), is_over, *rest


class Journal(BaseCallback):
    """Notes what the model was shown after each step, and what it was paid."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[np.ndarray] = []
        self.paid: list[np.ndarray] = []

    def _on_step(self) -> bool:
        self.given.append(np.array(self.locals["new_obs"]))
        self.paid.append(np.array(self.locals["rewards"]))
        return True


def normalised(*copies: tuple[list[int], int], **settings: Any) -> VecNormalize:
    makers = [partial(Noisy, *copy, seed=number) for number, copy in enumerate(copies)]
    return VecNormalize(DummyVecEnv(makers), **settings)


def trained(env: Any, steps: int, *callbacks: BaseCallback) -> PPO:
    model = PPO("MlpPolicy", env, n_steps=8, **SMALL)
    remember_tasks(model)
    model.learn(steps, callback=CallbackList([TaskSwitch(), *callbacks]))
    return model


def shown_in(env: VecNormalize, place: int) -> RunningMeanStd:
    """Statistics of all that was seen at a place by a single copy, in the order in which it was seen."""
    by_hand = RunningMeanStd(shape=(2,))
    for at, seen in env.venv.envs[0].shown:
        if at == place:
            by_hand.update(seen[None])
    return by_hand


def statistics(model: PPO, task: str) -> list[dict[str, Any]]:
    with recall_task(model, task):
        return numbers_of(model.get_vec_normalize_env())


def probed(model: PPO, env: VecNormalize | None = None) -> np.ndarray:
    """What the policy at hand makes of observations that are not normalised yet."""
    env = env or model.get_vec_normalize_env()
    observations = torch.as_tensor(env.normalize_obs(PROBE))
    with torch.no_grad():
        return model.policy.get_distribution(observations).distribution.logits.numpy()


def assert_same_statistics(these: list[dict[str, Any]], those: list[dict[str, Any]]) -> None:
    for one, other in zip(these, those, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


def test_each_tasks_statistics_are_of_what_it_has_shown_and_of_nothing_else():
    env = normalised(([0, 0, 0, 1, 1, 0, 1], 5))
    model = trained(env, 32)
    for task, place in ((A, 0), (B, 1)):
        by_hand = shown_in(env, place)
        with recall_task(model, task):
            np.testing.assert_array_equal(env.obs_rms.mean, by_hand.mean)
            np.testing.assert_array_equal(env.obs_rms.var, by_hand.var)


def test_a_recalled_policy_says_what_it_said_bit_for_bit():
    env = normalised(([0] * 4 + [1] * 9, 4))
    model = trained(env, 16)  # in A; its last observation is the first of B
    with recall_task(model, A):
        said = probed(model)
    assert tasks_of(model).active == B
    model.learn(24, callback=TaskSwitch(), reset_num_timesteps=False)
    with tasks_of(model).task(A):
        assert not np.array_equal(probed(model), said)  # the weights alone are not the policy
    with recall_task(model, A) as tasks:
        assert tasks.active == A
        np.testing.assert_array_equal(probed(model), said)
    # By hand: A's own weights behind A's own statistics.
    by_hand = shown_in(env, 0)
    observations = np.clip((PROBE - by_hand.mean) / np.sqrt(by_hand.var + env.epsilon), -10, 10).astype(np.float32)
    with tasks_of(model).task(A), torch.no_grad():
        logits = model.policy.get_distribution(torch.as_tensor(observations)).distribution.logits
    np.testing.assert_array_equal(logits.numpy(), said)


def test_the_first_observation_of_a_task_is_normalised_by_its_own_statistics():
    journal = Journal()
    env = normalised(([0] * 2 + [1] * 9, 4))
    trained(env, 16, journal)
    first = RunningMeanStd(shape=(2,))
    seen = next(seen for at, seen in env.venv.envs[0].shown if at == 1)
    first.update(seen[None])
    expected = (seen - first.mean) / np.sqrt(first.var + env.epsilon)
    np.testing.assert_allclose(journal.given[7][0], expected, rtol=1e-6)  # the eighth step ends the second episode


def test_copies_that_are_still_in_the_old_task_do_not_enter_the_new_ones_statistics():
    """The first copy is in B from step 3 on; the second stays in A to step 6, and B's policy acts there."""
    env = normalised(([0, 1], 3), ([0, 0, 1], 3))
    model = trained(env, 16)
    by_hand = {0: RunningMeanStd(shape=(2,)), 1: RunningMeanStd(shape=(2,))}
    acted = 0
    for rows in zip(*(copy.shown for copy in env.venv.envs), strict=True):
        acts = rows[0][0]  # the policy is where the first copy is
        for task in {acted, acts}:  # what followed the last step of the one is of this one, as far as it is there
            observations = [seen for place, seen in rows if place == task]
            if observations:
                by_hand[task].update(np.array(observations))
        acted = acts
    for task, place in ((A, 0), (B, 1)):
        found = statistics(model, task)[0]
        np.testing.assert_allclose(found["mean"], by_hand[place].mean, rtol=1e-12)
        np.testing.assert_allclose(found["var"], by_hand[place].var, rtol=1e-12)
        assert found["count"] == pytest.approx(by_hand[place].count)


def test_rewards_of_others_do_not_enter_the_scale_of_rewards():
    env = normalised(([0, 1], 3), ([0, 0, 1], 3), norm_obs=False)
    model = trained(env, 16)
    counts = {task: statistics(model, task)[-1]["count"] for task in (A, B)}
    # Eight steps of two copies: three of both in A, three of one in B and one in A, two of both in B.
    assert counts == pytest.approx({A: 6, B: 3 + 4}, abs=1e-3)


def test_with_one_task_statistics_and_training_are_plain_ppos():
    plain, remembering = normalised(([0], 4), ([0], 5)), normalised(([0], 4), ([0], 5))
    model = PPO("MlpPolicy", plain, n_steps=8, **SMALL).learn(48)
    other = PPO("MlpPolicy", remembering, n_steps=8, **SMALL)
    remember_tasks(other, initial_mask=1.0)
    other.learn(48, callback=TaskSwitch())
    assert torch.equal(weights(model), weights(other))
    assert_same_statistics(numbers_of(plain), numbers_of(remembering))


def test_inside_nothing_is_taken_in_and_afterwards_all_is_as_it_was():
    model = trained(normalised(([0] * 2 + [1] * 9, 4)), 24)
    env = model.get_vec_normalize_env()
    before, states = numbers_of(env), [statistics(model, task) for task in (A, B)]
    with recall_task(model, A):
        with recall_task(model, B):
            assert_same_statistics(numbers_of(env), states[1])
        assert_same_statistics(numbers_of(env), states[0])
        env.step(np.array([0]))
        with pytest.raises(ZeroDivisionError), recall_task(model, B):
            _ = 1 / 0
        assert_same_statistics(numbers_of(env), states[0])
    assert_same_statistics(numbers_of(env), before)
    assert env.training
    assert tasks_of(model).active == B


def test_a_policy_is_evaluated_in_another_environment():
    model = trained(normalised(([0] * 2 + [1] * 9, 4)), 24)
    evaluation = normalised(([0], 4), norm_reward=False)
    evaluation.obs_rms.mean = np.array([100.0, 100.0])
    with recall_task(model, A, evaluation):
        assert_same_statistics(numbers_of(evaluation), statistics(model, A))
        evaluate_policy(model, evaluation, n_eval_episodes=2, warn=False)
        assert_same_statistics(numbers_of(evaluation), statistics(model, A))
        np.testing.assert_array_equal(probed(model), probed(model, evaluation))
    assert evaluation.obs_rms.mean.tolist() == [100.0, 100.0]
    assert evaluation.training


def test_statistics_come_back_from_disk(tmp_path: Path):
    model = trained(normalised(([0] * 2 + [1] * 9, 4)), 24)
    with recall_task(model, A):
        said = probed(model)
    model.save(tmp_path / "model")
    model.get_vec_normalize_env().save(str(tmp_path / "statistics.pkl"))
    env = VecNormalize.load(str(tmp_path / "statistics.pkl"), DummyVecEnv([partial(Noisy, [0], 4)]))
    loaded = PPO("MlpPolicy", env, n_steps=8, **SMALL)
    remember_tasks(loaded)
    loaded.set_parameters(str(tmp_path / "model"))
    with recall_task(loaded, A):
        np.testing.assert_array_equal(probed(loaded), said)
    loaded.env = None  # as after PPO.load(path)
    with recall_task(loaded, A, env):
        np.testing.assert_array_equal(probed(loaded, env), said)


def test_statistics_are_in_the_state_of_the_environment():
    env, other = normalised(([0], 4)), normalised(([0], 4))
    switching = TaskNormalization(env, A)
    env.obs_rms.mean, env.ret_rms.var = np.array([3.0, 4.0]), np.array(7.0)
    switching.switch(B)
    assert env.obs_rms.mean.tolist() == [0.0, 0.0]
    assert env.ret_rms.var == 1.0
    env.obs_rms.mean = np.array([5.0, 6.0])
    restore_vec_env_state(other, vec_env_state(env))
    for each in (env, other):
        found = TaskNormalization(each, "whoever")
        found.switch(A)
        assert (each.obs_rms.mean.tolist(), float(each.ret_rms.var)) == ([3.0, 4.0], 7.0)
        found.switch(B)
        assert each.obs_rms.mean.tolist() == [5.0, 6.0]


def test_statistics_saved_before_they_knew_their_task_are_the_active_tasks():
    model = trained(normalised(([0] * 2 + [1] * 9, 4)), 24)
    env = model.get_vec_normalize_env()
    expected = [statistics(model, task) for task in (A, B)]
    del env.task_of_statistics
    assert_same_statistics(statistics(model, A), expected[0])
    assert_same_statistics(statistics(model, B), expected[1])


def test_frozen_statistics_are_everyones():
    env = normalised(([0] * 2 + [1] * 9, 4), training=False)
    env.obs_rms.mean = np.array([1.0, 2.0])
    model = trained(env, 24)
    assert tasks_of(model).tasks == [A, B]
    for task in (A, B):
        assert statistics(model, task)[0]["mean"].tolist() == [1.0, 2.0]


def test_a_forgotten_task_leaves_no_statistics():
    model = trained(normalised(([0] * 2 + [1] * 9, 4)), 24)
    tasks_of(model).forget(A)
    model.learn(8, callback=TaskSwitch(), reset_num_timesteps=False)
    assert set(model.get_vec_normalize_env().statistics_of_tasks) == set()


def test_a_switch_by_hand_takes_the_statistics_along_when_training_goes_on():
    env = normalised(([0] * 2 + [1] * 9, 4))
    model = trained(env, 24)
    of_a = statistics(model, A)[0]["count"]
    tasks_of(model).task(A)
    model.learn(8, callback=TaskSwitch(), reset_num_timesteps=False)  # the world is still in B
    assert statistics(model, A)[0]["count"] == of_a


class Told(Noisy):
    """The same as a dict of observations."""

    observation_space = Dict({"seen": Box(-10, 10, (2,))})

    def reset(self, **named):
        seen, told = super().reset(**named)
        return {"seen": seen}, told

    def step(self, action):
        seen, *rest = super().step(action)
        return {"seen": seen}, *rest


def test_observations_that_are_dicts():
    env = VecNormalize(DummyVecEnv([partial(Told, [0] * 2 + [1] * 9, 4)]))
    model = PPO("MultiInputPolicy", env, n_steps=8, **SMALL)
    remember_tasks(model)
    model.learn(16, callback=TaskSwitch())
    with recall_task(model, A):
        np.testing.assert_array_equal(env.obs_rms["seen"].mean, shown_in(env, 0).mean)


@pytest.mark.parametrize(("wrapped", "sees"), [(VecMonitor, True), (partial(VecFrameStack, n_stack=2), False)])
def test_around_the_normalisation_observations_are_written_only_where_they_pass_through(wrapped: Any, sees: bool):
    journal = Journal()
    env = normalised(([0] * 2 + [1] * 9, 4))
    model = trained(wrapped(env), 16, journal)
    for task, place in ((A, 0), (B, 1)):
        np.testing.assert_array_equal(statistics(model, task)[0]["mean"], shown_in(env, place).mean)
    assert bool(np.abs(journal.given[7]).max() < 0.1) == sees  # the only observation so far is its own mean


def test_without_a_normalisation_weights_are_recalled():
    model = trained(DummyVecEnv([partial(Noisy, [0] * 2 + [1] * 9, 4)]), 24)
    with recall_task(model, A), tasks_of(model).task(A):
        assert tasks_of(model).active == A
    assert tasks_of(model).active == B


def test_what_cannot_be_recalled_is_refused():
    plain = PPO("MlpPolicy", normalised(([0], 4)), n_steps=8, **SMALL)
    with pytest.raises(ValueError, match="call remember_tasks"), recall_task(plain, A):
        pass
    tasks = remember_tasks(plain)
    with pytest.raises(ValueError, match="there is no task 'nowhere'"), recall_task(plain, "nowhere"):
        pass
    tasks.new_task(B)
    with pytest.raises(ValueError, match=r"no statistics of task .* train with TaskSwitch"), recall_task(plain, A):
        pass
    assert tasks.active == B
    other = VecNormalize(DummyVecEnv([partial(Told, [0], 4)]), norm_obs=False)
    message = r"normalises \[.*\], that of the model's environment \[\(2,\), \(\)\]"
    with pytest.raises(ValueError, match=message), recall_task(plain, B, other):
        pass
