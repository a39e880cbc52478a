"""The gate of studies: a remedy's study is void unless its baseline loses against a fresh agent at each change."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from experiments.gate import verdict
from experiments.online.study import OnlineArm, OnlineStudy
from experiments.return_study import ReturnStudy
from experiments.runs import Arm, read_table
from experiments.stream_study import StreamStudy
from plastic_rl.evaluation import difference, interquartile_mean

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*.py"))
STUDIES = {name: getattr(importlib.import_module(f"experiments.{name}"), "STUDY", None) for name in NAMES}
NOT_RUN_YET = {"slippery_ant"}
GATED = [
    study
    for name, study in STUDIES.items()
    if name not in NOT_RUN_YET
    if isinstance(study, ReturnStudy | StreamStudy) or (isinstance(study, OnlineStudy) and study.fresh)
]


def scores(**means):
    """Four seeds of two tasks after the first, around a mean."""
    return {arm: mean + np.array([[-1.0, 1.0], [0, 2], [1, 1], [-2, 0]]) for arm, mean in means.items()}


def test_the_gap_is_the_difference_of_interquartile_means_and_its_interval_holds_it():
    ours, theirs = [10.0, 12.0, 11.0, 50.0], [1.0, 2.0, 3.0, 4.0]
    gap = difference(ours, theirs)
    assert gap.value == interquartile_mean(ours) - interquartile_mean(theirs) == 11.5 - 2.5
    assert 0 < gap.low < gap.value < gap.high
    back = difference(theirs, ours)
    assert back.value == -gap.value
    assert difference([1.0, 1.0], [0.5, 0.5]) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(("fresh", "word"), [(110.0, "holds"), (100.0, "void"), (100.5, "void"), (90.0, "void")])
def test_a_study_counts_if_the_interval_lies_above_zero(fresh, word):
    found = verdict("ppo", "ppo_fresh", scores(ppo=100.0, ppo_fresh=fresh, ppo_cbp=1000.0))
    assert found.word == word
    assert found.gap.value == fresh - 100  # seeds' means 0, 1, 1, -1: their middle half is of both sides the same
    better = "better" if word == "holds" else "not clearly better"
    assert str(found).startswith(f"gate {word}: ppo_fresh is {better} than ppo")


def test_seeds_that_are_harder_than_others_do_not_hide_a_difference_in_each_of_them():
    hard = np.array([[0.0], [10.0], [20.0], [30.0]])
    apart, paired = (
        verdict("sgd", "sgd_fresh", {"sgd": hard, "sgd_fresh": hard + 1}, is_paired=pairs) for pairs in (False, True)
    )
    assert (apart.word, paired.word) == ("void", "holds")
    assert (paired.gap, paired.probability) == ((1.0, 1.0, 1.0), 1.0)


def test_without_a_fresh_arm_or_a_change_the_verdict_is_open():
    assert verdict("ppo", None, scores(ppo=1.0)).word == "open"
    of_one_task = {arm: np.zeros((2, 0)) for arm in ("ppo", "ppo_fresh")}
    assert str(verdict("ppo", "ppo_fresh", of_one_task)) == "gate open: there was no change"
    row = verdict("ppo", None, scores(ppo=1.0)).row("ppo", None)
    assert row == {
        "baseline": "ppo", "fresh": "-", "fresh is better by": "-", "P(fresh is better)": "-", "verdict": "open",
    }  # fmt: skip


def test_a_task_in_which_no_episode_ended_is_passed_over():
    some = scores(ppo=100.0, ppo_fresh=110.0)
    some["ppo"][0, 1] = np.nan
    assert verdict("ppo", "ppo_fresh", some).word == "holds"


class Told(ReturnStudy):
    """A study without a picture."""

    def report(self, results):
        pass


def study(**settings):
    arms = (Arm("ppo", ("agent=ppo",)), Arm("ppo_fresh", ("agent=ppo_fresh",)))
    return Told(name="told", title="", arms=arms, seeds=range(2), quick=(), change_every=10, bin_steps=5, **settings)


def test_the_verdict_is_printed_and_written_and_the_first_task_has_no_part_in_it(tmp_path, capsys):
    lines = ["arm,seed,step,return"]
    for arm, late in (("ppo", 10), ("ppo_fresh", 20)):
        for seed in (0, 1):
            lines += [f"{arm},{seed},{step},{value + seed}" for step, value in ((5, 500 - late), (10, 0), (15, late))]
    (tmp_path / "curves.csv").write_text("\n".join(lines) + "\n")
    study(fresh="ppo_fresh").conclude(tmp_path)
    assert capsys.readouterr().out == "gate holds: ppo_fresh is better than ppo (10 [9, 11], P(better) 1.00)\n"
    (row,) = read_table(tmp_path / "verdict.csv")
    assert (row["fresh is better by"], row["verdict"]) == ("10 [9, 11]", "holds")


def test_smaller_errors_are_better(tmp_path):
    (tmp_path / "curves.csv").write_text("arm,seed,task,online/error\nsgd,0,0,1\nsgd,0,1,3\n")
    settings = {"name": "s", "title": "", "arms": (Arm("sgd", ()),), "seeds": range(1), "quick": ()}
    errors = StreamStudy(**settings, quantity="online/error", percent=False, group=1, tail=1)
    assert errors.after_changes(tmp_path)["sgd"].tolist() == [[-3.0]]


def test_an_arm_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="fresh_ppo is no arm of told; expected one of ppo, ppo_fresh"):
        study(fresh="fresh_ppo")


@pytest.mark.parametrize("study", GATED, ids=lambda study: study.name)
def test_the_committed_verdict_follows_from_the_committed_curves(study):
    baseline = study.baseline or study.arms[0].name
    found = verdict(baseline, study.fresh, study.after_changes(study.results), is_paired=study.pairs_seeds)
    assert read_table(study.results / "verdict.csv") == [found.row(baseline, study.fresh)]


def test_what_has_not_been_run_yet_has_no_results():
    assert [name for name in NOT_RUN_YET if STUDIES[name].results.exists()] == []


def test_studies_that_have_a_fresh_arm_name_it():
    for each in GATED:
        has_one = any("_fresh" in word for arm in each.arms for word in arm.overrides if word.startswith("agent="))
        has_one |= any(arm.starts_over for arm in each.arms if isinstance(arm, OnlineArm))
        assert has_one == (each.fresh is not None)


def test_the_verdicts_on_the_page_are_the_committed_ones():
    page = (ROOT / "docs" / "controls.md").read_text()
    for each in GATED:
        (row,) = read_table(each.results / "verdict.csv")
        (line,) = [line for line in page.splitlines() if line.startswith("| `") and f"`{each.name}`" in line]
        assert line.endswith(f"| {row['fresh is better by']} | {row['P(fresh is better)']} | {row['verdict']} |")
