"""Pickles read as descriptions of what they would make: nothing that they name is imported, nothing is called.

A pickle is a small program. Its instructions that run foreign code are three: look a name up in a module, call what is
there, and hand a state to an object. Here a name gives a new, empty class that remembers the name; a call gives an
instance of it that remembers the arguments; a state is put beside them. Only Python's own numbers, strings, lists and
the like are made for real.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, ClassVar


class Described:
    """An object that a pickle would make. The classes that it names are subclasses of this one.

    Args:
        arguments: what would be called with.
        named: the same, by name.
    """

    origin: ClassVar[str] = ""
    """The module and the name of what would be called, with a dot between."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __new__(cls, *arguments: Any, **named: Any) -> Described:
        made = super().__new__(cls)
        # Not in __init__: a pickle may make an object without it.
        made.arguments, made.named, made.state, made.items = arguments, named, None, {}
        return made

    arguments: tuple[Any, ...]
    named: dict[str, Any]
    state: Any
    items: dict[Any, Any]

    def __call__(self, *arguments: Any, **named: Any) -> Described:
        """The result of calling an object that would be made, about which nothing more is known."""
        return type("Described", (Described,), {"origin": self.origin})(*arguments, **named)

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value


def described(data: bytes) -> Any:
    """The object that a pickle would make, with a :class:`Described` in place of each part that is not Python's own.

    Raises:
        ValueError: it is no pickle, or one that does what no pickle of plain objects does.
    """
    try:
        return _Reader(io.BytesIO(data)).load()
    except Exception as error:  # whatever a broken or hostile program stumbles over
        raise ValueError(f"no pickle that can be read ({type(error).__name__})") from error


def origin(value: Any) -> str | None:
    """The name of the class that a description stands for; None for an object, and for what is Python's own."""
    return value.origin if isinstance(value, type) and issubclass(value, Described) else None


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._classes: dict[str, type[Described]] = {}

    def find_class(self, module_name: str, global_name: str) -> type[Described]:
        """Gives a new class in place of anything that is named."""
        name = f"{module_name}.{global_name}"
        return self._classes.setdefault(name, type("Described", (Described,), {"origin": name}))
