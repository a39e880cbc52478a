"""The words of a command that name anybody's environment by its id, and what changes in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from envs import ENVS
from envs.own import JOINT, OWN
from plastic_rl.errors import UserError

_ENV, _ID, _CHANGE = "env=", "env.id=", "env.change="
_LOOKS_LIKE_AN_ID = re.compile(r".*[:/].*|.+-v\d+")


def with_own_world(arguments: Sequence[str]) -> list[str]:
    """Return the words of a command in which an id is a setting, and its changes are in the name of the environment.

    `env=my.module:MyEnv-v0 env.change=friction` becomes `env=own+friction env.id=my.module:MyEnv-v0`, and so does
    `env.id=…` without `env=`; several values are run with `-m`.

    Args:
        arguments: The words after `train.py`.

    Raises:
        UserError: Ids and names of recipes are mixed, or what is to change has no id.
    """
    ids, named = _values(_ID, arguments), _values(_ENV, arguments)
    own = [name for name in named if _is_id(name)]
    if own and (ids or len(own) < len(named)):
        others = ", ".join([*(name for name in named if name not in own), *(f"{_ID}{each}" for each in ids)])
        raise UserError(f"{_ENV}{','.join(own)} is by its id, beside {others}: give one command for each")
    if not own and not (ids and named in ([], [OWN])):
        return list(arguments)
    changes = _values(_CHANGE, arguments)
    names = [OWN + JOINT + change for change in changes] or [OWN]
    others = [word for word in arguments if not word.startswith((_ENV, _ID, _CHANGE))]
    return [f"{_ENV}{','.join(names)}", f"{_ID}{','.join(own or ids)}", *others]


def _is_id(name: str) -> bool:
    return name not in ENVS and _LOOKS_LIKE_AN_ID.fullmatch(name) is not None


def _values(start: str, arguments: Sequence[str]) -> list[str]:
    return [
        name for word in arguments if word.startswith(start) for name in word.removeprefix(start).split(",") if name
    ]
