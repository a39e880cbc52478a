"""The text that `--help` prints: the agents, the environments, and every setting with its value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from hydra import compose, initialize
from omegaconf import DictConfig, OmegaConf

from agents import agent_named
from envs import env_named
from launch.listing import SECTIONS, first_line, table
from launch.meanings import meaning, source
from launch.method_settings import is_group
from launch.program import SCRIPT, program
from launch.protocols import PROTOCOLS
from launch.request import check_request, names_both, overrides, setting_words
from launch.settings import CONFIG_NAME, Settings, said_of
from launch.sweeps.words import LAUNCHERS, PREFIX, Launcher

_USAGE = """\
Train an agent in a world or on a stream that changes, and see whether it can still learn.

  python train.py agent=NAME env=NAME [setting=value ...]"""

_TOGETHER = """\
several methods at once, each with its own settings
  agent=ppo+cbp+l2_init agent.cbp.replacement_rate=1e-3 agent.l2_init.strength=1e-4"""

_PROTOCOLS = """\
all the settings under which published numbers were reached (protocol=)
  {names}"""

_BRACKETS = "the paper that the recipe follows there, ours, or what else has set it"

_EXAMPLES = """\
examples
  python train.py agent=ppo_cbp env=permuted-cartpole
  python train.py agent=sgd_cbp env=permuted-digits
  python train.py agent=ppo_cbp env=slippery-ant total_steps=400_000 env.change_every=100_000 seed=3
  python train.py agent=sac env=slippery-ant agent.replay_ratio=4 agent.reset_every=200_000
  python train.py -m agent=ppo,ppo_cbp 'seed=range(3)' env=permuted-cartpole jobs=2     (six runs, and their comparison)
  python train.py agent=ppo_cbp env=slippery-ant --help     (the settings of that agent in that environment)"""


def help_text(arguments: Sequence[str]) -> str:
    """Return the help for a command.

    Args:
        arguments: The words after `train.py`; where they name an agent and an environment, their settings are listed.
    """
    config = _composed(arguments)
    acting, on_streams = SECTIONS["agents"]()
    sections = [
        _USAGE,
        acting,
        _TOGETHER,
        _PROTOCOLS.format(names="\n  ".join(f"{name}: env={'|'.join(worlds)}" for name, worlds in PROTOCOLS.items())),
        *SECTIONS["environments"](),
        on_streams,
        *SECTIONS["streams"](),
        _of_the_run(config),
    ]
    sections.append(_of_launchers())
    if config is not None:
        given = {str(each.key_or_group): str(each.value()) for each in overrides(arguments)}
        sections += [_of_a_recipe(config, group, given) for group in ("agent", "env")]
    return "\n\n".join([*sections, _EXAMPLES]).replace(SCRIPT, program())


def _composed(arguments: Sequence[str]) -> DictConfig | None:
    if not names_both(overrides(arguments)):
        return None
    check_request(arguments)
    with initialize(version_base="1.3", config_path=None):
        return compose(CONFIG_NAME, setting_words(arguments))


def _of_the_run(config: DictConfig | None) -> str:
    return "\n".join(["settings and their defaults" if config is None else "settings", *table(rows_of_a_run(config))])


def rows_of_a_run(config: DictConfig | None = None) -> dict[str, str]:
    """Return the settings of a run, each with its value, and what it is.

    Args:
        config: Their values; the defaults if there is none.
    """
    values = OmegaConf.structured(Settings) if config is None else config
    return {_assignment(values, name): said for name, said in _meanings(Settings) if name not in ("agent", "env")}


def _of_a_recipe(config: DictConfig, group: str, given: Mapping[str, str]) -> str:
    recipe = {"agent": agent_named, "env": env_named}[group](given[group])
    rows = dict(_rows(config[group], recipe, group, _Origins(given)))
    return "\n".join([f"settings of this {group}; in brackets: {_BRACKETS}", *table(rows)])


@dataclass(frozen=True)
class _Origins:
    """The origins of the values of settings.

    Args:
        given: The words of the command: values by the names of settings.
    """

    given: Mapping[str, str]

    def of(self, recipe: type, path: str, name: str) -> str:
        """Return it in a few words; empty where the line on the setting says it."""
        if f"{path}.{name}" in self.given:
            return "given"
        group, _, word = path.partition(".")
        if group == "agent":
            said: Any = said_of(self.given["agent"], self.given["env"])
            if name in (said.get(word, {}) if word else said):
                return f"for env={self.given['env']}"
        return source(recipe, name)


def _rows(values: DictConfig, recipe: type, path: str, origins: _Origins) -> Iterator[tuple[str, str]]:
    hints = get_type_hints(recipe)
    for name in map(str, values):
        if is_group(hints[name]):
            yield from _rows(values[name], hints[name], f"{path}.{name}", origins)
        else:
            origin = origins.of(recipe, path, name)
            yield f"{path}.{_assignment(values, name)}", f"{meaning(recipe, name)}{f' [{origin}]' if origin else ''}"


def _assignment(values: DictConfig, name: str) -> str:
    if OmegaConf.is_missing(values, name):
        return f"{name}=(of the env)"
    value = OmegaConf.to_container(values, enum_to_str=True)[name]  # pyright: ignore
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def _of_launchers() -> str:
    lines = ["who trains several runs, with -m"]
    for name, launcher in LAUNCHERS.items():
        rows = table(rows_of_a_launcher(launcher))
        lines += [f"  launcher={name}: {first_line(launcher)}", *(f"  {row}" for row in rows)]
    return "\n".join(lines)


def rows_of_a_launcher(launcher: type[Launcher]) -> dict[str, str]:
    """Return the settings of a launcher, each with its default, and what it is."""
    return {_of_launcher(launcher(), setting): said for setting, said in _meanings(launcher)}


def _of_launcher(launcher: Launcher, setting: str) -> str:
    default = getattr(launcher, setting)
    return f"{'' if setting == 'jobs' else PREFIX}{setting}={'' if default is None else default}"


def _meanings(owner: type) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"^ +(\w+): (.+)$", owner.__doc__ or "", re.MULTILINE)
