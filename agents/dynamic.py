"""A network that grows while it learns, after Sutton's "dynamic deep learning" (docs/dynamic_networks.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from agents.recipe import SupervisedAgent
from plastic_rl.choices import Adoption, DynamicNonlinearity, NewUnits, Trigger
from plastic_rl.settings import Count, NonNegative, NonNegativeInteger, OneOf, OptionalCount, Positive, Rate

if TYPE_CHECKING:
    from plastic_rl.learners import DynamicBlueprint, Learner
    from plastic_rl.nn.dynamic import Rules, UnitMaker
    from plastic_rl.streams import Stream


@dataclass
class Dynamic(SupervisedAgent):
    """A network that grows from nothing: a protected backbone, a fringe that searches, a step size for each weight."""

    hidden_units: OptionalCount = 32  # the most that the backbone may have; none for no limit
    fringe: NonNegativeInteger = 24  # units that are tried out at a time
    levels: Count = 1  # the longest path through units
    slots: Count = 64  # of each level to begin with; twice as many when a level is full
    nonlinearity: Annotated[str, OneOf(tuple(DynamicNonlinearity))] = "tanh"
    learning_rate: Positive = 5e-3  # of incoming weights, by Adam
    meta_rate: NonNegative = 0.1  # μ, of the step sizes of outgoing weights (docs/step_sizes.md)
    first_step: Positive = 2e-3  # step size of an outgoing weight at its birth
    new_units: Annotated[str, OneOf(tuple(NewUnits))] = "random"
    scale: Positive = 2.0  # of the drive of random units
    signs: bool = False  # random units have weights of +1 and -1, times the same
    fan_in: OptionalCount = None  # sources of a new unit; none for all
    likeness: Rate = 0.6  # ρ, of imprinted units: the least cosine with the imprinted input
    gain: Positive = 2.5  # of their drive
    mutation_noise: Positive = 0.5  # of mutated units, in root mean squares of their parent's weights
    trigger: Annotated[str, OneOf(tuple(Trigger))] = "periodic"  # of imprinting, beside the usual births
    corrects: bool = False  # a unit imprinted at a trigger joins at once, with the error for its weight
    every: Count = 20  # updates between two looks at the units
    maturity: NonNegativeInteger = 100  # updates after which a unit is judged
    joins: NonNegative = 1e-3  # gain at which a fringe unit joins, in mean squared errors
    leaves: float = -0.05  # utility below which a backbone unit goes back, likewise
    margin: NonNegative = 0.5  # by how much a unit must be better than the one whose place it takes
    renewal_rate: Rate = 1e-3  # share of the mature fringe that is replaced in an update
    adoption: Annotated[str, OneOf(tuple(Adoption))] = "shadow"
    protection: NonNegative = 0.0  # slows useful backbone units down; 0 protects by the two levels of the rules alone

    def build(self, streams: Sequence[Stream], *, device: str) -> Learner:
        from plastic_rl.errors import UserError
        from plastic_rl.learners import DynamicLearner

        try:
            return DynamicLearner(self.blueprint(), streams, device=device)
        except ValueError as error:
            raise UserError(str(error)) from error

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        return self.build([stream], device=device)

    def blueprint(self) -> DynamicBlueprint:
        """Return how a learner is made."""
        from plastic_rl.learners import DynamicBlueprint

        return DynamicBlueprint(
            rules=self.rules(),
            maker=self.maker(),
            levels=self.levels,
            slots=self.slots,
            nonlinearity=self.nonlinearity,
            training={
                "learning_rate": self.learning_rate,
                "meta_rate": self.meta_rate,
                "first_step": self.first_step,
            },
        )

    def rules(self) -> Rules:
        """Return the rules of the network's structure."""
        from dataclasses import fields

        from plastic_rl.nn.dynamic import Rules

        named = {each.name: getattr(self, each.name) for each in fields(Rules) if each.name != "units"}
        return Rules(units=self.hidden_units, **named)

    def maker(self) -> UnitMaker:
        """Return what draws the weights of new units."""
        from plastic_rl.nn.dynamic import ImprintedUnits, MutatedUnits, RandomUnits

        drawn = RandomUnits(self.scale, self.fan_in, self.signs)
        makers: dict[str, UnitMaker] = {
            NewUnits.random: drawn,
            NewUnits.imprint: ImprintedUnits(self.likeness, self.gain, self.fan_in),
            NewUnits.mutation: MutatedUnits(self.mutation_noise, drawn),
        }
        return makers[self.new_units]
