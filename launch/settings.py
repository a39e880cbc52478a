"""The settings of a run, typed, and how Hydra composes them.

A value comes from the last of these that gives one: the agent's recipe, what the environment's recipe says of agents
(`agent_settings`), what a paper set for this agent there (`agents.published`), the command line. Of an environment: its
recipe, what the agent's recipe says of environments (`env_settings`), the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any

from hydra import compose, initialize
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import MISSING, DictConfig, OmegaConf

from agents import AGENTS, agent_named
from agents.published import published
from agents.recipe import Agent
from agents.together import Together, parts_of
from envs import ENVS, env_named
from envs.own import Own
from envs.recipe import Problem
from launch.start import digest_of_start
from plastic_rl.choices import Reset, SeedsIn
from plastic_rl.runs import Track, settings_digest
from plastic_rl.settings import AnyOf, Count, NonNegativeInteger, OneOf, OptionalCount, Positive

CONFIG_NAME = "train"
"""The name under which Hydra finds a run's settings."""

_WITHOUT_EFFECT_ON_A_STREAM = ("data_folder", "download")
_WITHOUT_EFFECT_ON_THE_RESULT = (
    *("seed", "seeds", "seeds_in", "track", "out", "fresh", "debug", "checkpoint_seconds", "formats", "replay_on_disk"),
    *("evaluate_every", "probe_every", "look_back"),
)


@dataclass
class Settings:
    """The settings of a run.

    Attributes:
        agent: who learns
        env: where
        total_steps: environment steps of the run, over all sub-environments; not of a stream, which says its tasks
        seed: of weights, actions, minibatches, tasks and sub-environments
        seeds: how many, from that seed on: on streams one batched network, else a run each, by one command
        seeds_in: of worlds: batch (side by side, as one network), turn (one after another), auto (the quicker)
        device: cpu, cuda, cuda:1, mps or auto
        threads: of torch, for one run; several seeds side by side are faster than several threads
        track: Weights & Biases: online, offline, off, or auto (online where there is a key, else offline)
        out: the folder of all runs
        start_from: a saved model to begin with, a model.zip of a run or of Stable-Baselines3, or a run's folder
        reset: of that model: nothing, head (last layers), critic, optimizer (its moments); the others are taken over
        fresh: start over, also where there is a checkpoint
        debug: show the traceback of an error
        checkpoint_seconds: between checkpoints
        evaluate_every: steps between evaluations in a world that follows; the best model of a task is kept; 0: none
        probe_every: steps between probes (can it still learn?), tasks of a stream; 0: none
        look_back: episodes in each task so far when one has ended (forgetting, transfer); 0: none
        formats: what else Stable-Baselines3 logs to: csv, tensorboard
        replay_on_disk: keep an agent's replay buffer beside its checkpoints; without, a stopped run goes on inexactly
    """

    agent: Agent = MISSING
    env: Problem = MISSING
    total_steps: OptionalCount = MISSING
    seed: NonNegativeInteger = 0
    seeds: Count = 1
    seeds_in: Annotated[str, OneOf(tuple(SeedsIn))] = SeedsIn.auto.value
    device: str = "cpu"
    threads: Count = 1
    track: Track = Track.auto
    out: str = "runs"
    start_from: str | None = None
    reset: Annotated[str, OneOf(tuple(Reset))] = Reset.nothing.value
    fresh: bool = False
    debug: bool = False
    checkpoint_seconds: Positive = 300.0
    evaluate_every: NonNegativeInteger = 0
    probe_every: NonNegativeInteger = 0
    look_back: NonNegativeInteger = 0
    formats: Annotated[list[str], AnyOf(("csv", "tensorboard"))] = field(default_factory=list)
    replay_on_disk: bool = True

    @property
    def agent_name(self) -> str:
        """The word after `agent=`."""
        recipe = type(self.agent)
        return (
            recipe.__name__ if issubclass(recipe, Together) else next(n for n, each in AGENTS.items() if each is recipe)
        )

    @property
    def env_name(self) -> str:
        """The word after `env=`; of anybody's environment `own`, with its changes."""
        recipe = type(self.env)
        return recipe.__name__ if issubclass(recipe, Own) else next(n for n, each in ENVS.items() if each is recipe)

    @property
    def env_label(self) -> str:
        """The environment as folders and titles name it."""
        return self.env.label if isinstance(self.env, Own) else self.env_name


def setting_names() -> list[str]:
    """Return the names of a run's own settings, those of its agent and environment aside."""
    return [setting.name for setting in fields(Settings)]


def as_mapping(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain dictionaries, lists, numbers and strings."""
    plain = OmegaConf.to_container(OmegaConf.structured(settings), enum_to_str=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def what_makes_the_result(settings: Settings) -> dict[str, Any]:
    """Return the settings that the result depends on, seed aside: what tells one experiment from another."""
    plain = as_mapping(settings)
    for group, recipe in (("agent", settings.agent), ("env", settings.env)):
        later = added_later(type(recipe))
        plain[group] = {key: value for key, value in plain[group].items() if key not in later or value != later[key]}
    plain["env"] = {key: value for key, value in plain["env"].items() if key not in _WITHOUT_EFFECT_ON_A_STREAM}
    if settings.start_from is None:
        del plain["start_from"], plain["reset"]
    else:
        plain["start_from"] = digest_of_start(settings.start_from)  # what it is, and not where it lies
    return {key: value for key, value in plain.items() if key not in _WITHOUT_EFFECT_ON_THE_RESULT}


def added_later(recipe: type[Agent] | type[Problem]) -> dict[str, object]:
    """Return the settings that came later of a recipe and all that it is made of, with the values of before."""
    parts = [vars(kind).get("added_later", {}) for kind in reversed(recipe.__mro__)]
    return {name: value for part in parts for name, value in part.items()}


def experiment(settings: Settings) -> str:
    """Return the name that runs share which differ in their seed alone, and by which W&B groups them."""
    return f"{settings.env_label}/{settings.agent_name}/{settings_digest(what_makes_the_result(settings))}"


def identity(settings: Settings) -> dict[str, Any]:
    """Return what tells one run from another: names, what makes the result, and seeds."""
    names = {"agent_name": settings.agent_name, "env_name": settings.env_name}
    return {**names, **what_makes_the_result(settings), "seed": settings.seed, "seeds": settings.seeds}


def from_hydra(config: DictConfig) -> Settings:
    """Return the settings that Hydra composed."""
    settings = OmegaConf.to_object(config)
    assert isinstance(settings, Settings)
    return settings


def composed(words: Sequence[str]) -> Settings:
    """Return the settings that a command gives.

    Args:
        words: The settings in it, one value each, as Hydra reads them; those of its agent are registered.
    """
    with ExitStack() as stack:
        if not GlobalHydra.instance().is_initialized():
            stack.enter_context(initialize(version_base="1.3", config_path=None))
        return from_hydra(compose(CONFIG_NAME, list(words)))


@cache
def register() -> None:
    """Tell Hydra of the settings and of every environment; the agents of a command follow (:func:`register_agent`)."""
    store = ConfigStore.instance()
    # Hydra copies what it takes from the store, and before that all of it, which takes longer than all else at a start.
    store.__deepcopy__ = lambda memo: store  # pyright: ignore[reportAttributeAccessIssue]
    store.store(name="settings", node=Settings)
    store.store(name=CONFIG_NAME, node=_composition())
    for env_name in ENVS:
        _store_env(env_name)
    register_agent(next(iter(AGENTS)))


@cache
def register_agent(agent_name: str) -> None:
    """Tell Hydra of an agent, and of what environments and papers say of it.

    Raises:
        KeyError: There is no such agent.
        UserError: It cannot have the methods of its name.
    """
    store, agent = ConfigStore.instance(), agent_named(agent_name)
    store.store(group="agent", name=agent_name, node=agent)
    for env_name in ENVS:
        _store_pair(agent_name, env_name)


@cache
def register_own(env_name: str, agent_name: str) -> None:
    """Tell Hydra of an environment that is put together by its name, beside an agent that it knows.

    Raises:
        UserError: There is no such change.
    """
    _store_env(env_name)
    for agent in {agent_name, next(iter(AGENTS))}:
        _store_pair(agent, env_name)


def _store_env(env_name: str) -> None:
    env = env_named(env_name)
    node = {"env": env, "total_steps": env.steps_of_a_run()}
    ConfigStore.instance().store(group="env", name=env_name, node=node, package="_global_")


def _store_pair(agent_name: str, env_name: str) -> None:
    store, node = ConfigStore.instance(), said_of(agent_name, env_name)
    store.store(group="agent_settings", name=f"{agent_name}-in-{env_name}", node=node, package="agent")
    of_env = known_to(env_named(env_name), agent_named(agent_name).env_settings)
    store.store(group="env_settings", name=f"{env_name}-of-{agent_name}", node=of_env, package="env")


def said_of(agent_name: str, env_name: str) -> dict[str, object]:
    """Return the settings that an agent has in an environment, by that environment's recipe and by papers."""
    agent = agent_named(agent_name)
    everywhere = {} if agent.tuned_apart else env_named(env_name).agent_settings
    said = known_to(agent, {**everywhere, **published(agent_name, env_name, agent.base_name)})
    for word, method in parts_of(agent).items():
        of_method = {**everywhere, **published(f"{agent.base_name}_{word}", env_name)}
        said[word] = known_to(method, of_method)
    return said


def known_to(recipe: type[Agent] | type[Problem], said: Mapping[str, object]) -> dict[str, object]:
    """Return those of some settings that a recipe has, and that do not make it what it is."""
    kept = recipe.keeps if issubclass(recipe, Agent) else frozenset[str]()
    known = {setting.name for setting in fields(recipe)} - kept
    return {name: value for name, value in said.items() if name in known}


def _composition() -> dict[str, Any]:
    return {
        "defaults": [
            "settings",
            # Stand-ins: a command names both, but Hydra composes a sweep's frame without the choices swept over.
            {"agent": next(iter(AGENTS))},
            {"env": next(iter(ENVS))},
            {"agent_settings": "${agent}-in-${env}"},
            {"env_settings": "${env}-of-${agent}"},
            {"override hydra/job_logging": "none"},
            {"override hydra/hydra_logging": "none"},
            "_self_",
        ],
        # Hydra's own folders stay away: a run's folder says all that they would.
        "hydra": {
            "output_subdir": None,
            "run": {"dir": "."},
        },
    }
