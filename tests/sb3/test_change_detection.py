"""Changes that nobody announces: methods hear of them, and what is known of the world travels with the model."""

from functools import partial

import pytest
import torch
from sides import Sides
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.callbacks import ConvertCallback
from stable_baselines3.common.vec_env import DummyVecEnv
from training import are_equal, learn_in

from agents.ppo import PPO as PPORecipe
from agents.ppo_fresh import PPOFresh
from envs.permuted_cartpole import PermutedCartPole
from plastic_rl.errors import UserError
from plastic_rl.optim import FIRE, AdamRel, ChurnReduction, L2Init, ShrinkPerturbAtChange
from plastic_rl.runs import seed_everything
from plastic_rl.sb3 import ChangeAnnouncements, detect_changes, plastic
from plastic_rl.sb3.change_detection import ChangeDetection, change_detection_of
from plastic_rl.sb3.task_log import TaskLog
from tests.optim.halving import Halving

SMALL = {"n_steps": 32, "batch_size": 32, "n_epochs": 1, "policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu"}
EAGER = {"threshold": 10.0, "cosines": 0}


def make_model(method=Halving, change_every=640, **settings):
    seed_everything(0)
    env = DummyVecEnv([partial(Sides, change_every)])
    env.seed(0)
    model = plastic(PPO)("MlpPolicy", env, plasticity=method, **SMALL)
    if method is not None:
        detect_changes(model, **EAGER, **settings)
    return model


def test_methods_hear_of_a_change_soon_after_it_and_of_none_where_there_is_none():
    model = make_model()
    model.learn(1_600, callback=ChangeAnnouncements())
    heard = model.policy.optimizer.optimizer.changes  # in updates: one a rollout of 32 steps
    assert [place // 20 for place in heard] == [1, 2]
    assert all(0 < place % 20 <= 3 for place in heard)
    steady = make_model(change_every=10**9)
    steady.learn(1_600, callback=ChangeAnnouncements())
    assert steady.policy.optimizer.optimizer.changes == []


def test_detection_changes_nothing_but_what_methods_do_at_changes():
    ends = []
    for method in (None, partial(ShrinkPerturbAtChange, shrink_by=0.0, perturb_by=0.0)):
        model = make_model(method)
        model.learn(800, callback=ChangeAnnouncements())
        ends.append(model.policy.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert model.policy.optimizer.metrics()["changes/detected"] == 1


def test_what_is_known_of_the_world_is_saved_with_the_model(tmp_path):
    model = make_model()
    model.learn(960, callback=ChangeAnnouncements())
    model.save(tmp_path / "model.zip")
    again = make_model()
    again.set_parameters(tmp_path / "model.zip", device="cpu")
    saved, loaded = (change_detection_of(each).state_dict()["ChangeDetection"] for each in (model, again))
    assert saved["told"] == loaded["told"] == 1
    torch.testing.assert_close(saved["detector"]["model"], loaded["detector"]["model"], atol=0, rtol=0)
    PPO.load(tmp_path / "model.zip", device="cpu")  # plain, as it is


def test_a_run_with_detected_changes_goes_on_bit_for_bit(tmp_path, monkeypatch):
    whole = make_model()
    learn_in(tmp_path / "whole", whole, 1_600)
    broken = make_model()
    with monkeypatch.context() as patched:
        crash_at(patched, broken, 960)
        with pytest.raises(KeyboardInterrupt):
            learn_in(tmp_path / "broken", broken, 1_600)
    learn_in(tmp_path / "broken", again := make_model(), 1_600)
    assert are_equal(whole.policy.state_dict(), again.policy.state_dict())
    assert whole.policy.optimizer.optimizer.changes[-1] == again.policy.optimizer.optimizer.changes[-1]


def crash_at(patched, model, step):
    train = type(model).train

    def crashing(self):
        if self.num_timesteps == step:
            raise KeyboardInterrupt
        train(self)

    patched.setattr(type(model), "train", crashing)


def test_changes_are_detected_off_policy_too():
    settings = {
        "learning_starts": 50,
        "train_freq": 4,
        "buffer_size": 500,
        "policy_kwargs": {"net_arch": [8]},
        "seed": 0,
    }
    model = plastic(DQN)("MlpPolicy", DummyVecEnv([partial(Sides, 400)]), plasticity=FIRE, device="cpu", **settings)
    detector = detect_changes(model, threshold=20.0, cosines=0)
    model.learn(600, callback=ChangeAnnouncements())
    assert detector.changes == 1


def test_what_cannot_be_detected_is_refused():
    for idle in (L2Init, ChurnReduction, partial(FIRE, on_change=False, every=5)):
        with pytest.raises(ValueError, match="no method of this model acts at changes"):
            make_model(idle)
    assert isinstance(make_model(partial(ChurnReduction, on_change=True)).policy.optimizer, ChangeDetection)
    model = plastic(SAC)("MlpPolicy", "Pendulum-v1", plasticity=FIRE, policy_kwargs={"net_arch": [4]}, buffer_size=10)
    with pytest.raises(ValueError, match="such as PPO; PlasticSAC has 2"):
        detect_changes(model)


def test_a_method_that_waits_for_announcements_in_vain_says_so(caplog):
    for method, is_told in ((FIRE, True), (partial(FIRE, every=5), False), (AdamRel, False)):
        caplog.clear()
        model = plastic(PPO)("MlpPolicy", "CartPole-v1", plasticity=method, **SMALL)
        model.learn(32, callback=ChangeAnnouncements())
        assert ("FIRE acts at changes, and the environment announces none" in caplog.text) is is_told


def test_a_life_in_which_nothing_was_noticed_says_so_at_its_end(caplog):
    make_model(change_every=10**9).learn(320, callback=ChangeAnnouncements())
    assert "Halving acts at changes, and none was noticed in 320 steps: it has done nothing" in caplog.text
    caplog.clear()
    make_model().learn(800, callback=ChangeAnnouncements())
    assert "noticed" not in caplog.text


def test_a_change_that_is_announced_and_not_noticed_is_said(caplog):
    log = TaskLog()
    announced = ConvertCallback(lambda told, _: log.take({"index": told["self"].num_timesteps // 320}) or True)
    make_model(change_every=10**9).learn(800, callback=[announced, ChangeAnnouncements(log)])
    assert caplog.text.count("the environment announced a change by step") == 1


@pytest.mark.parametrize("recipe", [PPOFresh])
def test_a_recipe_chooses_where_changes_are_told_from(recipe):
    small = {"rollout_steps": 64, "minibatch_size": 32, "hidden_units": 8}
    env = PermutedCartPole(n_envs=2).make(0)
    model = recipe(changes_from="detected", **small).build(env, seed=0, device="cpu")
    assert change_detection_of(model) is model.policy.optimizer
    with pytest.raises(UserError, match=r"agent\.changes_from=detected cannot be here: no method"):
        PPORecipe(changes_from="detected", **small).build(env, seed=0, device="cpu")
