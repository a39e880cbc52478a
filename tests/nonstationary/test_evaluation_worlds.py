"""Evaluation in the task of the training world, or in a named one, without a trace in training."""

from __future__ import annotations

import copy
import pickle

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecNormalize

from plastic_rl.nonstationary import (
    Chain,
    DelayObservations,
    Every,
    Nonstationary,
    PermuteObservations,
    follow_task,
    stay_in_task,
)
from plastic_rl.nonstationary.threaded import ThreadedMujoco

COPIES = 2


def world(every: int = 40, **settings) -> gymnasium.Env:
    return gymnasium.make("plastic_rl/PermutedCartPole-v0", change_every=every, max_episode_steps=15, **settings)


def training_world() -> DummyVecEnv:
    venv = DummyVecEnv([lambda: Monitor(world(copies=COPIES))] * COPIES)
    venv.seed(0)
    return venv


class Witness(gymnasium.Wrapper):
    """Notes the task of each step."""

    def __init__(self, env):
        super().__init__(env)
        self.tasks = []

    def step(self, action):
        *outcome, info = super().step(action)
        self.tasks.append(info["task"])
        return (*outcome, info)


def trained(algorithm, training, callback=None):
    settings = {
        PPO: {"n_steps": 32, "batch_size": 32, "n_epochs": 2},
        DQN: {"learning_starts": 20, "train_freq": 4, "buffer_size": 200},
    }[algorithm]
    model = algorithm("MlpPolicy", training, seed=1, device="cpu", policy_kwargs={"net_arch": [8]}, **settings)
    return model.learn(200, callback=callback)


def weights(model) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(model.policy.parameters())


class Tasks(EvalCallback):
    """Notes in which task training is whenever an evaluation begins."""

    def _on_step(self) -> bool:
        if self.n_calls % self.eval_freq == 0:
            self.training_tasks.append(self.training_env.get_attr("task")[0])
        return super()._on_step()


@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_evaluation_is_in_the_task_of_training_and_leaves_training_as_it_was(algorithm):
    plain, watched = training_world(), training_world()
    witness = Witness(follow_task(world(), watched))
    callback = Tasks(Monitor(witness), eval_freq=10, n_eval_episodes=2, verbose=0)
    callback.training_tasks = []
    one, other = trained(algorithm, plain), trained(algorithm, watched, callback)
    assert torch.equal(weights(one), weights(other))
    assert plain.get_attr("clock") == watched.get_attr("clock")
    assert plain.get_attr("task") == watched.get_attr("task")
    assert witness.get_wrapper_attr("clock").step == len(witness.tasks) > 0
    met = {task["index"] for task in witness.tasks}
    assert met == {task["index"] for task in callback.training_tasks}
    assert len(met) > 2
    assert all(task in callback.training_tasks for task in witness.tasks)


def test_without_following_evaluation_is_elsewhere():
    """What is to be avoided: a second copy of the world goes through its tasks at its own pace."""
    training, witness = training_world(), Witness(world())
    callback = Tasks(Monitor(witness), eval_freq=10, n_eval_episodes=2, verbose=0)
    callback.training_tasks = []
    trained(PPO, training, callback)
    assert {task["index"] for task in witness.tasks} != {task["index"] for task in callback.training_tasks}


def test_policies_are_evaluated_in_vectors_and_with_normalised_observations():
    training = VecNormalize(training_world())
    model = trained(PPO, training)
    followers = [Witness(follow_task(world(), training)) for _ in range(3)]
    evaluation = VecNormalize(DummyVecEnv([lambda env=env: Monitor(env) for env in followers]), training=False)
    clocks = training.get_attr("clock")
    evaluate_policy(model, evaluation, n_eval_episodes=6)
    (present, _) = training.get_attr("task")
    assert present["index"] > 2
    assert [task for env in followers for task in env.tasks] == [present] * sum(len(env.tasks) for env in followers)
    assert min(len(env.tasks) for env in followers) > 10
    assert training.get_attr("clock") == clocks
    model.learn(64, callback=EvalCallback(evaluation, eval_freq=16, verbose=0), reset_num_timesteps=False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: world(copies=1),
        lambda: DummyVecEnv([lambda: world(copies=1)]),
        lambda: SubprocVecEnv([lambda: world(copies=1)]),
        lambda: SyncVectorEnv([lambda: world(copies=1)], autoreset_mode=AutoresetMode.SAME_STEP),
        lambda: AsyncVectorEnv([lambda: world(copies=1)], autoreset_mode=AutoresetMode.SAME_STEP),
    ],
    ids=["single", "dummy", "processes", "sync", "async"],
)
def test_every_kind_of_training_world_can_be_followed(make):
    training, evaluation = make(), world()
    single = isinstance(training, gymnasium.Env)
    follow_task(evaluation, training)
    assert evaluation.reset()[1]["task"]["index"] == 0, "training has not begun: it will in task 0"
    training.reset()
    for step in range(90):
        ended = training.step(step % 2 if single else np.array([step % 2]))[2:4]
        if single and any(ended):
            training.reset()
    expected = training.get_wrapper_attr("task") if single else training.get_attr("task")[0]
    assert evaluation.reset()[1]["task"] == expected
    assert expected["index"] in (1, 2)
    training.close()


def test_threads_and_chains_can_be_followed():
    def ant() -> gymnasium.Env:
        return gymnasium.make("plastic_rl/RecurringAnt-v0", change_every=4, max_episode_steps=2)

    training = ThreadedMujoco(ant, 1)
    evaluation = follow_task(ant(), training)
    training.reset()
    for _ in range(6):
        training.step(np.zeros((1, 8), np.float32))
    assert evaluation.reset()[1]["task"] == {"index": 1, "friction": 0.3}
    training.close()
    chains = [Chain(["CartPole-v1", "Acrobot-v1"], Every(3)) for _ in range(2)]
    follow_task(*reversed(chains))
    for _ in range(4):
        chains[0].reset()
        chains[0].step(0)
    assert chains[1].reset()[1]["task"]["environment"] == "Acrobot-v1"


def test_a_change_at_once_is_followed_at_the_next_episode():
    training = Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(3, at="step"))
    evaluation = follow_task(Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(3)), training)
    training.reset(seed=0), evaluation.reset(seed=0)
    for _ in range(4):
        training.step(0)
    assert evaluation.step(0)[4]["task"]["index"] == 0
    assert evaluation.reset()[1]["task"]["index"] == 1


def test_worlds_stay_in_the_task_that_is_named():
    for task in (7, world().get_wrapper_attr("parameters")(7)):
        env = stay_in_task(world(every=5), task)
        for _ in range(3):
            assert env.reset()[1]["task"] == env.get_wrapper_attr("parameters")(7)
            env.step(0)
    given = {"index": 0, "permutation": [3, 2, 1, 0], "signs": [1, 1, 1, 1]}
    single = Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(5), tasks=[given])
    assert stay_in_task(single, given).reset()[1]["task"] == given


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: follow_task(gymnasium.make("CartPole-v1"), training_world()), "CartPole-v1.* never changes: wrap it"),
        (lambda: follow_task(world(), gymnasium.make("CartPole-v1")), "CartPole-v1.* never changes: wrap it"),
        (
            lambda: follow_task(world(), DummyVecEnv([lambda: gymnasium.make("CartPole-v1")])),
            "there is no task",
        ),
        (lambda: stay_in_task(gymnasium.make("CartPole-v1"), 1), "never changes: wrap it"),
        (lambda: follow_task(world(seed=1), training_world()).reset(), "make it with the same changes and seed"),
        (
            lambda: stay_in_task(world(), {"index": 1, "permutation": [0, 1, 2, 3], "signs": [1, 1, 1, 1]}),
            r"task 1 of the world to evaluate in is .*, not .*: make it with .* seed, or with tasks=\[\.\.\.\]",
        ),
        (
            lambda: stay_in_task(world(), {"friction": 1.0}),
            "a task looks like {'index': 0, ...}, got",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_world_that_follows_is_not_copied():
    evaluation = follow_task(world(), training_world())
    for duplicate in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or sent to another process"):
            duplicate(evaluation.get_wrapper_attr("schedule"))


def test_a_copy_of_the_training_world_in_another_process_is_not_followed():
    """It would stand still, and evaluation would be in its task for ever."""
    training = training_world()
    training.reset()
    with pytest.raises((EOFError, ConnectionResetError, BrokenPipeError)):  # the other process says why
        SubprocVecEnv([lambda: follow_task(world(), training)])


def test_a_copy_knows_that_it_is_one_until_it_is_lived_in(monkeypatch):
    env = world()
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(RuntimeError, match=r"this copy of a world stands still: .* in another process"):
        env.get_wrapper_attr("present_task")
    env.reset()
    assert env.get_wrapper_attr("present_task")["index"] == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Nonstationary(world(), DelayObservations(1.0), Every(10)),
        lambda: Nonstationary(Chain(["CartPole-v1"], Every(10)), DelayObservations(1.0), Every(10)),
        lambda: Chain([world(), "CartPole-v1"], Every(10)),
    ],
)
def test_worlds_within_worlds_are_refused_as_one_task_can_be_announced(make):
    with pytest.raises(ValueError, match="changes already, and one task can be announced: give all changes to one"):
        make()
