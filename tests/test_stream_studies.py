"""The studies of streams: their tables are those of the page, and follow from the committed curves."""

import csv
from pathlib import Path

import numpy as np
import pytest

from experiments import bit_flipping, hsic_permuted_mnist, incremental_cifar100, permuted_mnist, tiny_continual_imagenet
from experiments.stream_study import column, read_curves, summary
from tests.recorded_commands import in_todays_words

ON_STREAMS = (bit_flipping, permuted_mnist, tiny_continual_imagenet, incremental_cifar100)
STUDIES = [module.STUDY for module in (*ON_STREAMS, hsic_permuted_mnist)]
DOCS = Path(__file__).parents[1] / "docs"
PAGES = (DOCS / "streams.md").read_text() + (DOCS / "hsic_bottleneck.md").read_text()


@pytest.fixture(params=STUDIES, ids=lambda study: study.name)
def study(request):
    return request.param


def rows(study):
    with (study.results / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_on_the_page_is_the_committed_summary(study):
    for row in rows(study):
        assert f"| {' | '.join(value for name, value in row.items() if name != 'seeds')} |" in PAGES


def test_the_table_in_the_readme_is_that_of_slowly_changing_regression():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for row in rows(bit_flipping.STUDY):
        shown = [value for name, value in row.items() if name not in ("seeds", "P(better than sgd)")]
        assert f"| {' | '.join(shown)} |" in readme


def test_the_committed_summary_follows_from_the_committed_curves(study):
    table = study.results / "curves.csv"
    assert summary(study, read_curves(study, table), table) == rows(study)


def test_every_arm_has_every_seed_and_every_task_once(study):
    curves = read_curves(study, study.results / "curves.csv")
    assert list(curves) == [arm.name for arm in study.arms]
    shapes = {values.shape for values in curves.values()}
    assert len(shapes) == 1
    assert next(iter(shapes))[0] == len(study.seeds) >= 5
    assert all(np.isfinite(values).all() for values in curves.values())


def test_runs_are_finished_and_say_what_they_were(study):
    with (study.results / "runs.csv").open(newline="") as file:
        runs = list(csv.DictReader(file))
    assert {run["status"] for run in runs} == {"finished"}
    words = {arm.name: arm.overrides for arm in study.arms}
    for run in runs:
        assert all(word in in_todays_words(run["command"]) for word in words[run["arm"]])
        assert "/work" not in run["command"]


def test_backprops_step_sizes_are_the_best_of_the_search():
    with (hsic_permuted_mnist.STUDY.results / "search.csv").open(newline="") as file:
        found = {row["arm"]: float(row["average online/accuracy"]) for row in csv.DictReader(file)}
    assert set(found) == {arm.name for arm in hsic_permuted_mnist.STUDY.tried}
    for name, chosen in hsic_permuted_mnist.STEP_SIZE.items():
        tried = {arm: accuracy for arm, accuracy in found.items() if arm.startswith(f"{name} at")}
        assert max(tried, key=tried.__getitem__) == f"{name} at {chosen:g}"


def test_a_column_is_of_shape_seeds_by_tasks(tmp_path):
    table = tmp_path / "curves.csv"
    table.write_text("arm,seed,task,x\na,0,0,1\na,0,1,2\na,1,0,3\na,1,1,\n")
    (values,) = column(table, "x").values()
    np.testing.assert_array_equal(values, [[1, 2], [3, np.nan]])
