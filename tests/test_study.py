"""The studies of agents: their tables are those of the pages, and follow from the committed curves."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from experiments import (
    aligned_acrobot,
    aligned_control,
    aligned_lunarlander,
    collapse,
    growing_cartpole,
    high_replay,
    hsic_cartpole,
    hsic_hopper,
    hsic_images,
    hsic_residual,
    image_study,
    long_lives,
    permuted_cartpole,
    permuted_double_pendulum,
    plastic_search,
    recurrence_study,
    recurring_ant,
    recurring_cartpole,
    rivals_table,
    split_cifar100,
    streaming_control,
    twenty_cartpoles,
    unit_clock,
)
from experiments.return_study import of_tasks, read_curves
from experiments.study import SEED_OF_THE_SEARCH
from tests.recorded_commands import in_todays_words

ROOT = Path(__file__).parents[1]
HSIC = "docs/hsic_bottleneck.md"
APD = "docs/additive_parameter_decomposition.md"
RETURNS = [
    (permuted_cartpole.STUDY, "docs/plasticity_in_rl.md"),
    (twenty_cartpoles.STUDY, "docs/plasticity_in_rl.md"),
    (long_lives.STUDY, "docs/plasticity_in_rl.md"),
    (aligned_control.STUDY, "docs/plasticity_in_rl.md"),
    (collapse.STUDY, "docs/plasticity_in_rl.md"),
    (aligned_acrobot.STUDY, "docs/plasticity_in_rl.md"),
    (aligned_lunarlander.STUDY, "docs/plasticity_in_rl.md"),
    (permuted_double_pendulum.STUDY, "docs/plasticity_in_rl.md"),
    (unit_clock.STUDY, "docs/overhead.md"),
    (growing_cartpole.STUDY, "docs/dynamic_networks.md"),
    (high_replay.STUDY, "docs/off_policy.md"),
    (streaming_control.STUDY, "docs/step_sizes.md"),
    (hsic_cartpole.STUDY, HSIC),
    (hsic_hopper.STUDY, HSIC),
]
RECURRENCES = [recurring_cartpole.STUDY, recurring_ant.STUDY]


def rows(folder: Path, table: str = "summary.csv") -> list[dict[str, str]]:
    with (folder / table).open(newline="") as file:
        return list(csv.DictReader(file))


def is_on(page: str, row: dict[str, str], *left_out: str) -> bool:
    shown = [value for name, value in row.items() if name not in left_out]
    return f"| {' | '.join(shown)} |" in (ROOT / page).read_text()


@pytest.mark.parametrize(("study", "page"), RETURNS, ids=lambda value: getattr(value, "name", ""))
def test_the_table_of_returns_on_the_page_is_the_committed_summary(study, page):
    assert all(is_on(page, row, "seeds", "P(better than ppo)") for row in rows(study.results))


@pytest.mark.parametrize("study", [study for study, _ in RETURNS], ids=lambda study: study.name)
def test_the_summary_of_returns_follows_from_the_curves(study):
    assert study.summary(study.results) == rows(study.results)


@pytest.mark.parametrize("study", [study for study, _ in RETURNS], ids=lambda study: study.name)
def test_every_arm_has_every_seed(study):
    curves = read_curves(study.results / "curves.csv")
    assert list(curves) == [arm.name for arm in study.arms]
    bins = {steps.size for steps, _ in curves.values()}
    assert len(bins) == 1
    assert all(returns.shape == (len(study.seeds), *bins) for _, returns in curves.values())


def test_the_table_of_the_search_is_on_the_page_and_follows_from_the_curves():
    folder = plastic_search.STUDY.results
    assert plastic_search.summary(folder) == rows(folder)
    assert all(is_on("docs/plasticity_in_rl.md", row) for row in rows(folder))


def test_the_one_table_of_the_rivals_is_in_the_readme_and_follows_from_both_studies():
    committed = rows(rivals_table.RESULTS)
    assert rivals_table.table() == committed
    assert all(is_on("README.md", row) for row in committed)
    assert {"ppo", "ppo_fresh"} <= {row["agent"] for row in committed}


def test_a_task_is_the_mean_of_its_bins():
    steps = np.array([10_000.0, 30_000.0, 30_001.0, 60_000.0])
    returns = np.array([[1.0, 3.0, 10.0, np.nan]])
    assert of_tasks(steps, returns, 30_000).tolist() == [[2.0, 10.0]]


@pytest.mark.parametrize("study", RECURRENCES, ids=lambda study: study.name)
def test_the_table_of_recurrences_is_on_the_page_and_follows_from_the_visits(study):
    assert recurrence_study.summary(study, study.results / "visits.csv") == rows(study.results)
    assert all(is_on(APD, row, "seeds") for row in rows(study.results))


def test_the_recurrences_in_the_readme_are_those_of_cartpole():
    assert all(is_on("README.md", row, "seeds") for row in rows(recurring_cartpole.STUDY.results))


@pytest.mark.parametrize("study", RECURRENCES, ids=lambda study: study.name)
def test_every_seed_of_every_arm_visits_the_regimes_in_turn(study):
    visits = rows(study.results, "visits.csv")
    named = {(row["arm"], int(row["seed"])) for row in visits}
    assert named == {(arm.name, seed) for arm in study.arms for seed in study.seeds}
    assert all(int(row["visit"]) % study.regimes == int(row["regime"]) for row in visits)
    assert len(visits) == len(named) * study.visits


def test_a_visit_lasts_until_another_regime_is_announced(tmp_path):
    regimes, returns = [0, 0, 1, 0], [1.0, 3.0, 10.0, 5.0]
    lines = [f'{{"task/index": {a}, "episode/return": {b}}}' for a, b in zip(regimes, returns, strict=True)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(['{"task/index": 0}', *lines]) + "\n")
    found = recurrence_study.visits(tmp_path / "metrics.jsonl")
    assert [(row["regime"], row["episodes"], row["mean"]) for row in found] == [(0, 2, 2.0), (1, 1, 10.0), (0, 1, 5.0)]


def test_split_cifar100s_table_is_on_the_page_and_follows_from_its_tasks():
    folder = split_cifar100.STUDY.results
    assert split_cifar100.summary(folder / "tasks.csv", folder / "runs.csv") == rows(folder)
    assert all(is_on(APD, row, "runs") for row in rows(folder))
    assert all(is_on(APD, row) for row in rows(folder, "search.csv"))
    assert len(rows(folder, "search.csv")) == len(split_cifar100.STUDY.tried)
    named = {(row["method"], row["order"], int(row["seed"])) for row in rows(folder, "runs.csv")}
    assert named == {
        (method, order, seed)
        for method in split_cifar100.METHODS
        for order in split_cifar100.ORDERS
        for seed in split_cifar100.STUDY.seeds
    }


@pytest.mark.parametrize(("method", "chosen"), split_cifar100.CHOSEN.items())
def test_the_prices_of_split_cifar100_are_the_best_below_one_and_a_half_networks(method, chosen):
    found = {row["method and prices"]: row for row in rows(split_cifar100.STUDY.results, "search.csv")}
    tried = [found[f"{method} {sparsity} {drift}"] for sparsity, drift in split_cifar100.TRIED[method]]
    small = [row for row in tried if float(row["capacity"]) < 150]
    best = max(small, key=lambda row: float(row["accuracy"]))
    assert best["method and prices"] == f"{method} {chosen[0]} {chosen[1]}"


def test_images_of_one_data_set_are_drawn_too(tmp_path):
    curves = tmp_path / "curves.csv"
    curves.write_text("arm,seed,task,test/accuracy\nmnist hsic,0,0,0.9\nmnist hsic,1,0,0.8\n")
    image_study.draw(hsic_residual.STUDY, curves, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


@pytest.mark.parametrize("study", [hsic_images.STUDY, hsic_residual.STUDY], ids=lambda study: study.name)
def test_the_table_of_images_is_on_the_page_and_follows_from_the_curves(study):
    folder = study.results
    assert image_study.summary(study, folder / "curves.csv", folder / "runs.csv") == rows(folder)
    assert all(is_on(HSIC, row) for row in rows(folder))
    made = {(run["arm"], run["folder"].rpartition("-s")[2]) for run in rows(folder, "runs.csv")}
    assert made >= {(arm.name, str(seed)) for arm in study.arms for seed in study.seeds}
    assert made >= {(arm.name, str(SEED_OF_THE_SEARCH)) for arm in study.tried}


def test_backprops_step_size_is_the_best_of_the_search():
    found = rows(hsic_images.STUDY.results)
    for data_set, chosen in hsic_images.STEP_SIZE.items():
        tried = {
            float(row["method"].rpartition(" ")[2]): float(row["test accuracy"].split()[0])
            for row in found
            if row["data set"] == data_set and re.fullmatch(r"backprop at .*", row["method"])
        }
        assert set(tried) == set(hsic_images.STEP_SIZES[data_set])
        assert max(tried, key=tried.__getitem__) == chosen


STUDIED = [study for study, _ in RETURNS] + RECURRENCES + [plastic_search.STUDY]


@pytest.mark.parametrize("study", STUDIED, ids=lambda study: study.name)
def test_runs_are_finished_and_say_what_they_were(study):
    words = {arm.name: arm.overrides for arm in study.arms}
    for run in rows(study.results, "runs.csv"):
        assert run["status"] == "finished"
        assert "/work" not in run["command"]
        assert all(word in in_todays_words(run["command"]) for word in words[run["arm"]])
