"""The studies of what keeps PPO plastic: their tables and figure, from curves written by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.plasticity_study import OF_FORCES, PlasticityStudy, read_instrument
from experiments.runs import ROOT, Arm, read_table, run_missing, write_table
from experiments.study import main


def study(folder: Path) -> PlasticityStudy:
    """Two arms, two seeds, two tasks of two bins; PPO returns 10 and then 2, a fresh agent always 10."""
    returns = {"ppo": (10, 10, 2, 2), "ppo_fresh": (10, 10, 10, 10)}
    rows = [
        {"arm": arm, "seed": seed, "step": 10 * (place + 1), "return": value + seed}
        | {"policy/logits": place, "policy/entropy": "", "weights/mean_abs": 0.5, "units/dormant": 0.25}
        for arm, values in returns.items()
        for seed in (0, 1)
        for place, value in enumerate(values)
    ]
    write_table(folder / "curves.csv", rows)
    arms = tuple(Arm(name, (f"agent={name}",)) for name in returns)
    settings = {"seeds": range(2), "change_every": 20, "bin_steps": 10, "quick": (), "shown": ("ppo", "ppo_fresh")}
    return PlasticityStudy(name="by_hand", title="By hand", arms=arms, fresh="ppo_fresh", **settings)


def test_the_summary_says_what_an_arm_reaches_of_a_fresh_agent_and_how_it_ends(tmp_path):
    ppo, fresh = study(tmp_path).summary(tmp_path)
    assert (ppo["arm"], ppo["seeds"], fresh["of fresh"]) == ("ppo", "2", "1.00")
    assert ppo["of fresh"] == "0.62"  # 6.5 of 10.5
    assert (ppo["largest logit at the end"], ppo["dormant units at the end"]) == ("3.0", "25%")
    assert ppo["entropy of the policy at the end"] == "nan"  # never measured


def test_an_instrument_is_read_by_arm_seed_and_bin(tmp_path):
    study(tmp_path)
    values = read_instrument(tmp_path / "curves.csv", "policy/logits")
    assert values["ppo"].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]


@pytest.mark.filterwarnings("ignore:.*NaN.*")
def test_the_figure_is_drawn(tmp_path):
    study(tmp_path).draw(tmp_path)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_seeds_that_are_trained_together_are_one_command_for_each_arm(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr("experiments.runs._run", lambda command: commands.append(command) or 0)
    run_missing([Arm("ppo", ("agent=ppo",))], range(3, 5), tmp_path, 1, seeds_together=True)
    assert commands == [["train.py", "agent=ppo", "seed=3", "seeds=2", "track=off", f"out={tmp_path / 'ppo'}"]]


def test_the_command_of_a_study_does_not_say_where_the_project_lies():
    *_, folder = Arm("ppo no change", ("agent=ppo",)).command(0, ROOT / "runs" / "studies" / "by_hand")
    assert folder == "out=runs/studies/by_hand/ppo_no_change"


@pytest.mark.filterwarnings("ignore:.*NaN.*")
def test_some_arms_are_run_anew_and_the_tables_keep_the_others(tmp_path, monkeypatch):
    by_hand, ran = study(tmp_path), []
    before = read_table(tmp_path / "curves.csv")
    anew = [{**row, "return": 100} for row in before if row["arm"] == "ppo"]
    monkeypatch.setattr("experiments.study.run_missing", lambda arms, *_, **__: ran.extend(arm.name for arm in arms))
    monkeypatch.setattr(PlasticityStudy, "gather", lambda self, _: {"curves": anew} if len(self.arms) == 1 else {})
    by_hand.run(tmp_path / "runs", tmp_path, 1, ["ppo"])
    after = read_table(tmp_path / "curves.csv")
    assert ran == ["ppo"]
    assert [row["return"] for row in after if row["arm"] == "ppo"] == ["100"] * 8
    assert [row for row in after if row["arm"] != "ppo"] == [row for row in before if row["arm"] != "ppo"]
    assert [row["arm"] for row in after] == [row["arm"] for row in before]  # in the order of the arms


def test_a_study_of_which_some_arms_have_never_run_is_not_drawn(tmp_path, monkeypatch, capsys):
    by_hand = study(tmp_path)
    rows = [row for row in read_table(tmp_path / "curves.csv") if row["arm"] == "ppo"]
    monkeypatch.setattr("experiments.study.run_missing", lambda *_, **__: None)
    monkeypatch.setattr(PlasticityStudy, "gather", lambda *_: {"curves": rows})
    by_hand.run(tmp_path / "runs", tmp_path / "results", 1, ["ppo"])
    assert "nothing yet of ppo_fresh" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["curves.csv"]


def test_an_arm_that_is_none_of_the_study_is_refused_with_those_that_are(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(study(tmp_path), ["--arms", "ppo_frehs"])
    assert "choose from 'ppo', 'ppo_fresh'" in capsys.readouterr().err


def test_a_study_gathers_its_own_instruments_beside_those_of_all(tmp_path):
    run = tmp_path / "ppo" / "pendulum" / "ppo" / "abc-s0"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"status": "finished"}))
    lines = [{"global_step": step, "episode/return": step, "policy/std": step / 100} for step in (5, 10, 15, 20)]
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    of_forces = replace(study(tmp_path), instruments=OF_FORCES)
    first, second = of_forces.gather(tmp_path)["curves"]
    assert (first["return"], first["policy/std"], second["policy/std"]) == (7.5, "0.1", "0.2")
    assert first["policy/mean_action"] == first["policy/logits"] == ""
