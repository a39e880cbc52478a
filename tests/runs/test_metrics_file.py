"""The metrics file: strict JSON lines that a resumed run continues exactly."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from plastic_rl.errors import RunError
from plastic_rl.runs import MetricsFile, read_metrics


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def test_a_line_by_hand(path: Path):
    with MetricsFile(path, None) as metrics:
        metrics.write(2048, {"episode/return": 12.5, "task/index": 1})
        assert path.read_text() == '{"global_step": 2048, "episode/return": 12.5, "task/index": 1}\n'  # before closing
        assert metrics.position == 63


def test_numbers_of_numpy_and_torch_become_plain(path: Path):
    values = {
        "a": np.float32(0.5),
        "b": np.int64(3),
        "c": torch.tensor(0.25),
        "d": torch.tensor([7]),
        "e": np.array([1.5]),
        "f": np.bool_(True),
        "g": "word",
        "h": None,
    }
    with MetricsFile(path, None) as metrics:
        metrics.write(1, values)
    expected = {"global_step": 1, "a": 0.5, "b": 3, "c": 0.25, "d": 7, "e": 1.5, "f": True, "g": "word", "h": None}
    assert read_metrics(path) == [expected]


def test_nan_and_infinity_are_null(path: Path):
    with MetricsFile(path, None) as metrics:
        metrics.write(
            1, {"a": float("nan"), "b": float("-inf"), "c": torch.tensor(float("inf")), "d": np.float64("nan")}
        )

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    line = json.loads(path.read_text(), parse_constant=refuse)
    assert line == {"global_step": 1, "a": None, "b": None, "c": None, "d": None}


def test_the_step_comes_first_and_wins(path: Path):
    with MetricsFile(path, None) as metrics:
        metrics.write(5, {"a": 1, "global_step": 4})
    assert list(read_metrics(path)[0].items()) == [("global_step", 5), ("a", 1)]


@pytest.mark.parametrize("value", [np.zeros(2), torch.zeros(2), [1.0], 1j])
def test_what_is_no_number_is_refused_by_name(path: Path, value: object):
    with MetricsFile(path, None) as metrics:
        with pytest.raises(TypeError, match="metric 'loss/policy' must be one number"):
            metrics.write(1, {"loss/policy": value})
        metrics.write(2, {})
    assert read_metrics(path) == [{"global_step": 2}]


def test_a_resumed_run_writes_the_same_file(path: Path, tmp_path: Path):
    whole = tmp_path / "whole.jsonl"
    with MetricsFile(whole, None) as metrics:
        for step in range(6):
            metrics.write(step, {"a": step / 3})
    with MetricsFile(path, None) as metrics:
        for step in range(3):
            metrics.write(step, {"a": step / 3})
        position = metrics.position
        metrics.write(3, {"a": 1.0})
    path.write_bytes(path.read_bytes() + b'{"global_step": 4, "a": 1.3')  # killed in the middle of a line
    with MetricsFile(path, position) as metrics:
        for step in range(3, 6):
            metrics.write(step, {"a": step / 3})
        assert metrics.position == whole.stat().st_size
    assert path.read_bytes() == whole.read_bytes()


def test_without_a_checkpoint_the_file_begins_anew(path: Path):
    path.write_text('{"global_step": 1}\n')
    MetricsFile(path, None).close()
    assert path.read_bytes() == b""


def test_a_file_shorter_than_the_checkpoint_knew_goes_on_after_its_last_whole_line(
    path: Path, caplog: pytest.LogCaptureFixture
):
    path.write_text('{"global_step": 1}\n{"glo')
    with MetricsFile(path, 1000) as metrics:
        metrics.write(2, {})
    assert path.read_bytes() == b'{"global_step": 1}\n{"global_step": 2}\n'
    assert "some of its lines are lost" in caplog.text


def test_reading_leaves_out_a_half_written_line_only_at_the_end(path: Path):
    path.write_bytes(b"")
    assert read_metrics(path) == []
    path.write_text('{"global_step": 1}\n{"global_step": 2}\n{"global_step": 3')
    assert [line["global_step"] for line in read_metrics(path)] == [1, 2]
    path.write_text('{"global_step"\n{"global_step": 2}\n')
    with pytest.raises(ValueError, match="delimiter"):
        read_metrics(path)


def test_a_full_disk_is_an_error_with_the_step(path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with MetricsFile(path, None) as metrics:
        metrics.write(1, {})
        resource.setrlimit(resource.RLIMIT_FSIZE, (30, hard))
        try:
            with pytest.raises(RunError, match=r"Metrics of step 2 not written to .*: File too large\."):
                metrics.write(2, {})
        finally:
            metrics.close()  # with half a line that the disk does not take: the error was raised already
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_metrics(path)[0] == {"global_step": 1}


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path):
    with pytest.raises(RunError, match=r"Cannot write .*missing.*: No such file or directory"):
        MetricsFile(tmp_path / "missing" / "metrics.jsonl", None)
