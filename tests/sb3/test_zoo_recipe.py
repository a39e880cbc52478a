"""The page's recipe for RL Baselines3 Zoo: its code and YAML, against a stand-in for the zoo."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import gymnasium
import pytest
import yaml
from stable_baselines3 import A2C, PPO, SAC
from training import learn, replaced

from plastic_rl.optim import ContinualBackprop
from plastic_rl.sb3 import PlasticityCallback, plastic, plastic_optimizers

PAGE = (Path(__file__).parents[2] / "docs" / "stable_baselines3.md").read_text()
RECIPE = PAGE.partition("## RL Baselines3 Zoo")[2].partition("\n## ")[0]
SMALL = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "device": "cpu", "seed": 0}


def blocks(language: str) -> list[str]:
    return [part.partition("```")[0] for part in RECIPE.split(f"```{language}\n")[1:]]


@pytest.fixture
def zoo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The zoo as far as the recipe touches it: a dictionary of algorithms, held by several modules, and samplers."""
    modules = {name: ModuleType(f"rl_zoo3.{name}") for name in ("train", "enjoy", "exp_manager", "hyperparams_opt")}
    top: Any = ModuleType("rl_zoo3")
    top.ALGOS = {"a2c": A2C, "ppo": PPO, "sac": SAC}
    for name, module in modules.items():
        setattr(top, name, module)
        monkeypatch.setitem(sys.modules, f"rl_zoo3.{name}", module)
    monkeypatch.setitem(sys.modules, "rl_zoo3", top)
    top.hyperparams_opt.HYPERPARAMS_SAMPLER = {"ppo": lambda trial, *others: {"learning_rate": 1e-3}}
    return top


@pytest.fixture
def hyperparams() -> dict[str, Any]:
    """What the zoo makes of the YAML: keywords, without those that are its own."""
    values = yaml.safe_load(blocks("yaml")[0])["CartPole-v1"]
    assert values.pop("n_timesteps") == 1e5
    assert (values.pop("n_envs"), values.pop("callback")) == (8, "plastic_rl.sb3.PlasticityCallback")
    values["plasticity"]["settings"] |= {"replacement_rate": 0.05, "maturity_threshold": 2}
    return {**values, **SMALL}


def world() -> gymnasium.Env:
    return gymnasium.make("CartPole-v1")


def test_training_enjoying_and_going_on(zoo: Any, hyperparams: dict[str, Any], tmp_path: Path):
    exec(blocks("python")[0], {"__name__": "train_plastic"})
    for module in (zoo.train, zoo.enjoy, zoo.exp_manager):
        assert {"a2c": A2C, "ppo": plastic(PPO), "sac": plastic(SAC)} == module.ALGOS
    model = zoo.exp_manager.ALGOS["ppo"](env=world(), tensorboard_log=None, verbose=0, **hyperparams)
    learn(model, 64, callback=PlasticityCallback(verbose=0))
    assert replaced(model)[0] > 0
    model.save(tmp_path / "CartPole-v1")

    shown = zoo.enjoy.ALGOS["ppo"].load(
        tmp_path / "CartPole-v1", custom_objects={"learning_rate": 0.0}, device="cpu", seed=0
    )
    assert shown.predict(world().reset(seed=0)[0], deterministic=True)[0] in (0, 1)

    without_policy = {name: value for name, value in hyperparams.items() if name not in ("policy", "seed", "device")}
    loaded = zoo.exp_manager.ALGOS["ppo"].load(
        tmp_path / "CartPole-v1", env=world(), seed=0, verbose=0, device="cpu", **without_policy
    )
    assert replaced(loaded) == replaced(model)
    learn(loaded, 64, reset_num_timesteps=False)
    assert replaced(loaded)[0] > replaced(model)[0]
    assert PPO.load(tmp_path / "CartPole-v1", device="cpu").num_timesteps == 64


def test_the_settings_as_they_stand_in_the_yaml_are_those_of_the_method(hyperparams: dict[str, Any]):
    plain = yaml.safe_load(blocks("yaml")[0])["CartPole-v1"]["plasticity"]
    model = plastic(PPO)(env=world(), **{**hyperparams, "plasticity": plain})
    (optimizer,) = plastic_optimizers(model.policy)
    assert isinstance(optimizer, ContinualBackprop)
    assert {(budget.rate, budget.maturity) for budget in optimizer.budgets} == {(1e-4, 1000)}


def test_a_setting_on_the_command_line_is_taken(hyperparams: dict[str, Any]):
    written = RECIPE.partition('--hyperparams "')[2].partition('"')[0]
    key, _, value = written.partition(":")  # the zoo evaluates what stands after the first colon
    model = plastic(PPO)(env=world(), **{**hyperparams, key: eval(value)})
    assert plastic_optimizers(model.policy)[0].budgets[0].rate == 3e-4


def test_the_sampler_adds_the_method_to_what_the_zoo_samples(zoo: Any, hyperparams: dict[str, Any]):
    exec("import rl_zoo3\n" + blocks("python")[1], {})
    trial = SimpleNamespace(suggest_float=lambda *_, **__: 1e-5, suggest_int=lambda *_, **__: 200)
    for others in ((), (2, 8, {})):  # the zoo's samplers have had one argument, and have four
        sampled = zoo.hyperparams_opt.HYPERPARAMS_SAMPLER["ppo"](trial, *others)
        assert sampled["learning_rate"] == 1e-3
        model = plastic(PPO)(env=world(), **{**hyperparams, **sampled})
        assert plastic_optimizers(model.policy)[0].budgets[0].maturity == 200
