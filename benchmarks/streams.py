"""The speed of learners on streams: against a plain torch loop, and several seeds as one against one by one.

    python -m benchmarks.streams                 every workload, about four minutes of one core
    python -m benchmarks.streams --quick         a few blocks of each, about one
    python -m benchmarks.streams bit ConvNet     the workloads whose names start so

"plain loop" is the shortest torch loop that does the same work: it draws an order, predicts, counts what was right
before it updates, and updates. It puts a task's inputs on their scale, and their pixels in order, once: in each pass of
an online stream, whose tasks last for one, and before time is taken where a task has 250. With sgd_cbp its optimiser is
wrapped by the same `ContinualBackprop`. "S seeds" compares what trains S networks with S times a single one of ours.

A speed-up is the time of the other over ours: the median over rounds of the ratio of two blocks of the same round, in
one process and on one thread, with alternating blocks. Time is the processor's, or on a GPU the clock's.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from agents.recipe import BackpropAgent
from agents.sgd import SGD
from agents.sgd_cbp import SGDCBP
from benchmarks.overhead import Subject, compare
from benchmarks.stream_workloads import WORKLOADS, Workload
from benchmarks.tables import DEVICE, command_line, is_asked_for, save, show, with_workloads
from plastic_rl.layers import hidden_layers
from plastic_rl.learners import Learner
from plastic_rl.streams import Stream
from plastic_rl.training.course import Course
from plastic_rl.training.scoring import look_at

LEARNERS: dict[str, type[SGD]] = {"sgd": SGD, "sgd_cbp": SGDCBP}
# Units are replaced while time is taken, without ages that would need a long warm-up.
SETTINGS = {"learning_rate": 0.003, "replacement_rate": 1e-4, "maturity_threshold": 10}
Row = dict[str, str]


def agent(kind: type[SGD], workload: Workload) -> SGD:
    """The recipe of a learner with the workload's network."""
    known = {setting.name for setting in fields(kind)}
    settings: dict[str, Any] = {**workload.network, **SETTINGS}
    return kind(**{name: value for name, value in settings.items() if name in known})


def ours(recipe: BackpropAgent, streams: Sequence[Stream]) -> Subject:
    """Passes over a task as a run makes them, one block each."""
    learner: Learner = recipe.build(streams, device=DEVICE)
    course = Course(streams, learner, lambda *_: None, lambda: None)
    tasks = [stream.task(0) for stream in streams]

    def one_pass() -> None:
        course.position.place = 0
        course._learn_pass(tasks)

    return Subject(one_pass)


def plain(recipe: BackpropAgent, stream: Stream) -> Subject:
    """The same passes by a loop that anybody would write."""
    network = recipe._network(stream, stream.outputs).to(DEVICE)
    optimizer = recipe.optimizer()(network.parameters())
    method = recipe.plasticity()
    if method is not None:
        optimizer = method(optimizer, hidden_layers(network, torch.zeros(2, *stream.shape, device=DEVICE)))
    task, plan, update = stream.task(0), stream.plan, regress if stream.is_regression else classify
    count = len(task.train)

    def looked_at() -> tuple[Tensor, Tensor]:
        inputs, targets = look_at([task], [task.train], 0, count)
        return inputs[0], targets[0]

    ready = looked_at() if plan.epochs > 1 else None

    def one_pass() -> None:
        inputs, targets = ready or looked_at()
        order = torch.randperm(count, device=DEVICE) if plan.shuffles else torch.arange(count, device=DEVICE)
        score = torch.zeros((), device=DEVICE)
        for places in order.split(plan.batch_size):
            score += update(network, optimizer, inputs[places], targets[places])
        score.item()

    return Subject(one_pass)


def classify(network: nn.Module, optimizer: Optimizer, inputs: Tensor, targets: Tensor) -> Tensor:
    """One update by cross-entropy; how many were right before it."""
    outputs = network(inputs)
    loss = functional.cross_entropy(outputs, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return (outputs.detach().argmax(1) == targets).sum()


def regress(network: nn.Module, optimizer: Optimizer, inputs: Tensor, targets: Tensor) -> Tensor:
    """One update by the squared error; what it was before."""
    loss = (network(inputs) - targets).square().sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach() * len(inputs)


def measure(workload: Workload, learner: str, rounds: int) -> list[Row]:
    """The table's lines of one workload and learner."""
    recipe = agent(LEARNERS[learner], workload)
    streams = [workload.stream(seed, DEVICE) for seed in range(max((1, *workload.seeds)))]
    subjects = {"plain loop": plain(recipe, streams[0]), "1 seed": ours(recipe, streams[:1])}
    subjects |= {f"{count} seeds": ours(recipe, streams[:count]) for count in workload.seeds}
    compare(subjects, steps=1, warm_up=2, rounds=rounds)
    updates = -(-len(streams[0].task(0).train) // streams[0].plan.batch_size)
    times = {name: [milliseconds / updates for milliseconds in subject.times] for name, subject in subjects.items()}
    pairs = [("1 seed", "plain loop", 1)] + [(f"{count} seeds", "1 seed", count) for count in workload.seeds]
    told = {"workload": workload.name, "learner": learner}
    return [told | speed_up(name, other, count, times) for name, other, count in pairs]


def speed_up(name: str, other: str, count: int, times: dict[str, list[float]]) -> Row:
    """The factor by which one subject is faster than another that has to run several times; times are for an update."""
    theirs = [count * time for time in times[other]]
    ratios = [slow / fast for slow, fast in zip(theirs, times[name], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "ours": name,
        "against": other if count == 1 else f"{count} x {other}",
        "our_ms": f"{statistics.median(times[name]):.3f}",
        "their_ms": f"{statistics.median(theirs):.3f}",
        "speed_up": f"{middle:.2f}",
        "quartiles": f"{low:.2f}-{high:.2f}",
        "rounds": str(len(ratios)),
    }


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = with_workloads(command_line(f"streams_{DEVICE}")).parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    table: list[Row] = []
    for workload in WORKLOADS:
        if is_asked_for(workload.name, options):
            print(f"measuring {workload.name}", flush=True)
            for learner in LEARNERS:
                table += measure(workload, learner, 3 if options.quick else workload.rounds)
    print(show(table))
    save(table, options)


if __name__ == "__main__":
    main()
