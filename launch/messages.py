"""Messages about a command that went wrong: Hydra's and OmegaConf's errors in one or two lines, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from enum import Enum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException, ValidationError

from agents import AGENTS
from envs import ENVS
from launch.method_settings import is_group, meant_of_a_method, no_value
from launch.settings import Settings
from plastic_rl.errors import RunError, UserError
from plastic_rl.extras import missing

_WORDS = {int: "a whole number such as 400_000", float: "a number", bool: "true or false", str: "text", list: "a list"}


def explained(error: Exception) -> UserError | None:
    """Return what to tell the person who typed the command, or None if the error is not of their making."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError) and error.filename and not isinstance(error, HydraException):
        return RunError(f"{error.filename}: {error.strerror}\nRuns are written where out=<folder> says.")
    if isinstance(error, ModuleNotFoundError) and error.name:
        return UserError(missing(error.name, "this run"))
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    return UserError(_text(error))


def told_of(error: Exception) -> tuple[str, int]:
    """Return what to tell of any error, and the exit code of a command that ends with it."""
    known = explained(error)
    if known:
        return str(known), known.exit_code
    lines = str(error).splitlines()
    name = type(error).__name__
    return f"{name}: {lines[0]}" if lines else name, RunError.exit_code


# What other libraries call a setting, and what it may be called here.
_SYNONYMS = {
    "lr": ("learning_rate",),
    "gamma": ("discount",),
    "batch_size": ("minibatch_size",),
    "minibatch_size": ("batch_size",),
    "n_steps": ("rollout_steps",),
    "n_epochs": ("epochs",),
    "ent_coef": ("entropy_coefficient",),
    "vf_coef": ("value_coefficient",),
    "eps": ("epsilon",),
    "max_grad_norm": ("max_gradient_norm",),
    "buffer_size": ("replay_size",),
    "gradient_steps": ("replay_ratio",),
    "utd": ("replay_ratio",),
    "train_freq": ("update_every",),
    "target_update_interval": ("target_every",),
    "exploration_final_eps": ("exploration_last",),
    "exploration_initial_eps": ("exploration_first",),
    "n_quantiles": ("quantiles",),
    "n_critics": ("critics",),
    "lstm_hidden_size": ("memory_units",),
    "reset_interval": ("reset_every",),
    "wd": ("weight_decay",),
    "l2": ("weight_decay",),
    "hidden_size": ("hidden_units",),
    "width": ("hidden_units",),
    "depth": ("hidden_layers",),
    "num_layers": ("hidden_layers",),
    "num_envs": ("n_envs",),
    "timesteps": ("total_steps",),
    "total_timesteps": ("total_steps",),
    "steps": ("total_steps",),
    "n_seeds": ("seeds",),
    "output": ("out",),
    "algo": ("agent",),
    "algorithm": ("agent",),
    "environment": ("env",),
    "stream": ("env",),
}


def unknown(what: str, options: Iterable[str], meant: str | None = None) -> str:
    """Return what to say of a setting that is not one of `options`.

    Args:
        what: The setting as typed, with the keys that lead to it: `agent.replacment_rate`.
        options: What may stand in place of its last part.
        meant: What was probably meant, where it is known; else the option that is spelled most alike.
    """
    names = list(options)
    path, _, last = what.rpartition(".")
    if not names:
        return f"There is no setting {what}: {path} has no settings"
    meant = meant or _meant(path, last, names)
    hint = f" Did you mean {meant}?" if meant else ""
    return f"There is no setting {what}.{hint}\nThe settings of {path or 'a run'}: {', '.join(names)}"


def _meant(path: str, last: str, names: list[str]) -> str | None:
    here = [name for name in _SYNONYMS.get(last, ()) if name in names]
    if not here and not path and (elsewhere := _of_a_recipe(last)):
        return elsewhere
    here += get_close_matches(last, names, n=1)
    return f"{path}.{here[0]}" if here and path else here[0] if here else None


def _of_a_recipe(name: str) -> str | None:
    """Return the setting of agents or environments that is called so, or would be here; None if there is none."""
    for group, recipes in (("agent", AGENTS), ("env", ENVS)):
        known = {setting.name for recipe in recipes.values() for setting in fields(recipe)}
        for each in (name, *_SYNONYMS.get(name, ())):
            if each in known:
                return f"{group}.{each}"
    return None


def _text(error: Exception) -> str:
    cause = error.__cause__ or error
    if isinstance(error, MissingConfigException):
        return _unknown_recipe(str(error))
    if isinstance(error, OverrideParseException):
        return f"{_what_was_typed(error)} cannot be read: expected setting=value, such as seed=3"
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        key, owner = _full_key(cause), _owner(cause)
        return unknown(key, _names(owner), meant_of_a_method(owner, _typed_key(str(error)) or key))
    if isinstance(cause, ValidationError):
        return _wrong_type(str(error), cause)
    return _of_composition(error)


def _of_composition(error: Exception) -> str:
    text = str(error)
    if isinstance(error, ConfigCompositionException) and "--multirun" in text:
        typed = re.search(r"'(.+?)'", text)
        return f"{typed[1] if typed else text} gives several values: add -m to train one run for each"
    return text.splitlines()[0] if text else repr(error)


def _unknown_recipe(text: str) -> str:
    found = re.search(r"Could not find '(.+)/(.+?)'", text)
    if not found:
        return text.splitlines()[0]
    group, name = found.groups()
    names = re.findall(r"^\t(\S+)$", text, re.MULTILINE)
    near = get_close_matches(name, names, n=1)
    hint = f" Did you mean {group}={near[0]}?" if near else ""
    return f"There is no {group}={name}.{hint}\nExpected {group}= one of {', '.join(names)}"


def _wrong_type(text: str, cause: ValidationError) -> str:
    key, owner = _full_key(cause), _owner(cause)
    expected, typed = get_type_hints(owner).get(key.rpartition(".")[2]), re.search(_MERGED, text)
    given = f", got {_unquoted(typed[2]) or 'nothing'}" if typed else ""
    if is_group(expected):
        return no_value(key, expected, given)
    words = _in_words(owner, key.rpartition(".")[2])
    if typed and typed[1].startswith(f"{key}."):
        return f"There is no setting {typed[1]}: {key} is {words}"
    return f"{key} must be {words}{given}"


_MERGED = r"Error merging override \+*(.+?)=(.*)"


def _typed_key(text: str) -> str | None:
    found = re.search(r"Could not override '(.+?)'", text)
    return found[1] if found else None


def _unquoted(text: str) -> str:
    # Quotes that the launcher itself put around a text that Hydra cannot read.
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


def _in_words(owner: type[Any], name: str) -> str:
    expected = get_type_hints(owner, include_extras=True).get(name)
    if get_origin(expected) is Annotated:
        expected, condition = get_args(expected)
        if not hasattr(condition, "low"):
            return str(condition)
    if isinstance(expected, type) and issubclass(expected, Enum):
        return f"one of {', '.join(member.name for member in expected)}"
    kind: Any = next((each for each in get_args(expected) if each in _WORDS), get_origin(expected) or expected)
    return _WORDS.get(kind, str(expected))


def _what_was_typed(error: OverrideParseException) -> str:
    return f"'{error.override}'" if error.override else str(error).splitlines()[0]


def _full_key(cause: OmegaConfBaseException) -> str:
    return str(cause.full_key or cause.key)


def _owner(cause: OmegaConfBaseException) -> type[Any]:
    return cause.object_type if isinstance(cause.object_type, type) else Settings


def _names(owner: type[Any]) -> list[str]:
    return [setting.name for setting in fields(owner)] if hasattr(owner, "__dataclass_fields__") else []
