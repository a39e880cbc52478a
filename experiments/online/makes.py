"""Makers of the learners of online studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.online.learner import OnlineLearner, SideBySide
from experiments.online.network import Networks, learned, searched
from experiments.online.replacement import Replacement
from experiments.online.training import SGD, Adam, LearnedSteps, Trainer
from experiments.online.words import Form
from plastic_rl.optim.step_sizes import IDBDRule, Rule
from plastic_rl.streams import Stream

Make = Callable[[Sequence[Stream], int], OnlineLearner]
"""Makes the learner of some streams, one for each seed, fresh for the task of that number."""

Train = Callable[[], Sequence[Trainer]]
"""Makes what trains some networks."""

Replace = Mapping[str, Any] | None
"""The settings of a :class:`experiments.online.replacement.Replacement`, and its `kind` if another; None for none."""

# N-IDBD of `plastic_rl.optim.step_sizes`: its meta step needs no tuning.
RULE = IDBDRule(0.1, normalized=True)


def sgd(rate: float) -> Train:
    """Gradient descent of all parameters."""
    return lambda: [SGD(rate)]


def adam(rate: float, weight_decay: float = 0.0) -> Train:
    """Adam of all parameters."""
    return lambda: [Adam(rate, weight_decay=weight_decay)]


def hybrid(rate: float, output: float = 0.01, rule: Rule = RULE) -> Train:
    """Adam of the hidden layer, and an output whose step sizes are learned.

    Args:
        rate: Adam's step size.
        output: the step size of each output weight to begin with.
        rule: of the output.
    """
    return lambda: [Adam(rate, hidden_alone=True), LearnedSteps(rule, output)]


@dataclass(frozen=True)
class Backprop:
    """Makes networks of one hidden layer that learn by their gradient.

    Args:
        units: of the hidden layer; none makes linear models.
        train: makes what trains them.
        form: the units' non-linearity.
        replace: the settings by which units are replaced; None for not at all.
    """

    units: int
    train: Train
    form: Form = Form.relu
    replace: Replace = None

    def __call__(self, streams: Sequence[Stream], task: int) -> OnlineLearner:
        return _made(streams, learned(streams, self.units, self.form, task), self.train, self.replace)


@dataclass(frozen=True)
class Features:
    """Makes threshold units that nothing flows back through, and an output whose step sizes are learned.

    Args:
        units: how many.
        step_size: of each output weight to begin with, times the number of units.
        rule: of the output.
        replace: the settings by which units are replaced: generate and test; None for fixed ones.
        threshold: of the units.
    """

    units: int
    step_size: float = 0.05
    rule: Rule = RULE
    replace: Replace = None
    threshold: float = 0.0

    def __call__(self, streams: Sequence[Stream], task: int) -> OnlineLearner:
        networks = searched(streams, self.units, self.threshold)
        return _made(streams, networks, lambda: [LearnedSteps(self.rule, self.step_size / self.units)], self.replace)


def _made(streams: Sequence[Stream], networks: Networks, train: Train, replace: Replace) -> OnlineLearner:
    replacement = None
    if replace is not None:
        settings = dict(replace)
        replacement = settings.pop("kind", Replacement)(streams, networks, **settings)
    return SideBySide(networks, train(), replacement)
