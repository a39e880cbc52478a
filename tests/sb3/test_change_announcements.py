"""A model's methods hear of the changes that its environment announces, and of its rollouts."""

from functools import partial

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, EveryNTimesteps
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from training import learn_in

from plastic_rl.nonstationary import Every, Never, Nonstationary, PermuteObservations
from plastic_rl.optim import FIRE, AdamRel
from plastic_rl.runs import seed_everything
from plastic_rl.sb3 import ChangeAnnouncements, RolloutClock, plastic
from tests.optim.halving import Halving

CHANGES = {"n_steps": 32, "batch_size": 32, "n_epochs": 1, "learning_rate": 0.0}


def world(name="CartPole-v1", every=100):
    return Monitor(Nonstationary(gymnasium.make(name), PermuteObservations(), Every(every)))


def make_model(copies=1, every=100, method=Halving, **settings):
    seed_everything(0)
    env = DummyVecEnv([partial(world, every=every)] * copies)
    settings = {"policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu", **CHANGES, **settings}
    return plastic(PPO)("MlpPolicy", env, plasticity=method, **settings)


class TasksOfRollouts(BaseCallback):
    """Notes the newest task that was met up to the end of each rollout."""

    def __init__(self):
        super().__init__()
        self.newest, self.of_rollouts = 0, []

    def _on_step(self):
        self.newest = max([self.newest, *(info["task"]["index"] for info in self.locals["infos"])])
        return True

    def _on_rollout_end(self):
        self.of_rollouts.append(self.newest)


@pytest.mark.parametrize("copies", [1, 2])
def test_methods_hear_of_a_task_between_two_rollouts_once_whatever_the_copies(copies):
    model, met = make_model(copies), TasksOfRollouts()
    model.learn(480, callback=CallbackList([met, ChangeAnnouncements()]))
    pairs = zip([0, *met.of_rollouts[:-2]], met.of_rollouts[:-1], strict=True)
    expected = [place for place, (before, now) in enumerate(pairs, 1) if now != before]
    assert model.policy.optimizer.changes == [copies * place for place in expected]  # in updates
    assert len(expected) > 1


def test_without_the_callback_nobody_hears_and_without_changes_there_is_nothing_to_hear():
    model = make_model()
    model.learn(320)
    assert model.policy.optimizer.changes == []
    model = plastic(PPO)("MlpPolicy", "CartPole-v1", plasticity=Halving, **CHANGES)
    model.learn(64, callback=ChangeAnnouncements())
    assert model.policy.optimizer.changes == []


@pytest.mark.parametrize(("schedule", "waits"), [(Every(65), True), (Never(), True), (Every(64), False)])
def test_a_method_that_waits_for_a_change_beyond_the_end_is_named(caplog, schedule, waits):
    env = DummyVecEnv([lambda: Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), schedule)])
    model = plastic(PPO)("MlpPolicy", env, plasticity=FIRE, device="cpu", **CHANGES)
    model.learn(64, callback=ChangeAnnouncements())
    assert ("FIRE acts at changes, and none comes before this run ends: it will do nothing." in caplog.text) is waits


@pytest.mark.parametrize(
    ("method", "callback", "told"),
    [
        (FIRE, None, "FIRE acts at changes, and no callback tells it of any: it will do nothing. Write learn("),
        (FIRE, RolloutClock(), "callback=ChangeAnnouncements()), or give it every=<updates>."),
        (FIRE, ChangeAnnouncements(), ""),
        (FIRE, EveryNTimesteps(8, ChangeAnnouncements()), ""),
        (partial(FIRE, every=10), None, ""),
        (AdamRel, ChangeAnnouncements(), "AdamRel acts on rollouts, and no callback tells it of any"),
        (AdamRel, [ChangeAnnouncements(), RolloutClock()], ""),
    ],
)
def test_a_method_that_no_callback_tells_of_anything_is_named(caplog, method, callback, told):
    model = make_model(every=1, method=method)
    model.learn(32, callback=callback)
    said = "\n".join(each.getMessage() for each in caplog.records if each.levelname == "WARNING")
    assert told in said
    assert told or not said


def test_off_policy_actor_and_critic_hear_at_the_next_update():
    seed_everything(0)
    model = plastic(SAC)(
        "MlpPolicy",
        world("Pendulum-v1", every=50),
        plasticity=Halving,
        learning_starts=8,
        batch_size=4,
        policy_kwargs={"net_arch": [4]},
        device="cpu",
    )
    model.learn(230, callback=ChangeAnnouncements())  # episodes of 200 steps: the change is met at their end
    assert len(model.actor.optimizer.changes) == len(model.critic.optimizer.changes) == 1


def test_each_rollout_is_told_before_the_first_update_on_it():
    model = make_model(n_epochs=2)
    model.learn(96, callback=RolloutClock())
    assert model.policy.optimizer.rollouts == [0, 2, 4]


def test_a_rollout_clock_is_for_rollouts():
    model = SAC("MlpPolicy", "Pendulum-v1", device="cpu")
    with pytest.raises(TypeError, match="on-policy"):
        model.learn(2, callback=RolloutClock())


def test_a_run_in_parts_hears_what_the_run_in_one_hears(tmp_path):
    """Parts that end between a change and the rollout before which it is told."""
    whole = make_model(every=60)
    learn_in(tmp_path / "whole", whole, 256)
    for steps in (64, 128, 160, 256):
        part = make_model(every=60)
        learn_in(tmp_path / "parts", part, steps, checkpoint_seconds=0.0)
    assert whole.policy.optimizer.memory["times"] == part.policy.optimizer.memory["times"] > 2
    for one, other in zip(whole.policy.parameters(), part.policy.parameters(), strict=True):
        assert torch.equal(one, other)
