"""Notices that a world has changed, for who learns from whole rollouts and cannot tell why a policy sees other things.

The test is that of :mod:`plastic_rl.regimes.detector` with two differences. The model is not linear, or a world that is
not linear would surprise it wherever the policy goes for the first time, and be found to change again and again. And
an alarm asks for more evidence than one episode gives: what is new is soon over, while another world lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from plastic_rl.regimes.numbers import Flags, Numbers, Pair, as_numbers, as_tensors
from plastic_rl.regimes.transition_model import TransitionModel

PATIENCE = 2  # thresholds of transitions, for which a doubt may last


class ChangeDetector:
    """Counts the changes of a world by what follows what, without being told of them.

    Each copy of the world has a cumulative sum S ← max(0, S + clip(l - tolerance, -1, 1)), l being the log error of the
    model. There is an alarm where the sums of all copies exceed ``threshold`` together as a rollout ends. The model
    then starts over from what has happened since each sum was last 0; otherwise it learns from all that came before,
    and from what has been held for twice as many transitions as the threshold: that is something new in the same world.
    Copies whose sum is 0 at an alarm may still be in the world before: they count from their next episode on.

    Args:
        features: number of features of a transition.
        targets: number of targets.
        copies: of the world, which step together.
        tolerance: the log of the squared error, in units of the usual one, that is surprising; the default is an error
            of three times the usual.
        threshold: the alarm, in transitions: this many more surprising ones than others.
        horizon: how many transitions back the model remembers.
        cosines: the number of random features of the model; 0 for a linear one.

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    def __init__(
        self,
        features: int,
        targets: int,
        copies: int,
        *,
        tolerance: float = 2.2,
        threshold: float = 400.0,
        horizon: float = 50_000.0,
        cosines: int = 200,
    ) -> None:
        for name, value in (("tolerance", tolerance), ("threshold", threshold)):
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")
        self.tolerance, self.threshold = tolerance, threshold
        self.new_model = partial(TransitionModel, features, targets, horizon, cosines)
        self.model, self.changes = self.new_model(), 0
        self.nothing: Pair = (np.empty((0, features)), np.empty((0, targets)))
        self.sums, self.is_behind, self.held = np.zeros(copies), np.zeros(copies, dtype=bool), [self.nothing] * copies

    @torch.no_grad()
    def observe(self, features: Numbers, targets: Numbers, ended: Flags) -> None:
        """Takes the steps of a rollout in; :attr:`changes` has grown by one if the world is found to have changed.

        Args:
            features: what was seen and done, of shape (steps, copies, features), which nobody writes to any more.
            targets: what followed, of shape (steps, copies, targets), likewise.
            ended: of shape (steps, copies): whether an episode ended, so that what followed is not known.
        """
        counts = self._counts(ended)
        sums = self._sums(features, targets, counts)
        self.sums, calm = sums[-1], [self.nothing]
        for copy in range(len(self.held)):
            known = counts[:, copy]
            calm += self._calmed(copy, sums[known, copy], features[known, copy], targets[known, copy])
        if self.sums.sum() > self.threshold:
            self._begin_anew()
        else:
            self.model.learn(*joined(calm + self._outlasted()))

    def _calmed(self, copy: int, sums: Numbers, features: Numbers, targets: Numbers) -> list[Pair]:
        """Holds the transitions of a copy since its sum was last 0; returns those of which there is no doubt."""
        calm = np.flatnonzero(sums == 0)
        if not len(calm):
            self.held[copy] = joined([self.held[copy], (features, targets)])
            return []
        before, start = self.held[copy], int(calm[-1]) + 1
        self.held[copy] = features[start:], targets[start:]
        return [before, (features[:start], targets[:start])]

    def _outlasted(self) -> list[Pair]:
        """The transitions held for so long that they are new, and not of another world: there is no doubt any more."""
        over = [copy for copy, (seen, _) in enumerate(self.held) if len(seen) > PATIENCE * self.threshold]
        outlasted = [self.held[copy] for copy in over]
        for copy in over:
            self.sums[copy], self.held[copy] = 0.0, self.nothing
        return outlasted

    def _counts(self, ended: Flags) -> Flags:
        """The transitions that are known, and not of a world that is no more."""
        is_here = ~self.is_behind | np.logical_or.accumulate(ended, 0)
        self.is_behind = ~is_here[-1]
        return is_here & ~ended

    def _sums(self, features: Numbers, targets: Numbers, counts: Flags) -> Numbers:
        """The cumulative sum of each copy after each step."""
        errors = self.model.log_error(*(each.reshape(-1, each.shape[-1]) for each in (features, targets)))
        scores = np.where(counts, np.clip(errors.reshape(counts.shape) - self.tolerance, -1.0, 1.0), 0.0)
        walk = self.sums + np.nan_to_num(scores, nan=-1.0).cumsum(0)
        return walk - np.minimum(np.minimum.accumulate(walk, 0), 0.0)

    def _begin_anew(self) -> None:
        """Goes on with a model of what surprised."""
        self.changes, self.model = self.changes + 1, self.new_model()
        self.is_behind |= self.sums == 0
        self.model.learn(*joined(self.held))
        self.sums, self.held = np.zeros_like(self.sums), [self.nothing] * len(self.held)

    def state_dict(self) -> dict[str, Any]:
        """A state to go on from exactly, in tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "changes": self.changes,
            "sums": self.sums.tolist(),
            "is_behind": self.is_behind.tolist(),
            "held": as_tensors(self.held),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state.

        Raises:
            ValueError: it is of another number of copies, or of a detector of regimes, which was here before.
        """
        if "sums" not in state:
            raise ValueError(
                "changes were detected in another way when this was saved, and what was known of them is no use now: "
                "begin anew (fresh=true), or load the model without its plasticity"
            )
        if len(state["sums"]) != len(self.sums):
            raise ValueError(f"the saved detector watches {len(state['sums'])} copies, this one {len(self.sums)}")
        self.model, self.changes = self.new_model(), state["changes"]
        self.model.load_state_dict(state["model"])
        self.sums, self.is_behind = np.array(state["sums"]), np.array(state["is_behind"])
        self.held = as_numbers(state["held"])


def joined(pairs: Sequence[Pair]) -> Pair:
    """The transitions of several pairs in one."""
    features, targets = zip(*pairs, strict=True)
    return np.concatenate(features), np.concatenate(targets)
