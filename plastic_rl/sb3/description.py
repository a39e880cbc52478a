"""A method and its settings as plain values, as saved models hold them, and YAML files and sweeps give them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypedDict, cast

import numpy as np

from plastic_rl.optim import Plasticity, Stack
from plastic_rl.sb3.plain_settings import checked_settings

PLAIN = (bool, int, float, str, type(None))

FORM = '{"method": "plastic_rl.optim:ContinualBackprop", "settings": {"replacement_rate": 0.0001}}'


class _Method(TypedDict):
    method: str


class Description(_Method, total=False):
    """A method as plain values: "module:Class", and its settings by name; functions as {"function": "module:name"}."""

    settings: Mapping[str, Any]


Described = Description | Sequence[Description]
"""One method, or several, the innermost first."""


def describe(plasticity: object) -> Described:
    """A method, or several as a :class:`plastic_rl.optim.Stack` or a list, as names and plain values.

    Args:
        plasticity: a method such as ``partial(ContinualBackprop, …)``, its description, or several of either, the
            innermost first.

    Raises:
        TypeError: it is no method.
        ValueError: the method cannot be found by its name, has no such setting, or a setting is neither a plain value
            nor a function that can be imported by its name.
    """
    if isinstance(plasticity, Stack):
        plasticity = plasticity.methods
    if isinstance(plasticity, str) or not isinstance(plasticity, Sequence):
        return _describe_one(plasticity)
    if not plasticity:
        raise ValueError("plasticity= is an empty list: give one method or more, or None for none")
    described = (describe(method) for method in plasticity)
    return [one for part in described for one in ([part] if isinstance(part, dict) else cast(list[Description], part))]


def _describe_one(method: object) -> Description:
    if isinstance(method, Mapping):
        method = _read(cast(Mapping[str, Any], method))
    if not callable(method):
        raise TypeError(
            f"plasticity must be a method such as partial(ContinualBackprop, …), got {method!r}; as plain values {FORM}"
        )
    function, settings = (method.func, method.keywords) if isinstance(method, partial) else (method, {})
    if isinstance(method, partial) and method.args:
        raise ValueError(f"settings of {_name(function)} must be given by keyword, got {method.args!r} without")
    name, plain = _name(function), {key: _plain(key, value) for key, value in settings.items()}
    taken = checked_settings(name, function, {key: _value(value) for key, value in plain.items()})
    return {"method": name, "settings": {key: _plain(key, value) for key, value in taken.items()}}


def build(description: Described) -> Plasticity:
    """The method that :func:`describe` described.

    Raises:
        ValueError: something that it is made of cannot be imported here.
    """
    if isinstance(description, Mapping):
        return _build_one(description)
    return Stack([_build_one(one) for one in description])


def _build_one(description: Description) -> Any:
    settings = description.get("settings") or {}
    return partial(_import(description["method"]), **{key: _value(value) for key, value in settings.items()})


def _read(given: Mapping[str, Any]) -> Any:
    """A method from plain values that somebody has written.

    Raises:
        ValueError: they are not of the form, or name something that cannot be imported.
    """
    name, settings = given.get("method"), given.get("settings") or {}
    if set(given) - {"method", "settings"} or not isinstance(name, str) or not isinstance(settings, Mapping):
        raise ValueError(f"plasticity as plain values is {FORM}, or a list of these; got {dict(given)!r}")
    function = _find(name) if ":" in name else None
    if not callable(function):
        raise ValueError(
            f"{name!r} cannot be imported here: a method is module:Class, such as plastic_rl.optim:ContinualBackprop; "
            "if a model was saved with it, make it importable, or load with another plasticity= (None: without one)"
        )
    named = cast(Mapping[str, Any], settings)
    return partial(function, **{key: _value(value) for key, value in named.items()})


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, partial) and not value.args:
        settings = {name: _plain(name, each) for name, each in value.keywords.items()}
        return {"function": _name(value.func), "settings": settings}
    if callable(value):
        return {"function": _name(value)}
    raise ValueError(
        f"{key} must be a number, a string, a truth value or an importable function to be saved; got {value!r}"
    )


def _value(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    description = cast(Mapping[str, Any], value)
    if "function" not in description:
        raise ValueError(f'a setting that is a function is {{"function": "module:name"}}, got {dict(description)!r}')
    function, settings = _import(description["function"]), description.get("settings")
    return partial(function, **{key: _value(each) for key, each in settings.items()}) if settings else function


def _name(function: Any) -> str:
    name = f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', repr(function))}"
    # What `__main__` holds here is not what it holds in the process that loads.
    if name.startswith("__main__:") or _find(name) is not function:
        raise ValueError(
            f"{function!r} cannot be imported by name, so a saved model could not find it; define it in a module"
        )
    return name


def _import(name: str) -> Callable[..., Any]:
    found = _find(name)
    if found is None:
        raise ValueError(
            f"the model was saved with {name!r}, which cannot be imported here; make it importable, or load with "
            "another plasticity= (None: without a method)"
        )
    return found


def _find(name: str) -> Any:
    """The thing that a name such as "module:Class.method" stands for, or None."""
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    return found
