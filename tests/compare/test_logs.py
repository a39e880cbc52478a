"""Runs that others wrote."""

import json
import struct

import pytest

from plastic_rl.compare import find_runs
from plastic_rl.compare.wandb_files import records
from plastic_rl.errors import UserError

wandb_messages = pytest.importorskip("wandb.proto.wandb_internal_pb2")


def write(folder, name, *lines):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n")


def test_monitors_of_several_copies_are_one_life(tmp_path):
    write(tmp_path / "ppo_3", "0.monitor.csv", '#{"t_start": 100.0}', "r,l,t", "1.0,10,1.0", "3.0,20,5.0")
    write(tmp_path / "ppo_3", "1.monitor.csv", '#{"t_start": 101.0}', "r,l,t", "2.0,15,1.5", "9")
    (run,) = find_runs([tmp_path])
    assert (run.name, run.seed, run.length, run.seconds) == ("ppo", 3, 45.0, 5.0)
    assert run.score.steps.tolist() == [10.0, 25.0, 45.0]
    assert run.score.values.tolist() == [1.0, 2.0, 3.0]


def test_a_progress_file_and_what_stands_beside_a_monitor(tmp_path):
    columns = "time/total_timesteps,rollout/ep_rew_mean,train/loss"
    write(tmp_path / "a" / "dqn-seed1", "progress.csv", columns, "10,1.5,", "20,2.5,0.1")
    write(tmp_path / "b" / "dqn-seed2", "progress.csv", columns, "10,1.5,0.3")
    write(tmp_path / "b" / "dqn-seed2", "monitor.csv", '#{"t_start": 0}', "r,l,t", "7,10,1")
    logged, monitored = find_runs([tmp_path])
    assert (logged.name, logged.seed, logged.length) == ("dqn", 1, 20.0)
    assert logged.score.values.tolist() == [1.5, 2.5]
    assert logged.measures["train/loss"].steps.tolist() == [20.0]
    assert monitored.score.values.tolist() == [7.0]
    assert monitored.measures["train/loss"].values.tolist() == [0.3]


def test_unknown_columns_are_offered_by_name(tmp_path):
    write(tmp_path / "x", "progress.csv", "step,success,loss", "1,0.5,2")
    with pytest.raises(UserError, match=r"Say which with --score: step, success, loss"):
        find_runs([tmp_path])
    (run,) = find_runs([tmp_path], score="success")
    assert (run.score_name, run.score.values.tolist()) == ("success", [0.5])


def test_a_monitor_without_its_first_line_is_refused(tmp_path):
    write(tmp_path, "monitor.csv", "r,l,t", "1,1,1")
    with pytest.raises(UserError, match="does not begin with the line of a monitor"):
        find_runs([tmp_path])


def test_streams_have_a_life_of_tasks_for_each_seed(tmp_path):
    lines = [
        {"global_step": step, "seed": seed, "task/index": step - 1, "online/error": seed + step}
        for step in (1, 2)
        for seed in (0, 1)
    ]
    write(tmp_path / "s", "metrics.jsonl", *map(json.dumps, lines))
    write(tmp_path / "s", "run.json", json.dumps({"status": "running"}))
    first, second = find_runs([tmp_path])
    assert (first.seed, first.unit, first.score_name, first.length) == (0, "tasks", "online error", 2.0)
    assert second.score.values.tolist() == [2.0, 3.0]
    assert not first.finished
    assert first.less_is_better


def as_log(pieces):
    """A log of records in W&B's file: each piece whole, cut where a block of 32 KiB ends."""
    data = b":W&B\xe1\xbe\x00"
    for whole in pieces:
        piece, kind = whole, 2
        while True:
            left = 32_768 - len(data) % 32_768
            if left < 7:
                data += b"\0" * left
                continue
            part, piece = piece[: left - 7], piece[left - 7 :]
            kind = {(2, False): 1, (2, True): 2, (3, False): 4, (3, True): 3}[kind, bool(piece)]
            data += b"\0\0\0\0" + struct.pack("<HB", len(part), kind) + part
            kind = 3
            if not piece:
                break
    return data


@pytest.mark.parametrize("sizes", [[5, 10], [70_000, 3], [32_768 - 7 - 7 - 3, 20], [32_768 - 14, 1]])
def test_records_are_put_together_over_blocks(sizes):
    pieces = [bytes([place + 1]) * size for place, size in enumerate(sizes)]
    assert list(records(as_log(pieces))) == pieces
    assert list(records(as_log(pieces)[:-1])) == pieces[:-1]


def test_a_file_of_weights_and_biases(tmp_path):
    def row(**values):
        record = wandb_messages.Record()
        for name, value in values.items():
            record.history.item.add(key=name, value_json=json.dumps(value))
        return record.SerializeToString()

    config = wandb_messages.Record()
    config.config.update.add(key="agent", value_json=json.dumps({"learning_rate": 0.1}))
    config.config.update.add(key="_wandb", value_json="{}")
    file = tmp_path / "offline-run-1" / "run-abc.wandb"
    file.parent.mkdir()
    rows = [row(**{"global_step": step, "episode/return": step / 10, "note": "x"}) for step in (10, 20)]
    file.write_bytes(as_log([config.SerializeToString(), *rows]))
    (run,) = find_runs([tmp_path])
    assert run.settings == {"agent.learning_rate": 0.1}
    assert run.score.values.tolist() == [1.0, 2.0]
    assert (run.score_name, run.length) == ("return", 20.0)


@pytest.mark.slow
def test_what_tensorboard_and_weights_and_biases_write_themselves(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    monkeypatch.setenv("WANDB_SILENT", "true")
    tracked = wandb.init(mode="offline", dir=tmp_path, project="x", config={"agent": {"learning_rate": 0.1}})
    with tensorboard.SummaryWriter(tmp_path / "tb" / "ppo_1") as writer:
        for step in range(1, 5):
            writer.add_scalar("rollout/ep_rew_mean", float(step), step * 10)
            tracked.log({"global_step": step * 10, "episode/return": float(step)})
    tracked.finish()
    runs = find_runs([tmp_path / "tb"]) + find_runs([tmp_path / "wandb"])
    assert [run.score.values.tolist() for run in runs] == [[1.0, 2.0, 3.0, 4.0]] * 2
    assert runs[1].settings == {"agent.learning_rate": 0.1}


def test_where_there_is_nothing_it_says_what_could_be(tmp_path):
    with pytest.raises(UserError, match=r"There is no run with a score in .*: expected folders of plastic_rl"):
        find_runs([tmp_path])
    with pytest.raises(UserError, match="is no folder: expected one with runs"):
        find_runs([tmp_path / "no"])
