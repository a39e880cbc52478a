"""The running statistics that a `VecNormalize` has saved, read without running what its file brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plastic_rl.errors import UserError
from plastic_rl.sb3.inert_pickle import Described, described
from plastic_rl.sb3.known_objects import Refused, known


@dataclass(frozen=True)
class Statistics:
    """The mean and variance of one part of an observation, and the number of observations behind them."""

    mean: Any
    variance: Any
    count: float


@dataclass(frozen=True)
class SavedNormalisation:
    """The change that a `VecNormalize` makes to observations.

    Args:
        of_parts: the statistics of each part of a dict that is normalised, by name; those of a plain observation by
            the name "".
        clip: the largest magnitude that it gives out.
        epsilon: is added to each variance.
    """

    of_parts: dict[str, Statistics]
    clip: float
    epsilon: float

    @property
    def is_of_observations(self) -> bool:
        """True if observations are normalised, and not rewards alone."""
        return bool(self.of_parts)

    def __call__(self, observations: Any) -> Any:
        """The observations as the model saw them.

        Raises:
            UserError: they are not of the shape that was normalised.
        """
        if not isinstance(observations, Mapping):
            return self._part("", observations)
        return {name: self._part(name, part) for name, part in observations.items()}

    def _part(self, name: str, observations: Any) -> Any:
        if name not in self.of_parts:
            return observations
        each = self.of_parts[name]
        if np.shape(each.mean) != np.shape(observations)[1:]:
            shapes = f"{np.shape(each.mean)}, the observations {np.shape(observations)[1:]}"
            raise UserError(f"the VecNormalize knows {name or 'observations'} of shape {shapes}")
        centred = (observations - each.mean) / np.sqrt(each.variance + self.epsilon)
        return np.clip(centred, -self.clip, self.clip).astype(np.float32)


def read_normalisation(path: Path) -> SavedNormalisation:
    """Reads what `VecNormalize.save` wrote.

    Raises:
        UserError: there is no such file, or it is something else.
    """
    try:
        description = described(path.read_bytes())
        state = description.state if isinstance(description, Described) else None
        if not isinstance(state, dict) or "clip_obs" not in state:
            raise ValueError("it holds no VecNormalize")
        clip, epsilon = float(known(state["clip_obs"])), float(known(state["epsilon"]))
        return SavedNormalisation(_statistics(state), clip, epsilon)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Refused as error:
        raise UserError(f"{path}: holds {error}, which no statistics of a VecNormalize are") from error
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: is not what VecNormalize.save wrote ({error})") from error


def _statistics(state: dict[str, Any]) -> dict[str, Statistics]:
    if not known(state.get("norm_obs", True)):
        return {}
    found = state["obs_rms"]
    parts = found if isinstance(found, dict) else {"": found}
    return {name: _of_part(part) for name, part in parts.items()}


def _of_part(description: Any) -> Statistics:
    numbers = description.state if isinstance(description, Described) else None
    if not isinstance(numbers, dict):
        raise ValueError("its statistics are damaged")
    return Statistics(known(numbers["mean"]), known(numbers["var"]), float(known(numbers["count"])))
