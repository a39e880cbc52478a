"""Every recipe with settings drawn at random, sensible ones and others: it runs, or says in two lines why not."""

from __future__ import annotations

import dataclasses
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agents import AGENTS, agent_named
from agents.methods import METHODS
from agents.recipe import Agent
from agents.together import JOINT
from envs import ENVS
from envs.recipe import SupervisedStream
from launch.choices import agents_for, envs_for
from launch.command_line import main
from plastic_rl.errors import UserError
from tests.docs.commands import refusal
from tests.streams import written

SEED = int(os.environ.get("FUZZ_SEED", "4"))
DRAWING = {
    "plastic_rl.sb3.train_model": "draw_learning_curve",
    "plastic_rl.training.train_learner": "draw_task_curve",
}
CASES = int(os.environ.get("FUZZ_CASES", "1"))  # for each agent, and for each environment
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "500"))  # of any agent in any environment
LIMIT = 120.0
"""Seconds of processor time that a command may take, so that many have an end; one that takes more is a fault."""
UNFINISHED = -1
SMALL = {
    **{"hidden_units": 4, "hidden_layers": 1, "rollout_steps": 32, "minibatch_size": 16, "epochs": 1},
    **{"examples": 12, "tasks": 2, "n_envs": 1, "maturity_threshold": 1, "steps": 20, "change_every": 20},
}
SENSIBLE: dict[type, list[str]] = {
    int: ["1", "2", "3", "1e1"],
    float: ["0.5", "1e-3", "0.9", "0.25"],
    bool: ["true", "false"],
    str: [],
    list: ["[]", "[csv]"],
}
OF_SMALL_DATA: dict[str, dict[str, str]] = {
    "continual-imagenet": {"env.train_images": "5", "env.test_images": "2"},
    "tiny-continual-imagenet": {"env.train_images": "5", "env.test_images": "2"},
    "incremental-cifar100": {"env.validation_images": "1"},
}
OF_LARGE_NETWORKS = {"env.batch_size": "32", "env.epochs": "1"}
"""For networks of papers, an update of which takes a tenth of a second: few updates, where fewer in each were drawn."""
ODD: dict[type, list[str]] = {
    int: ["0", "7", "-1", "1.5", "many", "", "null", "[1]", "1e30"],
    float: ["0", "1e9", "-1", "inf", "nan", "null", "'x'", "1e400"],
    bool: ["1", "yes", "maybe", "null"],
    str: ["", "null", "日本", "a=b", "1", "[a]", "~/nowhere"],
    list: ["[tsv]", "csv", "null"],
}


def kind_of(hint: Any) -> tuple[type, list[str]]:
    """The type of a setting, and words that it may be."""
    options: list[str] = []
    if get_origin(hint) is Annotated:
        hint, condition, *_ = get_args(hint)
        options = [str(getattr(each, "value", each)) for each in getattr(condition, "options", ())]
    plain = [each for each in (get_args(hint) or (hint,)) if each is not type(None)]
    kind = next((each for each in plain if each in ODD), list if get_origin(hint) is list else str)
    return kind, options


def drawn(recipe: type, prefix: str, draw: random.Random) -> dict[str, str]:
    """A few settings of a recipe, with values most of which are sensible."""
    hints = get_type_hints(recipe, include_extras=True)
    names = [setting.name for setting in dataclasses.fields(recipe) if setting.name not in ("compile", "download")]
    words = {}
    for name in draw.sample(names, min(len(names), draw.randint(0, 3))):
        kind, options = kind_of(hints[name])
        sensible = options or SENSIBLE[kind]
        words[prefix + name] = draw.choice(sensible if sensible and draw.random() < 0.85 else ODD[kind])
    return words


def small(recipe: type, prefix: str) -> dict[str, str]:
    """What makes a recipe take an instant."""
    hints = get_type_hints(recipe)
    counts = {name for name, hint in hints.items() if int in (get_args(hint) or (hint,))}
    return {f"{prefix}{name}": str(value) for name, value in SMALL.items() if name in counts}


def recipe_of(agent: str) -> type[Agent]:
    """The recipe of an agent; of one that cannot have the methods that are joined to it, its base."""
    try:
        return agent_named(agent)
    except UserError:
        return AGENTS[agent.partition(JOINT)[0]]


def command(agent: str, env: str, out: Path, data: Path, draw: random.Random) -> list[str]:
    """A command that takes an instant, if it does anything."""
    recipe = recipe_of(agent)
    given = {"agent": agent, "env": env, "out": str(out), "track": "off"}
    given |= small(recipe, "agent.") | small(ENVS[env], "env.") | OF_SMALL_DATA.get(env, {})
    if not issubclass(ENVS[env], SupervisedStream):
        given["total_steps"] = "64"
    elif "data_folder" in {setting.name for setting in dataclasses.fields(ENVS[env])}:
        given |= {"env.data_folder": str(data), "env.download": "false"}
    given |= drawn(recipe, "agent.", draw) | drawn(ENVS[env], "env.", draw)
    if draw.random() < 0.8 and "network" in {setting.name for setting in dataclasses.fields(recipe)} - recipe.keeps:
        given.setdefault("agent.network", "mlp")  # those of papers take seconds
    usual = str(getattr(recipe, "network", "mlp"))
    if "network" not in recipe.keeps:
        usual = str(ENVS[env].agent_settings.get("network", usual))
    if given.get("agent.network", usual) != "mlp":  # sizes of others are refused
        given = {name: value for name, value in given.items() if not name.startswith("agent.hidden_")}
        given |= {"agent.network_width": "1"} if given.get("agent.network", usual) == "resnet18" else {}
        given |= {name: value for name, value in OF_LARGE_NETWORKS.items() if given.get(name) in (*SENSIBLE[int], "7")}
    return [f"{name}={value}" for name, value in given.items()]


def complaint(words: list[str], code: int, error: str) -> str | None:
    """What is wrong with how a command ended; None where nothing is."""
    lines = [line for line in error.splitlines() if line.strip()]
    progress = [line for line in lines if line.lstrip()[:4].rstrip("%,").isdigit()]
    of_mujoco = [line for line in lines if line.startswith("WARNING: compiler attribute")]
    told = len(lines) - len(progress) - len(of_mujoco) - error.count("changes nothing for agent.network=linear")
    if code == UNFINISHED:
        return f"{' '.join(words)}\n  -> still ran after {LIMIT:g} s of processor time"
    is_told = code == 0 or told <= 2 or code == 1
    if code in (0, 1, 2) and is_told and "Traceback" not in error and "debug=true" not in error:
        return None
    return f"{' '.join(words)}\n  -> {code}: {error[-800:]}"


class OutOfTime(BaseException):
    """A command has had its time; no Exception, so that nothing in it takes this for a fault of its own."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in what takes longer, in seconds of processor time."""

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def exit_code(words: list[str]) -> int:
    """The exit code of a command, or that it was not finished in its time."""
    try:
        with limited(LIMIT):
            return main(words)
    except OutOfTime:
        return UNFINISHED


class Trial:
    """Commands in one process, each in a folder of its own, and what was wrong with how they ended.

    Args:
        folder: Of the runs and of the small data sets.
        heard: What pytest hears of standard error.
    """

    def __init__(self, folder: Path, heard: Any) -> None:
        (folder / "data").mkdir()
        self.folder, self.heard = folder, heard
        self.data = written.write_all(folder / "data")
        self.codes: list[int] = []
        self.slowest = 0.0
        self.complaints: list[str] = []

    def run(self, agent: str, env: str, draw: random.Random) -> None:
        """Run an agent in an environment, with settings that are drawn."""
        logging.getLogger("plastic_rl").handlers.clear()
        words = command(agent, env, self.folder / str(len(self.codes)), self.data, draw)
        begun = time.process_time()
        self.codes.append(exit_code(words))
        self.slowest = max(self.slowest, time.process_time() - begun)
        if wrong := complaint(words, self.codes[-1], self.heard.readouterr().err):
            self.complaints.append(wrong)
        if wrong or len(self.codes) % 25 == 0:  # shown at once: the rest may take an hour
            with self.heard.disabled():
                print(f"\n{wrong or self.counts()}", flush=True)

    def counts(self) -> dict[str, int]:
        """The number of commands, how many ended in which way, and the seconds of processor time of the slowest."""
        ways = {"ran": 0, "refused": 2, "stopped_with_a_message": 1, "unfinished": UNFINISHED}
        ends = {name: self.codes.count(code) for name, code in ways.items()}
        return {"commands": len(self.codes), **ends, "slowest_s": round(self.slowest)}


@pytest.fixture
def trial(tmp_path: Path, monkeypatch, capfd):
    for module, name in DRAWING.items():
        monkeypatch.setattr(
            import_module(module), name, lambda _, picture_file, *rest: picture_file.write_text("drawn")
        )
    monkeypatch.setattr(sys, "argv", ["train.py"])
    return Trial(tmp_path, capfd)


@pytest.mark.slow
@pytest.mark.timeout(3600)  # by the wall, on a loaded machine; each command has its own limit of processor time
@pytest.mark.filterwarnings("ignore")
def test_every_recipe_with_any_settings_runs_or_says_why_not(trial, counted):
    draw = random.Random(SEED)
    pairs = [(agent, draw.choice(envs_for([agent]))) for agent in AGENTS for _ in range(CASES)]
    pairs += [(draw.choice(agents_for([env])), env) for env in ENVS for _ in range(CASES)]
    for agent, env in pairs:
        trial.run(agent, env, draw)
    counted("fuzz", **trial.counts())
    assert not trial.complaints, "\n\n".join(trial.complaints)


PAIRS = [(agent, env) for agent in AGENTS for env in envs_for([agent])]
JOINED = st.lists(st.sampled_from(sorted(METHODS)), max_size=2)
DRAWS = st.builds(random.Random, st.integers(0, 2**32 - 1))
quickly = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def joined(agent: str, methods: list[str]) -> str:
    """An agent with methods, if it is a base and has none in its name."""
    return JOINT.join([agent, *methods]) if agent in ("ppo", "sgd", "adam", "sac", "dqn") else agent


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.filterwarnings("ignore")
def test_any_agent_anywhere_with_any_settings_runs_or_says_why_not(trial, counted):
    pairs = random.Random(SEED).sample(PAIRS, len(PAIRS))  # hypothesis would take few of them, again and again

    @settings(quickly, max_examples=EXAMPLES)
    @given(JOINED, DRAWS)
    def tried(methods: list[str], draw: random.Random) -> None:
        number = len(trial.codes)
        agent, env = pairs[number % len(pairs)]
        draw = random.Random(f"{SEED} {number} {draw.random()}")  # hypothesis gives a third of its numbers twice
        trial.run(joined(agent, methods), env, draw)

    tried()
    counted("fuzz of pairs", **trial.counts())
    assert len(trial.codes) >= EXAMPLES
    assert not trial.complaints, "\n\n".join(trial.complaints)


@settings(quickly, max_examples=15)
@given(pair=st.sampled_from(PAIRS), methods=JOINED, draw=DRAWS)
def test_a_few_commands_with_any_settings_compose_or_are_refused_in_two_lines(pair, methods, draw):
    words = command(joined(pair[0], methods), pair[1], Path("runs"), Path("data"), draw)
    told = refusal(words, whole_sweep=False)
    assert told is None or len(told.splitlines()) <= 2


def test_a_command_that_takes_too_long_is_stopped_and_named(monkeypatch):
    def endless(_):
        while True:
            pass

    monkeypatch.setattr(f"{__name__}.LIMIT", 0.05)
    monkeypatch.setattr(f"{__name__}.main", endless)
    code = exit_code(["agent=ppo"])
    assert code == UNFINISHED
    assert complaint(["agent=ppo"], code, "") == "agent=ppo\n  -> still ran after 0.05 s of processor time"
