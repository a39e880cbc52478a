"""The rivals on two streams: the search decides their settings, and the pages show the committed tables."""

import csv
from pathlib import Path

import numpy as np
import pytest

from experiments import bit_flipping_rivals, permuted_mnist_rivals, stream_table
from experiments.rivals import RIVALS
from experiments.stream_rivals import STREAM_RIVALS, tried_name
from experiments.stream_study import read_curves, summary
from experiments.style import COLOURS
from tests.recorded_commands import in_todays_words

MODULES = (bit_flipping_rivals, permuted_mnist_rivals)
PAGE = (Path(__file__).parents[1] / "docs" / "plasticity_on_streams.md").read_text()


@pytest.fixture(params=MODULES, ids=lambda module: module.STUDY.name)
def module(request):
    return request.param


def rows(folder, table="summary"):
    with (folder / f"{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def cells(row, *left_out):
    return f"| {' | '.join(value for name, value in row.items() if name not in left_out)} |"


def test_streams_have_the_rivals_of_worlds_but_for_what_only_a_policy_has():
    methods = {name.partition("ppo")[2] for name in RIVALS}
    on_streams = {name.partition("sgd")[2] for name in STREAM_RIVALS if name != "linear"}
    assert methods - on_streams == {"_tuned", "+cbp", "_fire detected", "_plastic", "_plastic announced", "_churn"}
    assert on_streams <= methods


def test_all_arms_have_a_colour_and_are_rivals(module):
    there = getattr(module, "RIVALS", STREAM_RIVALS)
    assert [arm.name for arm in module.STUDY.arms] == list(there)
    assert there.keys() <= COLOURS.keys()


def test_the_settings_are_those_that_the_search_found(module):
    measured = f"average {module.STUDY.quantity}"
    found = {row["arm"]: float(row[measured]) for row in rows(module.STUDY.results, "search")}
    assert list(found) == [arm.name for arm in module.STUDY.tried]
    best = max if module.STUDY.percent else min
    for arm, candidates in module.TRIED.items():
        words = {tried_name(arm, each): each for each in candidates}
        in_use = next(each.overrides for each in module.STUDY.arms if each.name == arm)
        assert set(words[best(words, key=found.__getitem__)]) <= set(in_use)


def test_the_pair_has_the_settings_of_its_parts(module):
    parts = {
        word.replace("agent.", f"agent.{method}.")
        for method in ("cbp", "l2_init")
        for word in module.CHOSEN.get(f"sgd_{method}", ())
    }
    assert set(module.CHOSEN["sgd+cbp+l2_init"]) == parts


def test_the_search_has_other_seeds_than_the_study(module):
    assert {row["seed"] for row in rows(module.STUDY.results, "search")} == {"100-104"}
    assert max(module.STUDY.seeds) < 100


def test_the_committed_summary_follows_from_the_committed_curves(module):
    table = module.STUDY.results / "curves.csv"
    curves = read_curves(module.STUDY, table)
    assert summary(module.STUDY, curves, table) == rows(module.STUDY.results)
    assert list(curves) == [arm.name for arm in module.STUDY.arms]
    assert len({values.shape for values in curves.values()}) == 1
    assert len(next(iter(curves.values()))) == len(module.STUDY.seeds) == 10
    assert all(np.isfinite(values).all() for values in curves.values())


def test_runs_are_finished_and_say_what_they_were(module):
    words = {arm.name: arm.overrides for arm in module.STUDY.arms}
    runs = rows(module.STUDY.results, "runs")
    assert [run["arm"] for run in runs] == list(words)
    for run in runs:
        assert run["status"] == "finished"
        assert all(word in in_todays_words(run["command"]).split() for word in words[run["arm"]])
        assert "/work" not in run["command"]


def test_both_streams_pass_the_gate_and_the_page_says_so(module):
    (verdict,) = rows(module.STUDY.results, "verdict")
    assert verdict["verdict"] == "holds"
    assert verdict["fresh is better by"] in PAGE


def test_the_one_table_is_on_the_page_and_follows_from_the_curves():
    committed = rows(stream_table.RESULTS)
    assert stream_table.table() == committed
    for row in committed:
        assert cells(row, "seeds") in PAGE


def test_the_share_of_a_fresh_network_is_taken_seed_by_seed(monkeypatch):
    fresh = np.array([[0.5, 0.5], [1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    monkeypatch.setattr(stream_table, "read_curves", lambda *_: {"sgd": 1.5 * fresh, "sgd_fresh": fresh})
    rows = stream_table.over_life("bits", bit_flipping_rivals.STUDY)
    assert {arm: row["bits, of fresh"] for arm, row in rows.items()} == {
        "sgd": "1.50 [1.50, 1.50]",
        "sgd_fresh": "1.00 [1.00, 1.00]",
    }
    assert rows["sgd"]["bits, error over life"].startswith("2.25 [")  # (1.5 + 3) / 2, the middle half


def test_the_table_of_popular_methods_is_on_the_page():
    popular = {**permuted_mnist_rivals.POPULAR, **permuted_mnist_rivals.CONTROLS}
    others = ("sgd", "sgd_fresh", "sgd no change", "sgd_l2", "sgd_shrink_perturb", "sgd_cbp")  # the paper's
    for row in rows(permuted_mnist_rivals.STUDY.results):
        if row["arm"] in (*popular, *others):
            assert cells(row, "seeds") in PAGE
