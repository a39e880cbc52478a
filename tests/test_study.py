"""The study: its table is the README's, and its statistics are what they say."""

import csv
from pathlib import Path

import numpy as np

from experiments.permuted_cartpole import STUDY
from experiments.return_study import dormant_at_the_end, of_tasks, read_curves, summary

ROOT = Path(__file__).parents[1]


def rows() -> list[dict[str, str]]:
    with (STUDY.results / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_in_the_readme_is_the_committed_summary():
    readme = (ROOT / "README.md").read_text()
    for row in rows():
        shown = [value for name, value in row.items() if name not in ("seeds", "P(better than ppo)")]
        assert f"| {' | '.join(shown)} |" in readme


def test_the_committed_summary_follows_from_the_committed_curves():
    computed = summary(STUDY, read_curves(STUDY.results / "curves.csv"))
    dormant = dormant_at_the_end(STUDY.results / "curves.csv")
    assert [{**row, "dormant units at the end": f"{dormant[row['arm']]:.0%}"} for row in computed] == rows()


def test_every_arm_has_every_seed():
    curves = read_curves(STUDY.results / "curves.csv")
    assert list(curves) == [arm.name for arm in STUDY.arms]
    assert all(returns.shape == (len(STUDY.seeds), 60) for _, returns in curves.values())


def test_a_task_is_the_mean_of_its_bins():
    steps = np.array([10_000.0, 30_000.0, 30_001.0, 60_000.0])
    returns = np.array([[1.0, 3.0, 10.0, np.nan]])
    assert of_tasks(steps, returns, 30_000).tolist() == [[2.0, 10.0]]
