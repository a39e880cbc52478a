"""The checks of types and shapes while the tests run, at a small part of what jaxtyping's own decorator costs.

That one binds the arguments of every call, checks them twice, and compiles two checkers for each function that is
defined, inside other functions at each call anew: half of the time that the tests took. Here beartype checks each value
once, axes are compared where a signature names some, and a checker is compiled when a function is first called, once
for the same lines. Imported before anything of the library, this takes the place of the decorator that jaxtyping's
import hook writes above each function.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

Function = types.FunctionType
Checker = Callable[..., Any]


class RefusedError(TypeError):
    """A function got, or returned, what its annotations do not say: a TypeError, as jaxtyping's own error is."""


refusing = beartype(conf=BeartypeConf(violation_type=RefusedError))

whole = jaxtyping.jaxtyped
axes = whole("context")
of_the_same_lines: dict[types.CodeType, Checker] = {}


def jaxtyped(function: Any = None, *, typechecker: Any = None) -> Any:
    """Check the types that a function is annotated with, and the shapes; classes are left to jaxtyping.

    Args:
        function: What is decorated.
        typechecker: The checker that jaxtyping's import hook was given.
    """
    if function is None:
        return lambda each: jaxtyped(each, typechecker=typechecker)
    if not isinstance(function, Function):
        return whole(function, typechecker=typechecker)
    return at_first_call(function, typechecker) if function.__annotations__ else function


def at_first_call(function: Function, typechecker: Any) -> Checker:
    """Return a function whose checker is made when it is first called."""
    checker: Checker | None = None

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        nonlocal checker
        checker = checker or again(function) or checked(function, typechecker)
        return checker(*args, **settings)

    return call


def checked(function: Function, typechecker: Any) -> Checker:
    """Return a function that checks itself."""
    hints = resolved(function)
    shapes = [shape for hint in hints.values() for shape in shapes_in(hint)]
    if any("{" in shape.dim_str for shape in shapes) or (shapes and inspect.isgeneratorfunction(function)):
        return whole(function, typechecker=typechecker)  # axes of the arguments' values, and of what outlives the call
    checker = refusing(with_hints(function, hints))
    if shapes:
        return with_axes(checker)
    if "__beartype_func" in (getattr(checker, "__kwdefaults__", None) or {}):
        of_the_same_lines[function.__code__] = checker
    return checker


def again(function: Function) -> Checker | None:
    """Return the checker of the same lines defined before, around this function: its variables are its own."""
    if not (checker := of_the_same_lines.get(function.__code__)):
        return None
    same = copied(checker)
    same.__kwdefaults__ = {**checker.__kwdefaults__, "__beartype_func": function}
    return same


def with_axes(checker: Checker) -> Checker:
    """Return a checker for which an axis has one size throughout a call."""

    def in_axes(*args: Any, **settings: Any) -> Any:
        with axes:
            return checker(*args, **settings)

    return in_axes


def resolved(function: Function) -> dict[str, Any]:
    """Return a function's annotations as objects; as in jaxtyping, `Any` where only a type checker knows the name."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:
        return {name: one_resolved(hint, function) for name, hint in function.__annotations__.items()}


def one_resolved(hint: Any, function: Function) -> Any:
    """Return one annotation as an object."""
    holder = types.SimpleNamespace(__annotations__={"hint": hint})
    try:
        return typing.get_type_hints(holder, function.__globals__, include_extras=True)["hint"]
    except Exception:
        return Any


def shapes_in(hint: Any) -> list[type[jaxtyping.AbstractArray]]:
    """Return the arrays with axes that a type is made of."""
    if isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray):
        return [hint]
    inside = [each for part in typing.get_args(hint) for each in (part if isinstance(part, list | tuple) else [part])]
    return [shape for part in inside for shape in shapes_in(part)]


def with_hints(function: Function, hints: dict[str, Any]) -> Function:
    """Return the same function under other annotations; the one that is defined keeps its own."""
    same = copied(function)
    same.__annotations__ = hints
    return same


def copied(function: Function) -> Function:
    """Return another function of the same lines and the same variables."""
    same = Function(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    same.__kwdefaults__ = function.__kwdefaults__
    return functools.update_wrapper(same, function)


jaxtyping.jaxtyped = jaxtyped
