"""Examples run with the names that they take for granted."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

ROOMS = (
    *("layers", "optim", "nn", "networks", "diagnostics", "evaluation", "forecast", "nonstationary", "regimes"),
    *("optim.step_sizes", "streams", "learners", "training", "runs", "sb3", "doctor", "nn.dynamic"),
    *("sb3.labelled_rollouts", "sb3.local_ppo", "sb3.regularized_ppo", "sb3.threaded_vec_env"),
)
FOREIGN_ROOMS = (
    *("stable_baselines3", "stable_baselines3.common.callbacks", "stable_baselines3.common.env_util"),
    *("stable_baselines3.common.evaluation", "stable_baselines3.common.monitor", "stable_baselines3.common.vec_env"),
)


class Prelude:
    """The names of an example: those that it makes, and those that it takes for granted, made when they are needed.

    Args:
        makers: what makes a name, of the other names; what a room of the library exports needs no maker.
    """

    def __init__(self, makers: Mapping[str, Callable[[Prelude], Any]]) -> None:
        self.makers = makers
        self.names: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            self.names[name] = self.makers[name](self) if name in self.makers else exported()[name]
        return self.names[name]

    def run(self, code: str, file: str, line: int = 1) -> None:
        """Runs code as if it stood in a file, from that line on."""
        tree = ast.parse(code, file)
        ast.increment_lineno(tree, line - 1)
        for name in _names_read(tree):
            if name in self.makers or name in exported():
                self[name]
        exec(compile(tree, file, "exec"), self.names)


def _names_read(tree: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))


@cache
def exported() -> dict[str, Any]:
    """All that can be imported from a room of the library, and what of SB3 goes with it."""
    rooms = [importlib.import_module(room) for room in (*FOREIGN_ROOMS, *(f"plastic_rl.{room}" for room in ROOMS))]
    return {name: value for room in rooms for name, value in vars(room).items() if not inspect.ismodule(value)}
