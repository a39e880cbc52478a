"""Slowly-changing regression: bits, most of which change rarely, and a fixed network to be imitated.

Dohare et al., "Loss of plasticity in deep continual learning", Nature 632 (2024), "Details of the Slowly-Changing
Regression problem".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from plastic_rl.streams.drawn import DrawnRegression
from plastic_rl.streams.draws import signs, source
from plastic_rl.streams.stream import Plan
from plastic_rl.streams.task import Task


@dataclass(frozen=True, eq=False)
class ThresholdNetwork:
    """The network to be imitated: one layer of linear threshold units, and their sum with signs.

    Thresholds are those of the authors' code (`lop/nets/fix_ltu_net.py`), from which the published figures come. In the
    paper's text S counts the weights of -1, the bias among them, which makes a harder problem: with its thresholds a
    linear learner ends at a squared error of 1.25, with the code's at 0.88 (24 seeds, step size 0.003, all slow bits
    redrawn); the figures show 0.87 to 0.90.

    Args:
        incoming: of +1 and -1; the last column is the units' bias.
        outgoing: of +1 and -1; the last is the output's bias.
        share: β, of a unit's inputs that have to agree with its weights.
    """

    incoming: Float[Tensor, "units inputs_and_bias"]
    outgoing: Float[Tensor, " units_and_bias"]
    share: float

    @property
    def thresholds(self) -> Float[Tensor, " units"]:
        """(m + 1) β - S, where S is the number of -1 among the weights of a unit's m inputs, and half its bias."""
        weights, biases = self.incoming[:, :-1], self.incoming[:, -1]
        return self.incoming.shape[1] * self.share - ((weights < 0).sum(1) + biases / 2)

    def __call__(self, bits: Float[Tensor, "n inputs"]) -> Float[Tensor, "n 1"]:
        """The targets of some inputs."""
        units = _with_one(bits) @ self.incoming.T > self.thresholds
        return _with_one(units.float()) @ self.outgoing[:, None]


def draw_threshold_network(inputs: int, units: int, share: float, draws: Generator) -> ThresholdNetwork:
    """A network of threshold units with random signs for weights."""
    incoming = signs((units, inputs + 1), draws)
    return ThresholdNetwork(incoming, signs((units + 1,), draws), share)


class BitFlipping(DrawnRegression):
    """Slowly-changing regression; a task lasts until some of the slow bits change.

    A learner gets the bits without the constant 1 that the paper adds to them: that is its layers' own bias, as in the
    authors' code.

    Args:
        plan: how it is gone through; one example at a time in the order in which they come, in the paper.
        seed: of the network to be imitated, and of all bits.
        bits: m, of one input.
        slow_bits: f, the first bits, which stay as they are during a task; the others are drawn for each example.
        examples: T, of a task.
        flips_one: change one slow bit from task to task, drawn at random; else draw all of them afresh.
        target_units: threshold units of the network to be imitated.
        share: its β.
        changes: let slow bits change; else those of the first task stay, the control.
        device: where examples are put.

    Raises:
        ValueError: there are more slow bits than bits.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int,
        *,
        bits: int = 20,
        slow_bits: int = 15,
        examples: int = 10_000,
        flips_one: bool = True,
        target_units: int = 100,
        share: float = 0.7,
        changes: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(plan, seed, width=bits, count=examples, device=device)
        if not 0 < slow_bits <= bits:
            raise ValueError(f"slow_bits must be from 1 to bits={bits}, got {slow_bits}")
        self.bits, self.slow_bits, self.changes = bits, slow_bits, changes
        self.target = draw_threshold_network(bits, target_units, share, source(seed, "target"))
        self._slow = self._flipped() if flips_one else self._redrawn()

    def task(self, index: int) -> Task:
        slow = self._slow[index if self.changes else 0]
        draws = source(self.seed, "fast", index)
        fast = torch.randint(2, (self.count, self.bits - self.slow_bits), generator=draws)
        inputs = torch.cat([slow.expand(self.count, -1), fast], dim=1).float()
        identity = index if self.changes else 0
        parameters = {"bits": "".join(str(bit) for bit in slow.tolist())}
        return self.drawn(index, inputs, self.target(inputs), identity=identity, parameters=parameters)

    def _redrawn(self) -> Tensor:
        return torch.stack([self._slow_draw(2, index, self.slow_bits) for index in range(self.plan.tasks)])

    def _flipped(self) -> Tensor:
        flips = torch.zeros(self.plan.tasks, self.slow_bits, dtype=torch.int64)
        flips[0] = self._slow_draw(2, 0, self.slow_bits)
        for index in range(1, self.plan.tasks):
            flips[index, self._slow_draw(self.slow_bits, index, 1)] = 1
        return flips.cumsum(0) % 2

    def _slow_draw(self, below: int, index: int, count: int) -> Tensor:
        # One source for each task, so that a task does not depend on how many there are.
        return torch.randint(below, (count,), generator=source(self.seed, "slow", index))


def _with_one(rows: Tensor) -> Tensor:
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
