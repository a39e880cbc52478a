"""The cost of continual backprop: the time of a training step with it, over the time of the plain step.

    python -m benchmarks.overhead            every workload, about ten minutes of one core
    python -m benchmarks.overhead --quick    a few blocks of each, about four minutes
    python -m benchmarks.overhead PPO        the workloads whose name starts so

Both sides are the same network, the same data, the same inner optimiser with the same flags. In one process and on one
thread, a block of plain steps alternates with a block of each mode; a ratio is the median over rounds of the ratio of
two blocks of the same round. Time is the processor's (`time.process_time`), so that a neighbour's load does not count;
on a GPU it is the clock's. Optimiser state is forgotten, and units are replaced while time is taken: they are counted.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from itertools import pairwise

import torch

from benchmarks.tables import DEVICE, command_line, is_asked_for, save, show, with_workloads
from benchmarks.workloads import WORKLOADS, Workload
from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.adam import with_unit_clock
from plastic_rl.optim.forgetting import forget

MODES = ("exact", "lazy", "instant")
# As in the authors' PPO: what is left when no Adam has to be corrected for young units.
KEPT = "instant, state kept"
# No correction either: newborn second moments are the means of those beside them.
UNCLOCKED = ("exact, no clock", "lazy, no clock", "instant, no clock")
Step = Callable[[], object]


class Subject:
    """A training step that is timed in blocks.

    Args:
        step: what is timed.
        replaced: how many units were replaced so far.
    """

    def __init__(self, step: Step, replaced: Callable[[], int] = lambda: 0) -> None:
        self.step, self.replaced = step, replaced
        self.times: list[float] = []
        self.replaced_before = 0

    def run(self, steps: int) -> float:
        """Milliseconds per step of a block."""
        start = clock()
        for _ in range(steps):
            self.step()
        return (clock() - start) * 1e3 / steps

    def warm_up(self, steps: int) -> None:
        """Runs a block that does not count."""
        self.run(steps)
        self.replaced_before = self.replaced()


def clock() -> float:
    """Seconds of the processor, or of the clock once the GPU is done."""
    if DEVICE == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def training(workload: Workload, mode: str | None) -> Subject:
    """A workload's step, plain or with continual backprop."""
    torch.manual_seed(0)
    network, batch = workload.network().to(DEVICE), [tensor.to(DEVICE) for tensor in workload.batch()]
    optimizer = workload.optimizer(network.parameters())
    if mode is not None:
        maturity = min(100, workload.warm_up - 1)
        layers = hidden_layers(network, *(tensor[:1] for tensor in batch))
        optimizer = ContinualBackprop(
            optimizer,
            layers,
            replacement_rate=workload.rate,
            maturity_threshold=maturity,
            mode=mode.partition(",")[0],
            forget_optimizer_state=mode != KEPT,
            unit_clock=mode not in UNCLOCKED,
        )

    def step() -> None:
        optimizer.zero_grad()
        workload.loss(network(*batch)).backward()
        optimizer.step()

    return Subject(step, lambda: sum(watched.budget.replaced for watched in getattr(optimizer, "watched", [])))


def clocked_adam(workload: Workload, units: float | None) -> Subject:
    """The optimiser's step alone on a workload's weights; with a clock, ``units`` are forgotten per layer and step."""
    torch.manual_seed(0)
    network, batch = workload.network().to(DEVICE), [tensor.to(DEVICE) for tensor in workload.batch()]
    plain = workload.optimizer(network.parameters())
    workload.loss(network(*batch)).backward()
    optimizer = plain if units is None else with_unit_clock(plain)
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    owed, forgotten = 0.0, 0

    def step() -> None:
        nonlocal owed, forgotten
        optimizer.step()
        owed += units or 0.0
        if owed >= 1:
            owed -= 1
            forgotten += 1
            for row, reader in pairwise(weights):
                unit = torch.tensor([forgotten % row.shape[0]], device=DEVICE)
                forget(optimizer, row, 0, unit)
                forget(optimizer, reader, 1, unit % reader.shape[1])

    return Subject(step, lambda: forgotten)


def compare(subjects: Mapping[str, Subject], steps: int, warm_up: int, rounds: int) -> None:
    """Takes times in alternating blocks, each round in another order."""
    for subject in subjects.values():
        subject.warm_up(warm_up)
    names = list(subjects)
    for place in range(rounds):
        turn = place % len(names)
        for name in names[turn:] + names[:turn]:
            subjects[name].times.append(subjects[name].run(steps))


def rows(title: str, subjects: dict[str, Subject], workload: Workload) -> list[dict[str, str]]:
    """A line of the table for each subject but the first, which is the plain one."""
    (_, plain), *others = subjects.items()
    table = []
    for name, subject in others:
        ratios = [mine / its for mine, its in zip(subject.times, plain.times, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        target = workload.targets.get(name.partition(",")[0], 1.10)
        table.append(
            {
                "workload": title,
                "variant": name,
                "plain_ms": f"{statistics.median(plain.times):.3f}",
                "ms": f"{statistics.median(subject.times):.3f}",
                "ratio": f"{middle:.3f}",
                "quartiles": f"{low:.3f}-{high:.3f}",
                "target": f"{target:.2f}",
                "met": "yes" if middle <= target else "no",
                "authors_code": "1.45" if title != workload.name else workload.reference,
                "replaced": str(subject.replaced() - subject.replaced_before),
                "rounds": str(len(ratios)),
            }
        )
    return table


def measure(workload: Workload, quick: bool) -> list[dict[str, str]]:
    """The table's lines of one workload."""
    rounds = 7 if quick else workload.rounds
    warm_up = min(workload.warm_up, 130) if quick else workload.warm_up
    variants = (None, *MODES, *((*UNCLOCKED, KEPT) if "Adam" in workload.name else ()))
    subjects = {name: training(workload, name) for name in variants}
    named = {name or "plain": subject for name, subject in subjects.items()}
    compare(named, workload.steps, warm_up, rounds)
    table = rows(workload.name, named, workload)
    if "Adam" in workload.name:
        clocks = {
            "torch": None,
            "no unit young": 0.0,
            "units young": workload.rate * (2000 if "MLP" in workload.name else 256),
        }
        adams = {name: clocked_adam(workload, units) for name, units in clocks.items()}
        compare(adams, workload.steps, warm_up, rounds)
        table += rows(f"optimiser alone: {workload.name}", adams, workload)
    return table


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = with_workloads(command_line(f"overhead_{DEVICE}")).parse_args()
    torch.set_num_threads(1)
    # One image a thousand times is soon learnt by heart, and gradients shrink to numbers that a processor is slow with.
    torch.set_flush_denormal(True)
    table: list[dict[str, str]] = []
    for workload in WORKLOADS:
        if is_asked_for(workload.name, options):
            print(f"measuring {workload.name}", flush=True)
            table += measure(workload, options.quick)
    print(show(table))
    save(table, options)


if __name__ == "__main__":
    main()
