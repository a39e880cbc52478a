"""Anybody's environment by its id, made to change from the command line."""

import dataclasses
import sys
from importlib import import_module

import gymnasium
import numpy as np
import pytest

from envs.changes import CHANGES
from envs.changes.drawn import WORDS, DrawnNumbers, drawn
from envs.own import Own, own_world
from envs.user_modules import names_of_the_user
from launch.command_line import main
from launch.effects import check_effects
from launch.own_words import with_own_world
from launch.own_world import fitting_changes
from launch.recorded_settings import settings_from
from launch.run import run_folder
from launch.settings import identity
from launch.validation import check
from launch.words import as_hydra_reads
from plastic_rl import nonstationary
from plastic_rl.errors import UserError
from plastic_rl.runs.identity import identity as flat
from plastic_rl.settings import Keywords

TINY = ("track=off", "agent.rollout_steps=64", "agent.minibatch_size=64", "agent.epochs=1", "total_steps=128")

MODULE = """
import gymnasium, numpy as np
from envs.maze import Maze
gymnasium.register("{id}", entry_point="envs.maze:Maze")
"""
MAZE = """
import gymnasium, numpy as np
class Maze(gymnasium.Env):
    def __init__(self, size=3, render_mode=None):
        self.observation_space = gymnasium.spaces.Box(-1, 9, (size,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.size = size
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.age = 0
        return np.zeros(self.size, np.float32), {}
    def step(self, action):
        import envs.maze
        self.age += 1
        return np.full(self.size, self.age, np.float32), float(action), self.age == 5, False, {}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a project of somebody's own, with a package that is called as one of ours is, and go there."""
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "__init__.py").write_text("")
    (tmp_path / "envs" / "maze.py").write_text(MAZE)
    (tmp_path / "mine.py").write_text(MODULE.format(id="Mine-v0"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("envs.user_modules._theirs", {})
    yield tmp_path
    for name in ("mine", "envs.maze"):
        sys.modules.pop(name, None)
    gymnasium.registry.pop("Mine-v0", None)


@pytest.fixture
def own(settings_of):
    """Return the settings of a command as it is typed."""
    return lambda *words: settings_of(*as_hydra_reads(["agent=ppo", *words]))


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["env=Pendulum-v1"], ["env=own", "env.id=Pendulum-v1"]),
        (["env=a.b:My-v0", "env.change=friction", "seed=1"], ["env=own+friction", "env.id=a.b:My-v0", "seed=1"]),
        (["env.id=ALE/Pong-v5", "env.change=recolour+occlude"], ["env=own+recolour+occlude", "env.id=ALE/Pong-v5"]),
        (["env=A-v0,B-v1", "env.change=push,gravity"], ["env=own+push,own+gravity", "env.id=A-v0,B-v1"]),
        (["env=slippery-ant", "env.friction_low=1"], ["env=slippery-ant", "env.friction_low=1"]),
        (["env=slipery-ant"], ["env=slipery-ant"]),
        (["env=ant", "env.id=Ant-v5"], ["env=ant", "env.id=Ant-v5"]),
    ],
)
def test_an_id_becomes_a_setting_and_its_changes_the_name(words, read):
    assert with_own_world(words) == read


@pytest.mark.parametrize("words", [["env=ant,Ant-v5"], ["env=Ant-v5", "env.id=Hopper-v5"]])
def test_ids_and_names_are_not_mixed(words):
    with pytest.raises(UserError, match="give one command for each"):
        with_own_world(words)


def test_the_table_has_every_change_of_the_library_with_its_arguments():
    kinds = {each for each in vars(nonstationary).values() if isinstance(each, type)}
    changes = {each for each in kinds if issubclass(each, nonstationary.Change) and dataclasses.is_dataclass(each)}
    bases = {"NumberChange", "ShareChange", "Delay"}
    assert {each.change for each in CHANGES.values()} == {each.__name__ for each in changes} - bases
    for settings in CHANGES.values():
        arguments = dataclasses.fields(getattr(nonstationary, settings.change))
        named = [argument.name for argument in arguments if argument.init and argument.name != "high"]
        assert [setting.name for setting in dataclasses.fields(settings)] == named, settings


def test_every_change_is_made_of_its_defaults():
    assert [type(each().build()).__name__ for each in CHANGES.values()] == [each.change for each in CHANGES.values()]


def test_numbers_are_one_two_or_a_word():
    assert drawn(0.5) == 0.5
    assert drawn([0.02, 2]) == (0.02, 2)
    assert drawn("listed(1,-1)") == nonstationary.Listed([1, -1])
    assert drawn("log_uniform( 0.5, 2 )") == nonstationary.LogUniformValues(0.5, 2.0)
    assert drawn("linear_drift(0,1,10)").tasks == 10
    assert all(hasattr(nonstationary, name) for name in WORDS.values())
    for given in ("abc", "uniform(a,b)", "eval(1)", True, [1], [1, 2, 3], float("nan")):
        assert given not in DrawnNumbers()
    assert {} in Keywords()
    assert 4 not in Keywords()


def test_two_numbers_are_drawn_between_as_the_change_itself_does_it():
    friction = CHANGES["friction"](values=[0.02, 2.0]).build()
    assert friction == nonstationary.Friction(0.02, 2.0)
    assert isinstance(friction._values, nonstationary.LogUniformValues)


@pytest.mark.parametrize(
    ("settings", "schedule"),
    [
        ({}, "Every(at='reset', steps=100000)"),
        ({"change_every": 5, "takes_over": "step"}, "Every(at='step', steps=5)"),
        ({"change_in": "episodes", "change_every": 2}, "EveryEpisodes(at='reset', episodes=2)"),
        ({"change_in": "random_steps", "change_every": 9}, "PoissonSchedule(at='reset', mean_steps=9.0, seed=4)"),
        ({"change_at": [3, 8]}, "At(at='reset', steps=(3, 8))"),
        ({"burst_steps": 3, "change_every": 10}, "Bursts(at='reset', period=10, length=3)"),
        ({"changes": False}, f"Every(at='reset', steps={2**62})"),
    ],
)
def test_the_schedule_is_as_the_settings_say(settings, schedule):
    assert repr(Own(id="A-v0", **settings).schedule(4)) == schedule


def test_tasks_that_return_come_in_turn():
    assert Own(id="A-v0", returning=3, change_every=1).schedule(0).number_of_tasks == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["env=Pendulm-v1"], "There is no environment env.id=Pendulm-v1. Did you mean Pendulum-v1?"),
        (["env=nowhere.at.all:X-v0"], "its module cannot be imported here (No module named 'nowhere'"),
        (["env=own"], "env=own is by its id: give env.id="),
        (
            ["env=Pendulum-v1", "env.change=fricton"],
            "Did you mean env.change=friction?\nThe changes: friction, gravity",
        ),
        (["env=Pendulum-v1", "env.change=push+push"], "has push twice"),
        (["env=Pendulum-v1", "env.change=friction"], "Friction needs a MuJoCo environment"),
        (["env=Pendulum-v1", "env.change_every=9"], "env.change_every changes nothing without env.change="),
        (["env=plastic_rl/SlipperyAnt-v0", "env.changes=false"], "env.changes changes nothing without env.change="),
        (["env=Pendulum-v1", "env.change=action_gain", "env.action_gain=2"], "is a change, and has no value, got 2"),
        (["env=Pendulum-v1", "env.change=action_gain", "env.action_gain.values=x"], "a number, two as [low,high], or"),
        (
            ["env=Pendulum-v1", "env.change=action_gain", "env.action_gain.values=normal(1)"],
            "env.action_gain.values=normal(1): normal takes mean, deviation, got 1 numbers",
        ),
        (["env=Pendulum-v1", "env.change=push", "env.change_at=[5,2]"], "env.change_at must ascend from at least 1"),
        (["env=Pendulum-v1", "env.change=push", "env.burst_steps=200_000"], "must be less than env.change_every"),
        (["env=Pendulum-v1", "env.arguments=5"], "env.arguments must be names with values"),
        (["env=Pendulum-v1", "env.arguments={nope:5}"], "env.id=Pendulum-v1 cannot be made: "),
        (["env=Blackjack-v1"], "with env.flatten=true agents see them as one vector"),
        (
            ["agent=sac", "env=CartPole-v1"],
            "is a world of discrete actions, not for agent=sac.\nExpected agent= one of",
        ),
        (["agent=sgd", "env=CartPole-v1"], "is an environment to act in, not for agent=sgd."),
    ],
)
def test_what_cannot_be_is_refused_before_it_begins(words, said, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert main([*([] if words[0].startswith("agent") else ["agent=ppo"]), *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") <= 2
    assert list(tmp_path.iterdir()) == []


def test_a_change_that_cannot_be_is_told_with_those_that_can(own):
    with pytest.raises(UserError, match="Changes that can: pendulum_physics, permute_observations") as told:
        check(own("env=Pendulum-v1", "env.change=friction"))
    assert "cartpole_physics" not in str(told.value)
    assert "action_gain" in fitting_changes(Own(id="Pendulum-v1"))


def test_a_run_lives_under_its_id_and_its_changes_and_is_told_apart(own):
    one = own("env=a.b:Mine-v0", "env.change=push+gravity")
    other = own("env=a.b:Mine-v0", "env.change=push+gravity", "env.push.values=[1,2]")
    assert run_folder(one).path.parts[-3] == "Mine-v0-push+gravity"
    assert run_folder(one).path != run_folder(other).path
    again = settings_from({"settings": flat(identity(other))["settings"]})
    assert run_folder(again).path == run_folder(other).path
    with_arguments = own("env=X/Mine-v0", "env.arguments={size:5}")
    assert settings_from({"settings": flat(identity(with_arguments))["settings"]}).env == with_arguments.env
    assert run_folder(with_arguments).path.parts[-3] == "X-Mine-v0"


def test_a_world_changes_as_it_was_told(own):
    settings = own("env=CartPole-v1", "env.change=shift_reward", "env.shift_reward.values=listed(0,10)")
    check(settings)
    check_effects(settings, ["env.change_every"])
    world = own_world("own+shift_reward")(id="CartPole-v1", change_every=1, takes_over="step").build(seed=0)
    world.reset(seed=0)
    paid = [world.step(0)[1] for _ in range(3)]
    assert np.ptp(paid) > 0


def test_a_project_may_have_packages_of_our_names(project):
    ours = import_module("envs")
    with names_of_the_user():
        theirs = import_module("envs.maze")
        assert theirs.__file__ == str(project / "envs" / "maze.py")
    assert import_module("envs") is ours
    assert import_module("envs.maze") is theirs, "in the middle of a step, too"
    with names_of_the_user():
        assert import_module("envs.maze") is theirs


def test_an_agent_learns_in_an_environment_of_ones_own(project, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py"])
    words = ["agent=ppo_cbp", "env=mine:Mine-v0", "env.change=permute_observations", "env.change_every=64"]
    assert main([*words, "env.arguments={size:4}", *TINY]) == 0, capsys.readouterr().err
    (folder,) = project.glob("runs/Mine-v0-permute_observations/ppo_cbp/*")
    assert len((folder / "tasks.jsonl").read_text().splitlines()) == 2
