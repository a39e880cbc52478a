"""What help says of each setting: what it is, its unit, and where its value is from."""

import re
from dataclasses import dataclass, fields

from agents import AGENTS, agent_named
from agents.methods import METHODS
from agents.ppo import PPO
from agents.recipe import Agent
from agents.sac import SAC
from envs import ENVS
from envs.changes import CHANGES
from envs.own import Own
from envs.recipe import Problem
from launch.glossary import OF_AGENTS, OF_ENVS, OF_THE_TOOLKIT
from launch.help import help_text
from launch.meanings import meaning, meanings, source
from launch.settings import Settings, register
from launch.words import as_hydra_reads

RECIPES = {**AGENTS, **METHODS, **ENVS, "own": Own, **CHANGES}


def test_no_setting_lacks_a_line_or_a_source():
    told = re.compile(r"own|ours|\d|paper|authors|default|published|3's|rl-zoo")
    for name, recipe in RECIPES.items():
        for setting, line in meanings(recipe).items():
            assert len(line) >= 10, (name, setting, line)
            assert max(map(len, line.split())) > 3, (name, setting, line)
            assert source(recipe, setting) or told.search(line), (name, setting, line)


def test_no_setting_of_a_run_lacks_a_line():
    said = help_text([])
    for setting in fields(Settings):
        if setting.name not in ("agent", "env"):
            (line,) = [line for line in said.splitlines() if line.startswith(f"  {setting.name}=")]
            assert len(line.split(maxsplit=1)[1]) > 10


def test_the_glossary_has_no_word_for_what_is_not_there():
    for glossary, kind in ((OF_AGENTS, Agent), (OF_ENVS, Problem)):
        recipes = [recipe for recipe in RECIPES.values() if issubclass(recipe, kind)]
        known = {setting.name for recipe in recipes for setting in fields(recipe)}
        known |= {f"{each.__name__}.{name}" for recipe in recipes for each in recipe.__mro__ for name in known}
        assert set(glossary) <= known
    assert {setting.name for recipe in RECIPES.values() for setting in fields(recipe)} >= OF_THE_TOOLKIT


def test_a_line_is_what_the_setting_is_and_what_its_recipe_says_of_it():
    assert meaning(PPO, "learning_rate") == "step size of the optimiser; constant"
    assert meaning(agent_named("ppo_redo"), "every").endswith("updates between two looks; 0 never looks")
    assert meaning(AGENTS["ppo_tuned"], "beta1").endswith("Adam's default"), (
        "a value without a line has the line before"
    )
    assert meaning(Own, "replayed").startswith("a run that is stopped in an episode goes on"), "lines above count"


def test_a_value_is_from_the_paper_of_the_recipe_that_gives_it_and_not_of_a_method_beside_it():
    assert source(PPO, "discount") == "Dohare et al. Nature 632, 2024"
    assert source(SAC, "learning_rate") == source(AGENTS["sac_redo"], "learning_rate") == "Haarnoja et al. 2018"
    assert source(AGENTS["sac_redo"], "every") == "Sokar et al., ICML 2023"
    assert source(PPO, "changes_from") == "ours"
    assert source(PPO, "beta1") == "", "its line says it: Adam's default"


def test_help_has_a_line_on_each_setting_and_says_what_has_set_it():
    register()
    words = ["agent=ppo+redo", "env=permuted-cartpole", "agent.redo.every=5", "agent.epochs=3"]
    said = {line.split("=")[0].strip(): line for line in help_text(as_hydra_reads(words)).splitlines()}
    assert said["agent.redo.every"].endswith("updates between two looks; 0 never looks [given]")
    assert said["agent.epochs"].endswith("passes over each rollout [given]")
    assert said["agent.hidden_units"].endswith("[for env=permuted-cartpole]")
    assert said["agent.redo.threshold"].endswith("[Sokar et al., ICML 2023]")
    own = help_text(as_hydra_reads(["agent=ppo", "env=Pendulum-v1", "env.change=gravity"]))
    assert "env.gravity.tilts=None" in own
    assert "env.arguments=None" in own


def test_classes_without_a_file_have_no_lines():
    made = dataclass(type("Made", (Agent,), {"__annotations__": {"x": int}, "x": 1, "__module__": "nowhere"}))
    assert meaning(made, "x") == ""
