"""Permuted CartPole: does PPO go on learning when its senses are scrambled again and again, and what helps?

python -m experiments.permuted_cartpole            # runs what is missing (an hour on one core), then draws
python -m experiments.permuted_cartpole --draw     # draws from the committed table
python -m experiments.permuted_cartpole --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.runs import ROOT, Arm, gather, read_table, run_missing, write_table
from experiments.style import COLOURS, plain_axes
from plastic_rl.evaluation import Estimate, band, estimate, probability_of_improvement

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEEDS = range(10)
CHANGE_EVERY = 30_000
BIN_STEPS = 5_000
WORLD = ("env=permuted-cartpole", "total_steps=300_000")  # ten tasks

ARMS = (
    Arm("ppo", ("agent=ppo", *WORLD)),
    Arm("ppo_tuned", ("agent=ppo_tuned", *WORLD)),
    Arm("ppo_l2", ("agent=ppo_l2", *WORLD)),
    Arm("ppo_cbp", ("agent=ppo_cbp", *WORLD)),
    # The control: the same world, which never changes.
    Arm("ppo no change", ("agent=ppo", *WORLD, "env.change_every=1_000_000_000")),
)
QUICK = ("total_steps=10_240", "agent.epochs=1")  # a later word wins

RESULTS = ROOT / "results" / "permuted_cartpole"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs, gathers, draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true", help="only draw, from the table that is there")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the study, into a scratch folder")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (each takes one core)")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "studies" / "permuted_cartpole", help="the runs")
    asked = parser.parse_args(arguments)
    if asked.quick:
        with tempfile.TemporaryDirectory() as scratch:
            arms = [Arm(arm.name, (*arm.overrides, *QUICK)) for arm in ARMS]
            study(arms, range(2), Path(scratch) / "runs", Path(scratch) / "results", asked.jobs)
    elif asked.draw:
        report(RESULTS)
    else:
        study(ARMS, SEEDS, asked.out, RESULTS, asked.jobs)


def study(arms: Sequence[Arm], seeds: Sequence[int], out: Path, results: Path, jobs: int) -> None:
    """Runs what is missing, writes the tables and draws the figure."""
    run_missing(arms, seeds, out, jobs)
    curves, runs = gather(arms, out, BIN_STEPS)
    write_table(results / "curves.csv", curves)
    write_table(results / "runs.csv", runs)
    report(results)


def report(results: Path) -> None:
    """Draws the figure and writes the summary from the table of curves."""
    curves = read_curves(results / "curves.csv")
    draw(curves, results / "figure.png")
    dormant = dormant_at_the_end(results / "curves.csv")
    rows = [{**row, "dormant units at the end": f"{dormant[row['arm']]:.0%}"} for row in summary(curves)]
    write_table(results / "summary.csv", rows)
    for row in rows:
        print("  ".join(f"{value:<24}" for value in row.values()))


def read_curves(table: Path) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """For each arm the ends of its bins, of shape (bins,), and its returns, of shape (seeds, bins)."""
    rows = read_table(table)
    curves = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        own = [row for row in rows if row["arm"] == arm]
        steps = sorted({int(row["step"]) for row in own})
        seeds = sorted({int(row["seed"]) for row in own})
        value = {(int(row["seed"]), int(row["step"])): float(row["return"] or "nan") for row in own}
        curves[arm] = np.array(steps, dtype=float), np.array([[value[s, step] for step in steps] for s in seeds])
    return curves


def dormant_at_the_end(table: Path) -> dict[str, float]:
    """For each arm the share of dormant units in the last bin, on average over seeds."""
    rows = read_table(table)
    last = max(int(row["step"]) for row in rows)
    ends = [row for row in rows if int(row["step"]) == last]
    shares = {
        arm: [float(row["units/dormant"]) for row in ends if row["arm"] == arm] for arm in {r["arm"] for r in ends}
    }
    return {arm: float(np.mean(values)) for arm, values in shares.items()}


def of_tasks(steps: NDArray[np.float64], returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean return of each run in each task, of shape (seeds, tasks)."""
    task = ((steps - 1) // CHANGE_EVERY).astype(int)
    return np.stack([np.nanmean(returns[:, task == index], axis=1) for index in range(task[-1] + 1)], axis=1)


def summary(curves: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> list[dict[str, str]]:
    """For each arm: mean return in its first task, over its life and in its second half, as interquartile means."""
    tasks = {arm: of_tasks(*curve) for arm, curve in curves.items()}
    late = {arm: values[:, values.shape[1] // 2 :].mean(1) for arm, values in tasks.items()}
    return [
        {
            "arm": arm,
            "seeds": str(len(values)),
            "first task": _words(estimate(values[:, 0])),
            "average over life": _words(estimate(values.mean(1))),
            "second half of life": _words(estimate(late[arm])),
            "P(better than ppo)": f"{probability_of_improvement(late[arm], late['ppo']):.2f}",
        }
        for arm, values in tasks.items()
    ]


def _words(value: Estimate) -> str:
    return f"{value.value:.0f} [{value.low:.0f}, {value.high:.0f}]"


def draw(curves: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], picture: Path) -> None:
    """Return over life above, and the mean return in each task below; bands are 95 % intervals over seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1)
    for arm, (steps, returns) in curves.items():
        _band(above, steps, returns, arm)
        tasks = of_tasks(steps, returns)
        _band(below, np.arange(1, tasks.shape[1] + 1, dtype=float), tasks, arm)
    last = max(steps[-1] for steps, _ in curves.values())
    for change in np.arange(CHANGE_EVERY, last, CHANGE_EVERY):
        above.axvline(change, color="0.9", linewidth=1, zorder=0)
    seeds = len(next(iter(curves.values()))[1])
    above.set(xlabel="environment steps", ylabel="return of an episode")
    above.set_title(f"Permuted CartPole: interquartile mean of {seeds} seeds, 95 % bootstrap intervals")
    below.set(xlabel="task", ylabel="mean return in the task")
    figure.legend(*above.get_legend_handles_labels(), frameon=False, ncols=len(curves), loc="outside lower center")
    figure.savefig(picture, dpi=120)


def _band(axes: Axes, x: NDArray[np.float64], runs: NDArray[np.float64], arm: str) -> None:
    plain_axes(axes)
    value, low, high = band(runs)
    axes.plot(x, value, color=COLOURS[arm], linewidth=2, label=arm)
    axes.fill_between(x, low, high, color=COLOURS[arm], alpha=0.15, linewidth=0)


if __name__ == "__main__":
    main()
