"""Alarms: numbers of a run that leave their healthy range are said once, in one line, with the step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

logger = logging.getLogger(__name__)

ENTROPY_LEFT = 0.05  # of the largest that so many actions have
LEAST_STD = 0.01
MOST_KL = 0.2  # ten times what PPO's usual settings make
MOST_LOGITS = 20.0  # the less likely action then has a probability below 1e-8
MOST_DEAD = 0.5  # of all hidden units
MOST_GROWTH = 5.0  # the norm of the weights, in multiples of that of the initial ones


@dataclass(frozen=True)
class Alarm:
    """One thing that is watched.

    Args:
        name: of the metric.
        healthy: what its healthy range is, in words.
        is_healthy: true inside of it.
        advice: the meaning, in a few words.
    """

    name: str
    healthy: str
    is_healthy: Callable[[float], bool]
    advice: str


class Alarms:
    """Watches numbers as they come.

    Args:
        most_entropy: the largest that the policy can have, in nats; None where there is no such bound.
        first_norm: of the weights in the beginning; None where nobody knows.
        said: the names of those that were said already, which is kept up to date.
    """

    def __init__(self, most_entropy: float | None, first_norm: float | None, said: list[str]) -> None:
        self.said = said
        self.watched = [
            Alarm("policy/std", f"at least {LEAST_STD}", lambda x: x >= LEAST_STD, "it hardly explores"),
            Alarm("policy/kl", f"at most {MOST_KL}", lambda x: x <= MOST_KL, "an update goes too far"),
            Alarm("policy/logits", f"at most {MOST_LOGITS:g}", lambda x: x <= MOST_LOGITS, "the policy is saturated"),
            Alarm("units/dead", f"at most {MOST_DEAD}", lambda x: x <= MOST_DEAD, "dead units learn nothing"),
        ]
        if most_entropy:
            least = ENTROPY_LEFT * most_entropy
            self.watched.append(
                Alarm("policy/entropy", f"at least {least:.3g}", lambda x: x >= least, "it hardly explores")
            )
        if first_norm:
            most = MOST_GROWTH * first_norm
            self.watched.append(
                Alarm("weights/norm", f"at most {most:.3g}", lambda x: x <= most, "the weights have grown")
            )

    def look(self, step: int, numbers: Mapping[str, int | float]) -> None:
        """Warns of what has left its range for the first time.

        Args:
            step: environment steps so far.
            numbers: by the names of metrics.
        """
        for alarm in self.watched:
            value = numbers.get(alarm.name)
            if value is not None and alarm.name not in self.said and not alarm.is_healthy(value):
                self.said.append(alarm.name)
                logger.warning(
                    "step %s: %s is %.3g, healthy is %s: %s.",
                    f"{step:,}",
                    alarm.name,
                    value,
                    alarm.healthy,
                    alarm.advice,
                )
