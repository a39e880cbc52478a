"""The tracking problem in six settings of noise and pace, and many streams of it side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from plastic_rl.streams import Plan, SignTracking


@dataclass(frozen=True)
class Row:
    """A setting of the problem.

    Args:
        noise: standard deviation.
        flip_every: examples.
    """

    noise: float
    flip_every: int

    @property
    def name(self) -> str:
        pace = f"a flip every {self.flip_every:,}" if self.flip_every else "no flip"
        return f"noise {self.noise:g}, {pace}"


ROWS = (Row(0, 20), Row(1, 20), Row(3, 20), Row(1, 1000), Row(3, 1000), Row(1, 0))
FAST, STILL = ROWS[0], ROWS[-1]


class Lanes:
    """Streams side by side, each with a row of a weight that begins at 0.

    Args:
        rows: settings of the problem.
        seeds: of each.
        tasks: stretches of a thousand examples.
    """

    def __init__(self, rows: Sequence[Row], seeds: Sequence[int], tasks: int) -> None:
        self.names = [(row.name, seed) for row in rows for seed in seeds]
        self.tasks, self.inputs = tasks, 20
        plan = Plan(tasks, shuffles=False)
        self.streams = [
            SignTracking(plan, seed, noise=row.noise, flip_every=row.flip_every) for row in rows for seed in seeds
        ]

    def examples(self, task: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Inputs, targets before noise and targets of one example after the other, of all lanes."""
        found = [stream.task(task).train for stream in self.streams]
        signals = [stream.signal(task, each.inputs) for stream, each in zip(self.streams, found, strict=True)]
        together = ([each.inputs for each in found], signals, [each.targets for each in found])
        inputs, signal, targets = (torch.stack(each, 1) for each in together)
        return zip(inputs.unbind(), signal[..., 0].unbind(), targets[..., 0].unbind(), strict=True)
