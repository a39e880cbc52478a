"""Groups of runs, and their names."""

import os

import pytest

from plastic_rl.compare import differences, find_runs, grouped
from plastic_rl.compare.groups import whole
from plastic_rl.errors import UserError


def names(folder, by=()):
    return [group.name for group in grouped(find_runs([folder]), by)]


def test_agents_have_their_names(runs):
    groups = grouped(find_runs([runs]))
    assert [(group.name, [run.seed for run in group.runs]) for group in groups] == [("bad", [0, 1]), ("good", [0, 1])]
    assert differences(groups) == {"agent": ["bad", "good"]}


def test_one_agent_with_two_settings_is_called_by_them(write_run, tmp_path):
    write_run("ppo", 0, [1], learning_rate=0.1)
    write_run("ppo", 0, [1], learning_rate=0.2, digest="9876543210")
    write_run("ppo_cbp", 0, [1], learning_rate=0.2)
    assert sorted(names(tmp_path)) == [
        "ppo agent.learning_rate=0.1",
        "ppo agent.learning_rate=0.2",
        "ppo_cbp agent.learning_rate=0.2",
    ]
    assert names(tmp_path, ["agent.learning_rate"]) == ["agent.learning_rate=0.1", "agent.learning_rate=0.2"]


def test_a_setting_that_no_run_has_is_refused_with_those_that_there_are(runs):
    with pytest.raises(
        UserError, match=r"--by agent.lr: no run has that setting; there are agent, agent.learning_rate"
    ):
        names(runs, ["agent.lr"])


def test_of_the_same_run_twice_the_last_counts(write_run, tmp_path):
    older, newer = (write_run("ppo", 0, [1], digest=digest) for digest in ("0123456789", "1234567890"))
    os.utime(older, (1, 1))
    (group,) = grouped(find_runs([tmp_path]))
    assert [run.path for run in group.runs] == [newer]


def test_lives_that_are_not_whole_are_left_out(write_run, tmp_path):
    write_run("ppo", 0, [1] * 100)
    write_run("ppo", 1, [1] * 96)
    short = write_run("ppo", 2, [1] * 90)
    kept, left_out = whole(find_runs([tmp_path]))
    assert [run.seed for run in kept] == [0, 1]
    assert [run.path for run in left_out] == [short]


def test_runs_of_ones_own_are_called_by_their_folders(tmp_path):
    for place, name in enumerate(["plain-seed0", "cbp-seed0", "cbp-seed1"]):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.yaml").write_text(f"optimizer: {name.partition('-')[0]}\n")
        (folder / "run.json").write_text('{"status": "finished"}')
        (folder / "metrics.jsonl").write_text(f'{{"global_step": 1, "episode/return": {place}}}\n')
    groups = grouped(find_runs([tmp_path]))
    assert {group.name: [run.seed for run in group.runs] for group in groups} == {"cbp": [0, 1], "plain": [0]}
