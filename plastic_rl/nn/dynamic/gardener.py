"""Growth and renewal: which units join the backbone, go back to the fringe, and die, and when others are born."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from plastic_rl.choices import Adoption, Trigger
from plastic_rl.nn.dynamic.backward import Signals
from plastic_rl.nn.dynamic.generators import ImprintedUnits
from plastic_rl.nn.dynamic.network import BACKBONE, FRINGE, ForwardTrace
from plastic_rl.nn.dynamic.nursery import Nursery
from plastic_rl.nn.dynamic.population import Population
from plastic_rl.nn.dynamic.readings import Readings
from plastic_rl.nn.dynamic.rules import Rules


class Gardener:
    """The rules of structure, applied to a population; each copy for itself.

    Args:
        population: that is tended.
        nursery: where its units are born.
        rules: that are followed.
        readings: of what utility is, and of when to imprint.
    """

    def __init__(self, population: Population, nursery: Nursery, rules: Rules, readings: Readings) -> None:
        self.population, self.network, self.rules = population, population.network, rules
        self.nursery, self.readings, maker = nursery, readings, nursery.maker
        self.imprinter = maker if isinstance(maker, ImprintedUnits) else ImprintedUnits()
        self.due = [0.0] * self.network.copies

    def tend(self, updates: int, trace: ForwardTrace, found: Signals) -> None:
        """Imprints where the trigger says so, and every few updates looks at all units.

        Args:
            updates: so far.
            trace: of the last minibatch.
            found: its errors.
        """
        if self.rules.trigger != Trigger.periodic:
            self._imprint(trace, found)
        if updates % self.rules.every == 0:
            self._withdraw_useless()
            self._adopt_useful()
            self._renew(trace)
            if self.rules.protection:
                self._protect()

    def _withdraw_useless(self) -> None:
        """Takes the least useful unit out of the backbone where it is less than useful."""
        least, unit = self._least_useful()
        for copy in (least < self.rules.leaves).nonzero()[:, 0].tolist():
            self.population.withdraw(copy, int(unit[copy]))

    def _least_useful(self) -> tuple[Tensor, Tensor]:
        is_judged = self.population.is_mature(BACKBONE, self.rules.maturity)
        return self._utility().masked_fill(~is_judged, torch.inf).min(1)

    def _utility(self) -> Tensor:
        return self.population.relative(self.readings.propagated(self.network, self.network.utility))

    def _adopt_useful(self) -> None:
        """Lets the most promising fringe unit join, in place of another where there is no room."""
        is_judged = self.population.is_mature(FRINGE, self.rules.maturity)
        gain, unit = self.population.relative_gain().masked_fill(~is_judged, -torch.inf).max(1)
        candidates = (gain > self.rules.joins).nonzero()[:, 0].tolist()
        if not candidates:
            return
        size, (least, worst) = self.population.count(BACKBONE), self._least_useful()
        for copy in candidates:
            if self.rules.units is not None and size[copy] >= self.rules.units:
                if not gain[copy] > (1 + self.rules.margin) * least[copy].clamp(min=0):
                    continue
                self.population.withdraw(copy, int(worst[copy]))
            self._adopt(copy, int(unit[copy]))

    def _adopt(self, copy: int, unit: int) -> None:
        adopts_shadow = self.rules.adoption == Adoption.shadow
        self.population.adopt(copy, unit, float(self.network.shadow[copy, unit]) if adopts_shadow else 0.0)

    def _renew(self, trace: ForwardTrace) -> None:
        """Removes the least promising of the fringe, at the rate that was set, and fills it again."""
        is_judged = self.population.is_mature(FRINGE, self.rules.maturity)
        gains = self.population.relative_gain().masked_fill(~is_judged, torch.inf)
        for copy, count in enumerate(is_judged.sum(1).tolist()):
            self.due[copy] += self.rules.renewal_rate * count * self.rules.every
            dying = min(int(self.due[copy]), count)
            self.due[copy] -= dying
            self.population.remove(copy, gains[copy].topk(dying, largest=False).indices.tolist())
        births = [max(0, self.rules.fringe - present) for present in self.population.count(FRINGE)]
        self.nursery.bear(births, trace.sources[:, -1])

    def _protect(self) -> None:
        """Slows units of the backbone down in proportion to their utility: pace 1 / (1 + c U / mean U)."""
        network = self.network
        utility = self._utility().clamp(min=0) * network.backbone
        mean = utility.sum(1, keepdim=True) / network.backbone.sum(1, keepdim=True).clamp(min=1)
        pace = 1 / (1 + self.rules.protection * utility / mean.clamp(min=1e-30))
        for level, parameter in enumerate(network.weights):
            self.population.optimizer.state[parameter]["pace"] = pace[:, network.slots.of(level), None].contiguous()

    def _imprint(self, trace: ForwardTrace, found: Signals) -> None:
        """Tunes a unit, where the trigger says so, to the most wrong example that called for it."""
        calls, example = self.readings.triggered(Trigger(self.rules.trigger), self.network, trace, found)
        copies = calls.nonzero()[:, 0].tolist()
        if not copies:
            return
        sources, remaining = self._after_learning(trace, found, example)
        for copy in copies:
            self._make_place(copy)
        born = self.nursery.bear(calls.long().tolist(), sources, self.imprinter)
        for copy in copies if self.rules.corrects else ():
            self._correct(copy, born[copy][0], remaining[copy])

    def _after_learning(self, trace: ForwardTrace, found: Signals, example: Tensor) -> tuple[Tensor, Tensor]:
        """An example of each copy, and what is left of its error now that the other weights have learnt from it."""
        places = torch.arange(len(example), device=example.device)
        inputs = trace.sources[places, example][:, None, 1 : self.network.slots.first]
        after = self.network.trace(inputs)
        learnt = after.outputs[:, 0] - trace.outputs[places, example]
        return after.sources[:, 0], found.at_outputs[places, example] - learnt

    def _make_place(self, copy: int) -> None:
        """Removes a unit where there is no place for one more: the least useful, or the least promising."""
        if self.rules.corrects and self.rules.units is not None:
            if self.population.count(BACKBONE)[copy] >= self.rules.units:
                unit = int(self._least_useful()[1][copy])
                self.population.withdraw(copy, unit)
                self.population.remove(copy, [unit])
        elif self.population.count(FRINGE)[copy] >= self.rules.fringe:
            of_copy = (self.network.role[copy] == FRINGE).logical_not()
            least = self.population.relative_gain()[copy].masked_fill(of_copy, torch.inf).argmin()
            self.population.remove(copy, [int(least)])

    def _correct(self, copy: int, unit: int, errors: Tensor) -> None:
        """Lets a newborn join at once, with the error of its master, if that is an output, for weight."""
        master = int(self.network.master[copy, unit])
        if master < self.network.outputs:
            self.population.adopt(copy, unit, float(errors[master]))

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly."""
        return {"nursery": self.nursery.state_dict(), "due": list(self.due)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.nursery.load_state_dict(state["nursery"])
        self.due = list(state["due"])
