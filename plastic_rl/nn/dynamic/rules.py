"""The rules by which units are born, join the backbone, leave it and die."""

from __future__ import annotations

from dataclasses import dataclass

from plastic_rl.choices import Adoption, Trigger
from plastic_rl.validation import at_least, fraction, non_negative, one_of, whole_number


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of structure. Errors, gains and utilities are relative to the running mean squared error.

    Args:
        units: the most that the backbone may have; None for no limit.
        fringe: units that are tried out at a time.
        every: updates between two looks at the units.
        maturity: updates after which a unit's gain or utility is trusted.
        joins: a fringe unit joins where its gain is more than this.
        leaves: a backbone unit goes back where its utility is less than this.
        margin: where the backbone is full, a fringe unit takes the place of the least useful one if its gain is more
            than 1 + margin of that one's utility.
        renewal_rate: share of the mature fringe that is replaced in an update; those of least gain.
        adoption: the outgoing weight at joining: the shadow weight, or none.
        trigger: when a unit is imprinted, beside the periodic births; periodic for nothing beside.
        corrects: a unit that was imprinted at a trigger joins at once, with the error as its outgoing weight.
        protection: c: the pace of a backbone unit is 1 / (1 + c utility / mean utility); 0 protects none.

    Raises:
        ValueError: a number is out of its range.
    """

    units: int | None = None
    fringe: int = 24
    every: int = 20
    maturity: int = 100
    joins: float = 1e-3
    leaves: float = -0.05
    margin: float = 0.5
    renewal_rate: float = 1e-3
    adoption: str = "shadow"
    trigger: str = "periodic"
    corrects: bool = False
    protection: float = 0.0

    def __post_init__(self) -> None:
        if self.units is not None:
            at_least("units", 1, self.units)
        whole_number("fringe", self.fringe)
        at_least("every", 1, self.every)
        whole_number("maturity", self.maturity)
        for name in ("joins", "margin", "protection"):
            non_negative(name, getattr(self, name))
        fraction("renewal_rate", self.renewal_rate)
        one_of("adoption", Adoption, self.adoption)
        one_of("trigger", Trigger, self.trigger)
        if not self.leaves < self.joins:
            raise ValueError(
                f"leaves must be below joins={self.joins}, so that units do not flicker; got {self.leaves}"
            )
