"""A method and its settings in plain words, so that a saved model can be opened without this library."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

PLAIN = (bool, int, float, str, type(None))


def describe(method: object) -> dict[str, Any]:
    """A method, or a `functools.partial` of one, as names and plain values.

    Raises:
        TypeError: it is no method.
        ValueError: a setting is neither a plain value nor a function that can be imported by its name.
    """
    if not callable(method):
        raise TypeError(f"plasticity must be a method such as partial(ContinualBackprop, …), got {method!r}")
    function, settings = (method.func, method.keywords) if isinstance(method, partial) else (method, {})
    if isinstance(method, partial) and method.args:
        raise ValueError(f"settings of {_name(function)} must be given by keyword, got {method.args!r} without")
    return {"method": _name(function), "settings": {key: _plain(key, value) for key, value in settings.items()}}


def build(description: dict[str, Any]) -> Callable[..., Any]:
    """The method that :func:`describe` described.

    Raises:
        ValueError: something that it is made of cannot be imported here.
    """
    return partial(_import(description["method"]), **{k: _value(v) for k, v in description["settings"].items()})


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, PLAIN):
        return value
    if callable(value):
        return {"function": _name(value)}
    raise ValueError(
        f"{key} must be a number, a string, a truth value or an importable function to be saved; got {value!r}"
    )


def _value(value: Any) -> Any:
    return _import(value["function"]) if isinstance(value, dict) else value


def _name(function: Any) -> str:
    name = f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', repr(function))}"
    # What `__main__` holds here is not what it holds in the process that loads.
    if name.startswith("__main__:") or _find(name) is not function:
        raise ValueError(
            f"{function!r} cannot be imported by name, so a saved model could not find it; define it in a module"
        )
    return name


def _import(name: str) -> Any:
    found = _find(name)
    if found is None:
        raise ValueError(
            f"the model was saved with {name!r}, which cannot be imported here; make it importable, or load with "
            "another plasticity= (None: without a method)"
        )
    return found


def _find(name: str) -> Any:
    """The object that a name such as "module:Class.method" stands for, or None."""
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found
