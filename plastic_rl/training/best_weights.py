"""The weights that did best on validation examples, for each seed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


class BestWeights:
    """Keeps the whole state of the networks in the best pass of a task; of equal passes the first."""

    def __init__(self) -> None:
        self.results: list[float] = []
        self.weights: list[dict[str, Any]] = []

    def offer(self, networks: Sequence[nn.Module], results: Sequence[float]) -> None:
        """Takes a copy of each network that does better than its best so far.

        Args:
            networks: of each seed.
            results: their accuracies.
        """
        if not self.results:
            self.results, self.weights = [-1.0] * len(networks), [{} for _ in networks]
        for place, (network, result) in enumerate(zip(networks, results, strict=True)):
            if result > self.results[place]:
                self.results[place] = result
                self.weights[place] = copy.deepcopy(network.state_dict())

    @torch.no_grad()
    def restore_into(self, networks: Sequence[nn.Module]) -> None:
        """Writes the best weights into the networks' own tensors."""
        for network, weights in zip(networks, self.weights, strict=True):
            network.load_state_dict(weights)

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly."""
        return {"results": list(self.results), "weights": [dict(weights) for weights in self.weights]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.results, self.weights = list(state["results"]), [dict(weights) for weights in state["weights"]]
