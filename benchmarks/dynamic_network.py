"""The cost of a step of a dynamic network: with how many slots there are, and of having grown.

    python -m benchmarks.dynamic_network            a minute of one core
    python -m benchmarks.dynamic_network --quick    few blocks

A step is `DynamicTrainer.update` on one example of 20 inputs: forward, backward, step sizes, Adam, running means, and
every twentieth time a look at all units. Three quarters of the slots hold units, half of these in the backbone. In one
process, on one thread, blocks of steps alternate; a ratio is the median over rounds. Time is the processor's.

"grown" began with 16 slots a level and doubled to the number in its row; it is compared with a network that had them
from the start. "birth and adoption" is what they cost beside a step: its time over that of a step.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.tables import command_line, show, write
from plastic_rl.nn.dynamic import DynamicNetwork, DynamicTrainer, Rules

INPUTS, BLOCK, ROUNDS = 20, 100, 30
STILL: dict[str, Any] = {"joins": 1e9, "leaves": -1e9, "renewal_rate": 0.0}
Step = Callable[[], object]


def trainer(slots: int, *, levels: int = 1, first: int | None = None) -> DynamicTrainer:
    """A network with units in three quarters of its slots, whose structure stays as it is.

    Args:
        slots: of each level.
        levels: of units.
        first: the slots that it has before it grows; None for all at once.
    """
    network = DynamicNetwork(INPUTS, 1, levels=levels, slots=first or slots)
    made = DynamicTrainer(network, Rules(fringe=0, **STILL))
    draws = torch.Generator().manual_seed(0)
    while network.slots.each < slots:
        made.population.grow()
    for level in range(levels):
        start, width = network.slots.of(level).start, network.slots.below(level)
        units = [start + place for place in range(3 * slots // 4)]
        rows = torch.randn(len(units), width, generator=draws) / width**0.5
        rows[:, network.slots.first :] = 0.0
        made.population.bear(0, units, rows, [0] * len(units))
        for unit in units[: len(units) // 2]:
            made.population.adopt(0, unit, 0.01)
    return made


def step_of(made: DynamicTrainer) -> Step:
    """One step, on an example that is drawn beforehand."""
    draws = torch.Generator().manual_seed(0)
    inputs, target = torch.randn(1, 1, INPUTS, generator=draws), torch.ones(1, 1, 1)

    def errors(outputs: Tensor) -> Tensor:
        return target - outputs

    return lambda: made.update(inputs, errors)


def seconds(step: Step, times: int) -> float:
    """Processor seconds of one of several steps."""
    began = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - began) / times


def ratio(subject: Step, baseline: Step, rounds: int) -> tuple[float, float]:
    """The median over rounds of a subject's time over the baseline's, and the subject's milliseconds."""
    for each in (subject, baseline):  # warm
        seconds(each, BLOCK)
    pairs = [(seconds(subject, BLOCK), seconds(baseline, BLOCK)) for _ in range(rounds)]
    return statistics.median(one / other for one, other in pairs), 1e3 * statistics.median(one for one, _ in pairs)


def birth_and_adoption(made: DynamicTrainer) -> Step:
    """The life of one unit: it is born, joins, goes back, and dies."""
    unit = made.network.slots.each - 1

    def live() -> None:
        made.population.bear(0, [unit], torch.ones(1, made.network.slots.below(0)), [0])
        made.population.adopt(0, unit, 0.0)
        made.population.withdraw(0, unit)
        made.population.remove(0, [unit])

    return live


def row(name: str, measured: tuple[float, float], at_most: float | None = None) -> dict[str, str]:
    """A row of the table."""
    value, milliseconds = measured
    wanted = "-" if at_most is None else f"{at_most:g}"
    return {"what": name, "ratio": f"{value:.2f}", "at most": wanted, "ms": f"{milliseconds:.3f}"}


def measure(rounds: int) -> list[dict[str, str]]:
    """The rows of the table."""
    torch.set_num_threads(1)
    small = step_of(trainer(64))
    grown = (step_of(trainer(slots, first=16)) for slots in (64, 1024))
    whole = (step_of(trainer(slots)) for slots in (64, 1024))
    deep = step_of(trainer(64, levels=3))
    return [
        row("1,024 slots over 64", ratio(step_of(trainer(1024)), small, rounds), 4.0),
        row("256 slots over 64", ratio(step_of(trainer(256)), small, rounds)),
        row("3 levels of 64 slots over 1", ratio(deep, small, rounds)),
        *(
            row(f"{slots} slots, grown over made at once", ratio(one, other, rounds), 1.1)
            for slots, one, other in zip((64, 1024), grown, whole, strict=True)
        ),
        row("birth and adoption over a step, 64 slots", ratio(birth_and_adoption(trainer(64)), small, rounds)),
    ]


def main() -> None:
    """Measures, shows and writes down."""
    options = command_line("dynamic_network_cpu").parse_args()
    table = measure(3 if options.quick else ROUNDS)
    print(show(table))
    if not options.quick:
        write(table, options.output)


if __name__ == "__main__":
    main()
