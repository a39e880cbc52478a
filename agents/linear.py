"""A linear model: what is left when all plasticity is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from agents.sgd import SGD
from plastic_rl.choices import Network
from plastic_rl.settings import OneOf


@dataclass
class Linear(SGD):
    """SGD on a model without hidden layers: the level that a network which cannot learn any more falls below."""

    keeps: ClassVar[frozenset[str]] = frozenset({"network"})

    network: Annotated[str, OneOf(tuple(Network))] = "linear"
