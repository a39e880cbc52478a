"""What is recommended, in one word: it finds changes by itself, needs no callback, and travels with the model."""

from functools import partial
from inspect import signature

import pytest
import torch
from sides import Sides
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from agents import agent_named
from experiments.rivals import RIVALS
from plastic_rl.optim import FIRE, ContinualBackprop, OptimizerReset, methods_in
from plastic_rl.runs import seed_everything
from plastic_rl.sb3 import ChangeAnnouncements, detect_changes, plastic
from plastic_rl.sb3.change_detection import change_detection_of
from plastic_rl.sb3.description import describe
from plastic_rl.sb3.recommended import METHODS

SMALL = {
    "n_steps": 256,
    "batch_size": 256,
    "n_epochs": 1,
    "policy_kwargs": {"net_arch": [8]},
    "seed": 0,
    "device": "cpu",
}


def make_model(plasticity="recommended", algorithm=PPO):
    seed_everything(0)
    env = DummyVecEnv([partial(Sides, 2_560)])
    env.seed(0)
    return plastic(algorithm)("MlpPolicy", env, plasticity=plasticity, **SMALL)


def times(model):
    return next(method.memory["times"] for method in methods_in(model.policy.optimizer) if isinstance(method, FIRE))


class Silent(BaseCallback):
    def _on_step(self):
        return True


def test_one_word_is_the_methods_the_detection_and_the_callback():
    model = make_model()
    model.learn(3_840)
    by_hand = make_model([FIRE, OptimizerReset])
    detect_changes(by_hand)
    by_hand.learn(3_840, callback=ChangeAnnouncements())
    assert times(model) == times(by_hand) >= 1
    theirs = by_hand.policy.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in model.policy.state_dict().items())


@pytest.mark.parametrize(
    "make",
    [Silent, lambda: [Silent()], lambda: lambda _, __: True, ChangeAnnouncements, lambda: [ChangeAnnouncements()]],
)
def test_it_hears_of_each_change_once_whatever_callbacks_there_are(make):
    model, other = make_model(), make_model()
    model.learn(3_840)
    other.learn(3_840, callback=make())
    assert times(model) == times(other) == 1


def test_a_saved_model_goes_on_with_it_and_another_method_takes_its_place(tmp_path):
    model = make_model()
    model.learn(3_840)
    model.save(tmp_path / "model.zip")
    loaded = plastic(PPO).load(tmp_path / "model.zip", env=model.env)
    assert times(loaded) == 1
    assert change_detection_of(loaded).detector.changes == change_detection_of(model).detector.changes
    PPO.load(tmp_path / "model.zip", env=model.env).learn(256)
    for other in (None, ContinualBackprop):
        changed = plastic(PPO).load(tmp_path / "model.zip", env=model.env, plasticity=other)
        assert change_detection_of(changed) is None
        changed.learn(256)
    again = plastic(PPO).load(tmp_path / "model.zip", env=model.env, plasticity="recommended")
    assert change_detection_of(again) is not None


def test_algorithms_for_which_nothing_was_found_are_refused_before_any_work():
    with pytest.raises(ValueError, match="for PPO, and nothing was for PlasticA2C: choose"):
        plastic(A2C)("MlpPolicy", "CartPole-v1", plasticity="recommended")


def test_another_word_is_no_method():
    with pytest.raises(TypeError, match="plasticity must be a method"):
        make_model("recomended")


def test_the_recipe_and_the_studies_have_the_same_methods():
    agent, in_studies = agent_named("ppo_plastic")(), RIVALS["ppo_plastic"]
    assert in_studies == ("agent=ppo+fire+optimizer_reset", "agent.changes_from=detected")
    assert agent.changes_from == "detected"
    combined = describe(agent_named("ppo+fire+optimizer_reset+reset_spread")().plasticity())  # no spread in CartPole
    assert describe(agent.plasticity()) == describe(METHODS)
    assert [each["method"] for each in combined] == [each["method"] for each in describe(METHODS)]
    for each, method in zip(combined, METHODS, strict=True):
        defaults = {name: setting.default for name, setting in signature(method).parameters.items()}
        assert all(defaults[name] == value for name, value in each["settings"].items())
