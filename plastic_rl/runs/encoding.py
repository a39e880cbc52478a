"""Plain data as what ``torch.load(weights_only=True)`` reads back, and the same data again, types included.

Plain data are numbers, strings, booleans, None, NumPy arrays, scalars and generators, and lists, tuples, deques and
dicts of these. What torch does not know travels as a dict with one key that begins with ``$``.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import torch

LEAVES = (bool, int, float, str, type(None))
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_AS_IS = (*LEAVES, torch.Tensor)


class NotPlain(TypeError):
    """A value that is not plain data; its message names the type."""


def encode(value: Any) -> Any:
    """``value`` in tensors, Python numbers, strings, None, lists, tuples and dicts; raises NotPlain if it cannot be."""
    if type(value) in _AS_IS:
        return value
    if type(value) in (list, tuple):
        return type(value)(encode(item) for item in value)
    if isinstance(value, dict):
        return _encode_dict(value)
    if isinstance(value, deque):
        return {"$deque": [encode(item) for item in value], "maxlen": value.maxlen}
    return _encode_numpy(value)


def decode(code: Any) -> Any:
    """The value that :func:`encode` was given."""
    if type(code) in (list, tuple):
        return type(code)(decode(item) for item in code)
    if not isinstance(code, dict):
        return code
    for tag, rebuild in _REBUILD.items():
        if tag in code:
            return rebuild(code)
    return {key: decode(item) for key, item in code.items()}


def generator_state(generator: np.random.Generator) -> dict[str, Any]:
    """The state of ``generator``'s bit generator, encoded."""
    return encode(generator.bit_generator.state)


def set_generator_state(generator: np.random.Generator | None, state: dict[str, Any]) -> np.random.Generator:
    """``generator``, or a new one if that is None or of another kind, at ``state``."""
    name = state["bit_generator"]
    if name not in _BIT_GENERATORS:  # a file must not call what it likes
        raise ValueError(f"{name!r} is no bit generator of numpy's")
    kind = getattr(np.random, name)
    if generator is None or not isinstance(generator.bit_generator, kind):
        generator = np.random.Generator(kind())
    generator.bit_generator.state = decode(state)
    return generator


def _encode_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    if all(type(key) in LEAVES and not str(key).startswith("$") for key in value):
        return {key: encode(item) for key, item in value.items()}
    return {"$items": [(encode(key), encode(item)) for key, item in value.items()]}


def _encode_numpy(value: Any) -> dict[str, Any]:
    if isinstance(value, np.random.Generator):
        return {"$generator": generator_state(value)}
    if isinstance(value, np.random.RandomState):
        return {"$random_state": encode(value.get_state())}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
        tag = "$array" if isinstance(value, np.ndarray) else "$scalar"
        # torch has no byte order and no negative strides: a contiguous copy in the machine's own order.
        return {tag: torch.from_numpy(np.array(value, dtype=value.dtype.newbyteorder("="), order="C", copy=True))}
    raise NotPlain(f"{type(value).__module__}.{type(value).__qualname__}")


def _random_state(code: dict[str, Any]) -> np.random.RandomState:
    rebuilt = np.random.RandomState()
    rebuilt.set_state(decode(code["$random_state"]))
    return rebuilt


_REBUILD = {
    "$items": lambda code: {decode(key): decode(item) for key, item in code["$items"]},
    "$array": lambda code: code["$array"].numpy().copy(),
    "$scalar": lambda code: code["$scalar"].numpy()[()],
    "$deque": lambda code: deque(map(decode, code["$deque"]), maxlen=code["maxlen"]),
    "$generator": lambda code: set_generator_state(None, code["$generator"]),
    "$random_state": _random_state,
}
