"""Methods that score hidden units from time to time, and replace all that a test of the score condemns."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from plastic_rl.optim.events import UnitsReplaced
from plastic_rl.optim.periodic_replacer import PeriodicReplacer, Watched


class ScoredReplacer(PeriodicReplacer[Watched]):
    """A method that is a score and a test: how many units fall, the score alone decides.

    A subclass says what it hears of a layer (:meth:`watching`), how it scores units (:meth:`score`), and which of them
    it condemns (:meth:`condemned`). A look asks the device once, how many units of each layer are condemned.
    """

    @abstractmethod
    def score(self, watched: Watched) -> Float[Tensor, " units"] | None:
        """The score of each unit of a layer after this update; None where nothing was heard of it."""

    @abstractmethod
    def condemned(self, watched: Watched, score: Float[Tensor, " units"]) -> Bool[Tensor, " units"]:
        """Which units are to be replaced."""

    def is_overdue(self, watched: Watched) -> bool:
        """True if it is time to find out why nothing was heard of a layer."""
        return True

    def look(self, step: int, active: list[Watched]) -> None:
        """Scores the units of all layers that train, and replaces those that are condemned."""
        scores = [self.score(watched) for watched in active]
        scored = [(watched, score) for watched, score in zip(active, scores, strict=True) if score is not None]
        masks = [self.condemned(watched, score) for watched, score in scored]
        counts = torch.stack([mask.sum() for mask in masks]).tolist() if masks else []  # the one question to the device
        due = [each for each, count in zip(zip(scored, masks, strict=True), counts, strict=True) if count]
        silent = [watched for watched, score in zip(active, scores, strict=True) if score is None]
        unheard = [watched for watched in silent if self.is_overdue(watched)]
        if due or unheard:
            self.network_watch.check([watched.layer for watched in active])
        for watched in [*unheard, *(watched for (watched, _), _ in due)]:
            watched.check_heard()
        self.announce([self._replace(watched, score, mask, step) for (watched, score), mask in due])

    def _replace(self, watched: Watched, score: Tensor, mask: Tensor, step: int) -> UnitsReplaced:
        units, age = mask.nonzero().flatten(), step - watched.birth
        source = self.draw_generator(watched.layer, step, watched.birth.device)
        self.renew_units(watched.layer, units, watched.initialisers(), source)
        watched.renew(units, step)
        replaced = self.memory.setdefault("replaced", {})
        replaced[watched.layer.name] = replaced.get(watched.layer.name, 0) + len(units)
        return UnitsReplaced(step, watched.layer, units, score, age)

    def metrics(self) -> dict[str, int | float]:
        """Units replaced so far, in all and by layer."""
        replaced = self.memory.get("replaced", {})
        counts = {layer.name: replaced.get(layer.name, 0) for layer in self.layers}
        by_layer = {f"{self.prefix}/replaced/{name}": count for name, count in counts.items()}
        return {**super().metrics(), f"{self.prefix}/replaced": sum(counts.values()), **by_layer}

    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory["replaced"] = {str(name): int(count) for name, count in memory.get("replaced", {}).items()}
        super().load_memory(memory)
