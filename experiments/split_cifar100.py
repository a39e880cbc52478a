"""CIFAR-100 in ten tasks of ten classes, in three orders: what is remembered, at what size, and does the order matter?

The protocol of Yoon et al. (2020) but for the network and the length, which are sized for a machine without a GPU: the
ConvNet of Continual ImageNet, whose step takes a fifth of the LeNet's here, three epochs a task instead of twenty, and
three seeds in each order.

python -m experiments.split_cifar100 --data DATA    # runs what is missing (an hour on one core), then draws
python -m experiments.split_cifar100 --draw         # draws from the committed table
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.runs import Arm, about, read_table, write_table
from experiments.study import SEED_OF_THE_SEARCH, Rows, Study, main, show
from experiments.style import COLOURS, plain_axes
from plastic_rl.evaluation import average_order_disparity, estimate, maximum_order_disparity
from plastic_rl.runs import RunFolder, read_metrics, read_record
from plastic_rl.training.final_results import final_results

WORLD = ("env=split-cifar100", "env.epochs=3", "agent.network=convnet")
METHODS = {
    "apd": ("agent=apd",),
    "apd fixed": ("agent=apd", "agent.form=fixed"),
    "adam": ("agent=adam",),
}
# What was tried: prices (λ') of a task's own weights, and in the fixed form of moving the shared ones.
TRIED = {
    "apd": ((0.2, 1), (0.9, 1)),
    "apd fixed": ((0.9, 1), (0.9, 10), (0.9, 100), (3, 100)),
}
CHOSEN = {"apd": (0.9, 1), "apd fixed": (0.9, 100)}  # with 0.2, "apd" keeps more than one and a half networks
ORDERS = ("A", "B", "C")


@dataclass(frozen=True, kw_only=True)
class OrderStudy(Study):
    """Methods on the same tasks in several orders."""

    def gather(self, out: Path) -> dict[str, Rows]:
        tasks: list[dict[str, Any]] = []
        runs: list[dict[str, Any]] = []
        for arm in self.arms:
            for record_file in sorted((out / arm.name.replace(" ", "_")).glob("*/*/*/run.json")):
                method, _, order = arm.name.rpartition(" ")
                place = {"method": method, "order": order, "seed": int(record_file.parent.name.rpartition("-s")[2])}
                tasks += [{**place, **row} for row in of_tasks(record_file.parent)]
                runs.append({**place, **sizes(record_file.parent), **about(read_record(record_file))})
        return {"tasks": tasks, "runs": runs, "search": [_found(arm, out) for arm in self.tried]}

    def report(self, results: Path) -> None:
        rows = summary(results / "tasks.csv", results / "runs.csv")
        write_table(results / "summary.csv", rows)
        draw(results / "tasks.csv", results / "figure.png")
        show(rows)


def _prices(chosen: tuple[float, float] | None) -> tuple[str, ...]:
    if chosen is None:
        return ()
    sparsity, drift = chosen
    return (f"agent.sparsity={sparsity}", *([] if drift == 1 else [f"agent.drift={drift}"]))


STUDY = OrderStudy(
    name="split_cifar100",
    title="Split CIFAR-100 in three orders",
    arms=tuple(
        Arm(f"{method} {order}", (*words, *_prices(CHOSEN.get(method)), *WORLD, f"env.order={order}"))
        for order in ORDERS
        for method, words in METHODS.items()
    ),
    seeds=range(3),
    tried=tuple(
        Arm(f"{method} {' '.join(map(str, prices))}", (*METHODS[method], *_prices(prices), *WORLD, "env.order=A"))
        for method, some in TRIED.items()
        for prices in some
    ),
    reads_data=True,
    quick=("env.epochs=1", "env.batch_size=1_000"),
)


def _found(arm: Arm, out: Path) -> dict[str, str]:
    (folder,) = (each.parent for each in (out / arm.name.replace(" ", "_")).glob("*/*/*/run.json"))
    accuracy = 100 * float(np.mean([float(row["final"]) for row in of_tasks(folder)]))
    return {
        "method and prices": arm.name,
        "seed": str(SEED_OF_THE_SEARCH),
        "accuracy": f"{accuracy:.1f}",
        **sizes(folder),
    }


def of_tasks(folder: Path) -> list[dict[str, Any]]:
    """Test accuracy on each task: when it had just been learnt, and after the last one."""
    (final,) = final_results(RunFolder(folder))
    learnt = {
        int(str(line.get("task/number", line["task/index"]))): float(str(line["test/accuracy"]))
        for line in read_metrics(folder / "metrics.jsonl")
        if "test/accuracy" in line
    }
    return [
        {"task": task, "learnt": f"{learnt[task]:.4f}", "final": f"{accuracy:.4f}"}
        for task, accuracy in sorted(final.items())
    ]


def sizes(folder: Path) -> dict[str, str]:
    """The weights kept in the end, in percent of one network."""
    last = [line for line in read_metrics(folder / "metrics.jsonl") if "test/accuracy" in line][-1]
    networks = float(str(last.get("networks", 1)))
    return {"capacity": f"{float(str(last.get('apd/capacity', 100 * networks))):.1f}"}


def accuracies(table: Path, name: str) -> dict[str, NDArray[np.float64]]:
    """For each method in percent, of shape (orders, seeds, tasks)."""
    rows = read_table(table)
    value = {(r["method"], r["order"], int(r["seed"]), int(r["task"])): 100 * float(r[name]) for r in rows}
    orders = sorted({row["order"] for row in rows})
    seeds, tasks = (sorted({int(row[axis]) for row in rows}) for axis in ("seed", "task"))
    return {
        method: np.array([[[value[method, o, s, t] for t in tasks] for s in seeds] for o in orders])
        for method in dict.fromkeys(row["method"] for row in rows)
    }


def summary(tasks: Path, runs: Path) -> list[dict[str, str]]:
    """For each method: accuracy over all tasks in the end, what was forgotten, order disparities and size."""
    final, learnt = accuracies(tasks, "final"), accuracies(tasks, "learnt")
    capacity: dict[str, list[float]] = {}
    for row in read_table(runs):
        capacity.setdefault(row["method"], []).append(float(row["capacity"]))
    rows: list[dict[str, str]] = []
    for method, values in final.items():
        accuracy = estimate(values.mean(2).ravel())
        rows.append(
            {
                "method": method,
                "runs": str(values.shape[0] * values.shape[1]),
                "accuracy": f"{accuracy.value:.1f} [{accuracy.low:.1f}, {accuracy.high:.1f}]",
                "when learnt": f"{learnt[method].mean():.1f}",
                "AOPD": f"{average_order_disparity(values):.1f}",
                "MOPD": f"{maximum_order_disparity(values):.1f}",
                "capacity": f"{np.mean(capacity[method]):.0f} %",
            }
        )
    return rows


def draw(tasks: Path, picture: Path) -> None:
    """The final accuracy on each task, its mean over seeds; a dot for each order."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    final = accuracies(tasks, "final")
    panels = figure.subplots(1, len(final), sharey=True)
    for axes, (method, values) in zip(panels, final.items(), strict=True):
        plain_axes(axes)
        means = values.mean(1)
        places = np.arange(means.shape[1])
        axes.vlines(places, means.min(0), means.max(0), color=COLOURS[method], linewidth=4, alpha=0.3)
        for order, each in zip(ORDERS, means, strict=True):
            axes.plot(places, each, linestyle="", marker=f"${order}$", color=COLOURS[method], markersize=6)
        axes.set(title=f"{method}: {values.mean():.1f} %", xlabel="task")
    panels[0].set_ylabel("final test accuracy, %")
    figure.suptitle(f"{STUDY.title} (letters), mean of {len(STUDY.seeds)} seeds", fontsize=10)
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main(STUDY)
