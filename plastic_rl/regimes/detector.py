"""Notices that a world has changed, and says whether it is new or one that was there before.

The test is Page's cumulative sum (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954) of a score that is
bounded as in its sign version (McGilchrist and Woodyer, "Note on a distribution-free CUSUM technique", Technometrics
17, 1975): no single transition, however odd, raises an alarm, and nothing is assumed about the shape of errors. The
score is of the one-step model of the regime in hand; that a regime is known by the model that explains it goes back to
Doya, Samejima, Katagiri and Kawato, "Multiple model-based reinforcement learning", Neural Computation 14, 2002.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import torch

from plastic_rl.regimes.numbers import Numbers, Pair, as_numbers, as_tensors
from plastic_rl.regimes.transition_model import TransitionModel

Regime = int | str


@dataclass
class Transitions:
    """One step of each copy of a world, kept in double precision.

    Args:
        features: what was seen and done, of shape (copies, features).
        targets: what followed, of shape (copies, targets).
        ended: for each copy, whether its episode ended in this step, so that what followed is not known.
    """

    features: Numbers
    targets: Numbers
    ended: list[bool]

    def __post_init__(self) -> None:
        # Copies: the caller may write to its own again.
        self.features, self.targets = (np.array(each, dtype=np.float64) for each in (self.features, self.targets))


@dataclass
class Suspicion:
    """The evidence against the regime of one copy, since there was none.

    Args:
        statistic: the cumulative sum S, 0 or more.
        steps: taken since S was last 0.
        transitions: features and targets of these steps, but for those that ended an episode.
    """

    statistic: float = 0.0
    steps: int = 0
    transitions: list[Pair] = field(default_factory=list)

    def add(self, surprise: float, features: Numbers, targets: Numbers) -> None:
        """Takes a transition in, whose surprise counts for no more than 1 either way."""
        self.statistic = max(0.0, self.statistic + min(max(surprise, -1.0), 1.0))
        self.transitions.append((features, targets))

    def state_dict(self) -> dict[str, Any]:
        """A state to go on from exactly, in tensors and plain values."""
        return {"statistic": self.statistic, "steps": self.steps, "transitions": as_tensors(self.transitions)}


class RegimeDetector:
    """Tells regimes of a world apart by what follows what, without being told that it changes.

    Each copy of the world has a cumulative sum S ← max(0, S + clip(l - tolerance, -1, 1)), l being the log error of the
    model of the copy's regime. Where S exceeds ``threshold`` there is an alarm. What has happened since S was last 0
    (Page's estimate of the change) belongs to the regime with the least median log error over it, or to a new one if
    even that is above ``tolerance``. A model learns from transitions once S is back at 0, so never from those that
    raise an alarm against it. Copies whose episodes end follow the copy that raised the last alarm.

    Args:
        features: number of features of a transition.
        targets: number of targets.
        copies: of the world, which step together.
        first: the name of the regime that is there in the beginning.
        tolerance: the log of the squared error, in units of the usual one, that is surprising; the default is an error
            of three times the usual.
        threshold: the alarm, in transitions: this many more surprising ones than others.
        horizon: how many transitions back a model remembers.

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    def __init__(
        self,
        features: int,
        targets: int,
        copies: int,
        first: Regime = 0,
        *,
        tolerance: float = 2.2,
        threshold: float = 10.0,
        horizon: float = 10_000.0,
    ) -> None:
        for name, value in (("tolerance", tolerance), ("threshold", threshold)):
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")
        self.features, self.targets = features, targets
        self.tolerance, self.threshold, self.horizon = tolerance, threshold, horizon
        self.models: dict[Regime, TransitionModel] = {first: self._fresh()}
        self.latest: Regime = first
        self.regimes: list[Regime] = [first] * copies
        self.suspicions = [Suspicion() for _ in range(copies)]

    @torch.no_grad()
    def observe(self, transitions: Transitions) -> list[int]:
        """Takes a step of all copies in; :attr:`regimes` and :attr:`latest` are then what they are found to be in.

        Returns:
            For each copy how many of its last steps are now found to have been in another regime than the one that it
            was taken to be in; 0 where nothing has changed.
        """
        features, targets = transitions.features, transitions.targets
        errors = {name: self.models[name].log_error(features, targets).tolist() for name in set(self.regimes)}
        regimes = list(self.regimes)
        if len(errors) == 1 and self._are_calm(errors[regimes[0]], transitions.ended):
            self.models[regimes[0]].learn(features, targets)
            return [0] * len(regimes)
        return [self._observe_copy(copy, transitions, errors[regime][copy]) for copy, regime in enumerate(regimes)]

    def _are_calm(self, errors: list[float], ended: list[bool]) -> bool:
        """True for what happens nearly always: no episode ends, nothing surprises, and there is no suspicion."""
        if any(ended) or max(errors) > self.tolerance or any(each.statistic for each in self.suspicions):
            return False
        for suspicion in self.suspicions:
            suspicion.steps = 0
        return True

    def _observe_copy(self, copy: int, transitions: Transitions, log_error: float) -> int:
        suspicion, before = self.suspicions[copy], self.regimes[copy]
        suspicion.steps += 1
        if transitions.ended[copy]:
            self._follow(copy)
            return 0
        suspicion.add(log_error - self.tolerance, transitions.features[copy], transitions.targets[copy])
        has_alarm = suspicion.statistic > self.threshold
        if has_alarm:
            self.latest = self.regimes[copy] = self._name(suspicion)
        if has_alarm or suspicion.statistic == 0:
            self._clear(copy)
        return 0 if self.regimes[copy] == before else suspicion.steps

    def _follow(self, copy: int) -> None:
        """Puts a copy that begins an episode into the latest regime; if it is there already, its suspicion stays."""
        if self.regimes[copy] != self.latest:
            self.regimes[copy], self.suspicions[copy] = self.latest, Suspicion()

    def _clear(self, copy: int) -> None:
        """Lets the regime of a copy learn from the transitions that are now known to be of it."""
        transitions = self.suspicions[copy].transitions
        if transitions:
            self.models[self.regimes[copy]].learn(*(np.stack(each) for each in zip(*transitions, strict=True)))
        self.suspicions[copy] = Suspicion()

    def _name(self, suspicion: Suspicion) -> Regime:
        """The regime that explains best what raised an alarm, a new one if none does.

        A model too young to judge is that of a regime that other copies have just met, or it has no say.
        """
        features, targets = (np.stack(each) for each in zip(*suspicion.transitions, strict=True))
        judges = {name: model for name, model in self.models.items() if name == self.latest or not model.is_young}
        medians = {name: lower_median(model.log_error(features, targets)) for name, model in judges.items()}
        best = min(medians, key=medians.__getitem__)
        if medians[best] <= self.tolerance:
            return best
        name = next(number for number in count() if number not in self.models)
        self.models[name] = self._fresh()
        return name

    def _fresh(self) -> TransitionModel:
        return TransitionModel(self.features, self.targets, self.horizon)

    def state_dict(self) -> dict[str, Any]:
        """A state to go on from exactly, in tensors and plain values."""
        return {
            "models": [(name, model.state_dict()) for name, model in self.models.items()],
            "latest": self.latest,
            "regimes": list(self.regimes),
            "suspicions": [suspicion.state_dict() for suspicion in self.suspicions],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state.

        Raises:
            ValueError: it is of another number of copies.
        """
        if len(state["regimes"]) != len(self.regimes):
            raise ValueError(f"the saved detector watches {len(state['regimes'])} copies, this one {len(self.regimes)}")
        self.models = {name: self._fresh() for name, _ in state["models"]}
        for name, saved in state["models"]:
            self.models[name].load_state_dict(saved)
        self.latest, self.regimes = state["latest"], list(state["regimes"])
        self.suspicions = [
            Suspicion(saved["statistic"], saved["steps"], as_numbers(saved["transitions"]))
            for saved in state["suspicions"]
        ]


def lower_median(values: Numbers) -> float:
    """The median; of an even number of values the lower one of the two in the middle."""
    return float(np.sort(values)[(len(values) - 1) // 2])
