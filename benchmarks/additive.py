"""The cost of additive decomposition: a training step, acting, the retroactive update, and the bytes of an old task.

    python -m benchmarks.additive            all of it, about four minutes of one core
    python -m benchmarks.additive --quick    a few blocks of each, about a minute

Times are ratios taken in one process and on one thread, as in `benchmarks.overhead`: a block of plain steps alternates
with a block of each variant, and a ratio is the median over rounds. The network learns its second task, because in the
first there is nothing to do. For the retroactive update the table gives how many times faster one price for all old
tasks is than autograd and Adam over all their τ.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.overhead import Subject, compare
from benchmarks.tables import DEVICE, command_line, show, write
from plastic_rl.nn import AdditiveDecomposition, AdditiveOptimizer
from plastic_rl.nn.additive.algebra import compose

# Masks as they come, and switched off.
VARIANTS: dict[str, dict[str, Any]] = {"masks": {}, "no masks": {"initial_mask": 1.0}}
# The share of a network's weights that a task has of its own, implied by the capacities of the paper's tables.
DENSITIES = {"Split, 10 tasks": 0.036, "Superclass, 20 tasks": 0.016}
Row = dict[str, str]
Build = Callable[[], nn.Module]


def tanh_network() -> nn.Module:
    """Two hidden layers of 256 tanh units, on 17 observations."""
    return nn.Sequential(nn.Linear(17, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 6))


def nature_network() -> nn.Module:
    """The convolutional network of DQN, 1.69 million weights."""
    first = [nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU()]
    rest = [nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 6)]
    return nn.Sequential(*first, *rest)


def lenet() -> nn.Module:
    """The layers of the paper's LeNet, 20-50-800-500 and ten classes; only their sizes matter here."""
    dense = [nn.Linear(3200, 800), nn.Linear(800, 500), nn.Linear(500, 10)]
    return nn.Sequential(nn.Conv2d(3, 20, 5), nn.Conv2d(20, 50, 5), *dense)


WORKLOADS: list[tuple[str, Build, tuple[int, ...], int, float]] = [
    ("2x256, batch 64", tanh_network, (64, 17), 60, 1.25),
    ("2x256, batch 1024", tanh_network, (1024, 17), 10, 1.10),
    ("NatureCNN, batch 64", nature_network, (64, 4, 84, 84), 1, 1.10),
]


def training(build: Build, shape: tuple[int, ...], method: dict[str, Any] | None, is_fused: bool | None) -> Subject:
    """A training step, plain or on the second task of a decomposition."""
    torch.manual_seed(0)
    network, x = build(), torch.randn(shape)
    optimizer: torch.optim.Optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=is_fused)
    if method is not None:
        tasks = AdditiveDecomposition(network, **method)
        optimizer = AdditiveOptimizer(optimizer, decomposition=tasks)
        tasks.new_task()
    target = torch.randn(len(x), 6)

    def step() -> None:
        optimizer.zero_grad()
        functional.mse_loss(network(x), target).backward()
        optimizer.step()

    return Subject(step)


def acting(method: dict[str, Any] | None) -> Subject:
    """The network's answer to one observation."""
    torch.manual_seed(0)
    network, x = tanh_network(), torch.randn(1, 17)
    if method is not None:
        AdditiveDecomposition(network, **method).new_task()

    @torch.no_grad()
    def act() -> None:
        network(x)

    return Subject(act)


def with_old_tasks(network: nn.Module, count: int, density: float, **method: Any) -> AdditiveDecomposition:
    """A decomposition of which each old task but the first has a random share of the weights of its own."""
    torch.manual_seed(0)
    tasks = AdditiveDecomposition(network, **method)
    for _ in range(count):
        tasks.new_task()
        with torch.no_grad():
            for layer in tasks.layers:
                layer.weight.add_(torch.randn_like(layer.weight) * (torch.rand_like(layer.weight) < density))
    tasks.new_task()
    return tasks


def retroactive(old_tasks: int, method: dict[str, Any]) -> Subject:
    """All that follows the optimiser's step in a layer of 72,000 weights: old tasks, masks and shrinkage."""
    tasks = with_old_tasks(nn.Linear(281, 256, bias=False), old_tasks - 1, 0.036, heads=[], every=1000, **method)
    (layer,) = tasks.layers

    @torch.no_grad()
    def step() -> None:
        layer.before_step()
        layer.after_step(1e-4)

    return Subject(step)


def by_autograd(old_tasks: int) -> Subject:
    """The retroactive term of Equation 2 on as many weights: autograd over all old τ and masks, and Adam."""
    torch.manual_seed(0)
    shared, targets = torch.randn(256, 281), [torch.randn(256, 281) for _ in range(old_tasks)]
    logits, owns = [torch.zeros(256) for _ in targets], [torch.zeros_like(target) for target in targets]
    leaves = [leaf.requires_grad_() for leaf in (shared, *logits, *owns)]
    adam = torch.optim.Adam(leaves, lr=1e-4, fused=True)

    def step() -> None:
        adam.zero_grad()
        terms = [held(shared, logit, own, target) for logit, own, target in zip(logits, owns, targets, strict=True)]
        torch.stack(terms).sum().backward()
        adam.step()

    return Subject(step)


def held(shared: Tensor, logit: Tensor, own: Tensor, target: Tensor) -> Tensor:
    """λ2 ‖θ* - θ‖² + λ1 ‖τ‖₁ of one old task."""
    theta = compose(shared, logit.sigmoid()) + own
    return 100 * (target - theta).square().sum() + 4e-4 * own.abs().sum()


def timed(title: str, subjects: dict[str, Subject], steps: int, rounds: int, target: float) -> list[Row]:
    """A line for each subject but the first, which is the plain one."""
    compare(subjects, steps, steps, rounds)
    (_, plain), *others = subjects.items()
    return [line(title, name, plain, subject, target) for name, subject in others]


def line(title: str, variant: str, plain: Subject, subject: Subject, target: float) -> Row:
    """The median ratio of a variant; where the target is above 2 it is a speed-up, and the ratio is turned round."""
    is_speed_up = target > 2
    pairs = list(zip(subject.times, plain.times, strict=True))
    ratios = [its / mine if is_speed_up else mine / its for mine, its in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    met = middle >= target if is_speed_up else middle <= target
    return {
        "what": title,
        "variant": variant,
        "plain_us": f"{1e3 * statistics.median(plain.times):.0f}",
        "us": f"{1e3 * statistics.median(subject.times):.0f}",
        "ratio": f"{middle:.3g}",
        "quartiles": f"{low:.3g}-{high:.3g}",
        "target": f"{'>=' if is_speed_up else '<='} {target:g}",
        "met": "yes" if met else "no",
    }


def stored(title: str, build: Build, density: float) -> Row:
    """The bytes that an old task takes, over those of the plain network."""
    share = with_old_tasks(build(), 1, density).capacity().task_share(1)
    return {
        "what": f"bytes of an old task, {title}",
        "variant": f"{density:.1%} of the weights",
        "plain_us": "",
        "us": "",
        "ratio": f"{share:.3f}",
        "quartiles": "",
        "target": "<= 0.06",
        "met": "yes" if share <= 0.06 else "no",
    }


def measure(quick: bool) -> list[Row]:
    """The whole table."""
    rounds, table = 7 if quick else 15, []
    for name, build, shape, steps, target in WORKLOADS:
        for kind, is_fused in (("Adam", None), ("fused Adam", True)):
            methods: dict[str, dict[str, Any] | None] = {"plain": None, **VARIANTS}
            subjects = {variant: training(build, shape, method, is_fused) for variant, method in methods.items()}
            table += timed(f"training step, {name}, {kind}", subjects, steps, rounds, target)
    table += timed("acting, 2x256", {"plain": acting(None), "masks": acting({})}, 1000, rounds, 1.02)
    for old_tasks in (1, 9, 31):
        subjects = {"autograd": by_autograd(old_tasks)}
        subjects |= {variant: retroactive(old_tasks, method) for variant, method in VARIANTS.items()}
        table += timed(f"retroactive update, {old_tasks} old tasks", subjects, 20, rounds, 30)
    for name, density in DENSITIES.items():
        table += [stored(f"LeNet, {name}", lenet, density), stored(f"2x256, {name}", tanh_network, density)]
    return table


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line(f"additive_{DEVICE}").parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    table = measure(options.quick)
    print(show(table))
    write(table, options.output)


if __name__ == "__main__":
    main()
