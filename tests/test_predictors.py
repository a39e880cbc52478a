"""Whether instruments predict, from a folder of runs made by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.predictors import correlation, found_in, main, over_all, pairs_of, read_pairs, within_runs
from experiments.runs import read_table


def write_run(folder: Path, arm: str, seed: int, dead: list[float], returns: list[float]) -> None:
    """A run whose task k ends with these dead units, and whose episodes in it return this."""
    run = folder / arm / "permuted-cartpole" / "ppo" / f"abc-s{seed}"
    run.mkdir(parents=True)
    lines = []
    for task, (share, result) in enumerate(zip(dead, returns, strict=True)):
        lines.append({"global_step": task, "episode/return": result, "episode/length": 10, "task/index": task})
        end = {"end/task": task, "end/units/dead": share, "end/units/dead/layer.0": 9.0, "end/weights/norm/actor": 1.0}
        lines.append({"global_step": task, **end})
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "run.json").write_text(json.dumps({"status": "finished"}))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three runs in which the next return is always the lower the more units were dead; a fresh one does not count."""
    for seed, shift in enumerate((0.0, 0.01, 0.02)):
        dead = [0.1 + shift, 0.5 + shift, 0.3 + shift, 0.7 + shift, 0.0]
        write_run(tmp_path / "study", "ppo", seed, dead, [0.0, *[100 - 100 * each for each in dead[:-1]]])
    write_run(tmp_path / "study", "ppo_fresh", 0, [0.1, 0.2], [1.0, 2.0])
    return tmp_path / "study"


def test_a_pair_is_the_end_of_a_task_and_the_return_of_the_next_by_steps(study: Path):
    pairs = read_pairs(study)
    assert len(pairs) == 12  # the last task of each run has no next one
    assert pairs[1].run == 0
    assert pairs[1].following == pytest.approx(50)
    assert pairs[1].instruments == {
        "units/dead": 0.5,
        "weights/norm/actor": 1.0,
        "return/in_this_task": pytest.approx(90),
    }
    lines = [{"end/task": 0}]
    short = {"global_step": 0, "task/index": 1, "episode/return": 1.0, "episode/length": 1}
    lines += [short, short, {**short, "episode/return": 9.0, "episode/length": 8}]
    assert next(iter(pairs_of(0, lines))).following == pytest.approx((1 + 1 + 72) / 10)


def test_the_correlation_is_that_of_ranks():
    assert correlation(np.array([1.0, 2.0, 30.0]), np.array([5.0, 6.0, 7.0])) == pytest.approx(1)
    # Ranks 1, 2, 3, 4 and 2, 1, 4, 3: 1 - 6 · 4 / (4 · 15).
    assert correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 4.0, 3.0])) == pytest.approx(0.6)
    assert np.isnan(correlation(np.ones(3), np.arange(3.0)))


def test_arms_are_told_apart_by_one_number_and_time_by_the_other():
    """Between two runs values and returns rise together, within each they go against each other."""
    runs = np.repeat([0.0, 1.0], 4)
    values = np.array([1.0, 2, 3, 4, 11, 12, 13, 14])
    following = np.array([4.0, 3, 2, 1, 14, 13, 12, 11])
    # Rank differences 3, 1, 1, 3 twice: 1 - 6 · 40 / (8 · 63).
    assert over_all(values, following, runs).value == pytest.approx(1 - 240 / 504)
    assert within_runs(values, following, runs) == pytest.approx((-1, -1, -1))


def test_instruments_are_sorted_by_what_they_predict(study: Path):
    rows = [each.row() for each in found_in(read_pairs(study))]
    assert rows[0] == {
        "instrument": "units/dead",
        "runs": "3",
        "pairs": "12",
        "correlation": "-1.00 [-1.00, -1.00]",
        "within runs": "-1.00 [-1.00, -1.00]",
    }
    assert rows[-1]["instrument"] == "weights/norm/actor"  # never varies
    assert rows[-1]["correlation"] == "-"


def test_what_only_some_runs_have_comes_after_what_all_have(study: Path):
    """A method's own count that foretells all, in one run of three, against the instrument that all have."""
    pairs = read_pairs(study)
    counted = [each._replace(instruments={**each.instruments, "cbp/replaced": each.following}) for each in pairs[:4]]
    found = found_in([*counted, *pairs[4:]])
    of_some = next(each for each in found if each.instrument == "cbp/replaced")
    assert (of_some.runs, of_some.whole.value) == (1, pytest.approx(1))
    assert [each.instrument for each in found] == [
        "units/dead",
        "return/in_this_task",
        "cbp/replaced",
        "weights/norm/actor",
    ]


def test_the_command_writes_a_table_and_runs_without_instruments_are_refused(study: Path, tmp_path: Path):
    main([str(study), "--out", str(tmp_path / "out")])
    assert read_table(tmp_path / "out" / "predictors.csv")[0]["instrument"] == "units/dead"
    assert (tmp_path / "out" / "predictors.png").stat().st_size > 5_000
    with pytest.raises(FileNotFoundError, match="holds no finished run"):
        main([str(tmp_path / "nowhere")])
